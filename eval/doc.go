// Package eval scores decoders by the rules of lm-evaluation-harness: it runs the
// requests of a task through a model. What a task asks stands in package task, tasks
// of one's own in taskfile, and what came out is written, read and compared by results.
//
//	requests := ... // of task.EncodeAll
//	result, err := eval.Run(ctx, be, decoder, requests, nil)
//	fmt.Println(result.Metrics[0].Name, result.Metrics[0].Value)
//
// It knows no CRaSh: any [transformer.Decoder] is scored the same way.
package eval
