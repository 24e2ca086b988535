// Package eval scores decoders by the rules of lm-evaluation-harness. What a task asks
// stands in package task, tasks of one's own in taskfile, and what came out is
// written, read and compared by results.
//
//	c, err := transformer.Open("opt-125m")
//	d, err := c.Decoder(be)
//	s := &eval.Session{Model: &eval.Model{Checkpoint: c, Backend: be, Decoder: d}, Name: "opt-125m", Dir: "scores"}
//	arc, err := task.Named("arc_easy")
//	err = s.Add(arc, eval.Data{Path: "ai2_arc/ARC-Easy"}, nil)
//	scores, outcomes, err := s.Run(ctx)
//	fmt.Println(outcomes[0].Metrics[0].Value)
//	paths, err := scores.Write(s.Dir, true)
//
// A [Session] is the whole way from files to results. Its steps can be taken alone:
// [Data] reads documents, [Model] encodes them for scoring, training and measuring,
// and [Run] brings requests through a decoder.
//
// It knows no CRaSh and no network: any [transformer.Decoder] is scored the same way,
// and data elsewhere is found by a function that is handed in.
//
// Invariants: the same model, options and data give the same scores, to the bit, on
// any number of processors; what a session finished is used again only if model,
// options, data and prompts are those it was finished with.
package eval
