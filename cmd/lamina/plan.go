package main

import (
	"cmp"
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval/task"
)

// planCommand chooses layers by one of the methods of [plan.Methods].
type planCommand struct {
	Kind       string             `arg:"" enum:"${methods}" help:"How layers are chosen. ${methods_help}."`
	Layers     int                `placeholder:"L" help:"Layers of the model; with --similarity or --model it may be left out."`
	Keep       int                `placeholder:"K" help:"Layers to keep, the trained ones included; with --list it may be left out."`
	Trainable  int                `required:"" placeholder:"T" help:"Layers to train."`
	Similarity string             `placeholder:"F.json" help:"What lamina similarity wrote, for ${methods_similarity}."`
	Model      string             `placeholder:"PATH" help:"Model to measure on the documents of --data what a method reads: for ${methods_model}."`
	Data       string             `placeholder:"PATH" help:"Documents to measure on, as in lamina similarity."`
	Task       string             `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	Samples    int                `default:"512" placeholder:"N" help:"Only the first N documents (default 512); methods that run the model again and again take 128 at the most."`
	Pool       string             `default:"mean_weighted" placeholder:"HOW" help:"As in lamina similarity."`
	Tokens     string             `default:"plain" placeholder:"HOW" help:"As in lamina similarity."`
	AnchorEnds bool               `help:"Keep the first and the last layer whatever the rule says (${methods_anchor})."`
	TrainAt    string             `placeholder:"WHERE" help:"Which layers train: ${train_at_help}; or a list such as 0,5,11. Default: where the method says, most at centres."`
	List       string             `placeholder:"L,…" help:"Layers to keep, for ${methods_list}."`
	Option     map[string]float64 `placeholder:"NAME=X" help:"A number of the method. ${methods_options}."`
	shapeFlags
}

// Run prints the plan alone to standard output, so that a shell can take it, and what it
// was made of, where the method has something to show, to standard error.
func (c planCommand) Run(s *session) error {
	method, err := plan.Named(s.methods, c.Kind)
	if err != nil {
		return usageError{err}
	}
	shape, err := c.shape()
	if err != nil {
		return err
	}
	request, chooser, err := c.request(s, method)
	if err != nil {
		return err
	}
	show := s.watcher()
	chooser.Watch = show.Watch
	chosen, err := chooser.Choose(s.ctx, method, request)
	show.Close()
	if err != nil {
		return err
	}
	result, left, err := chosen.File(method, request, shape)
	if err != nil {
		return err
	}
	s.warn(shape.Doubts(result.Plan, left))
	if c.AnchorEnds {
		s.notef("both ends of the model are kept (--anchor-ends)\n")
	}
	s.printf("%s\n", result.Plan)
	s.notef("%s", chosen)
	if chooser.Full == nil { // of whose sizes nothing is known
		return s.writeJSON(result)
	}
	cost, err := emulate.CostOf(chooser.Full, result.Plan, min(costLength, chooser.Full.Config.MaxPositions))
	if err != nil {
		return err
	}
	for _, line := range cost.Lines() {
		s.notef("%s %s\n", line[0], line[1])
	}
	return s.writeJSON(struct {
		plan.File
		Cost emulate.Cost `json:"cost"`
	}{result, cost})
}

// costLength is the tokens of a sequence that a plan's cost is told for, as lamina info does.
const costLength = 64

// request collects what the method chooses from. The depth of the model is the flag's, or
// that of the similarity matrix, which has one state more, or the model's.
func (c planCommand) request(s *session, method plan.Method) (r plan.Request, chooser *study.Chooser, err error) {
	r = plan.Request{Layers: c.Layers, Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds, Seed: s.Seed, Options: c.Option}
	if r.TrainAt, err = plan.ParseTrainAt(c.TrainAt); err != nil {
		return r, nil, usagef("--train-at: %v", err)
	}
	switch {
	case c.List != "" && !method.Reads(plan.NeedList):
		return r, nil, usagef("--list is for %s", s.reading(plan.NeedList))
	case c.Data != "" && c.Model == "":
		return r, nil, usagef("--data needs --model PATH, which is measured on the documents")
	case c.List != "":
		if r.List, err = plan.ParseList(c.List); err != nil {
			return r, nil, usagef("--list: %v", err)
		}
		r.Keep = cmp.Or(r.Keep, len(r.List))
	}
	if c.Similarity != "" {
		doubts, err := study.BringSimilarity(c.Similarity, method, &r)
		if err != nil {
			return r, nil, err
		}
		s.warn(doubts)
	}
	chooser = &study.Chooser{}
	if c.Model != "" {
		if chooser, err = c.chooser(s); err != nil {
			return r, nil, err
		}
		r.Layers = cmp.Or(r.Layers, len(chooser.Full.Blocks))
	}
	switch {
	case r.Layers == 0:
		return r, nil, usagef("want --layers L (or --similarity F.json, or --model PATH)")
	case c.Model != "" && r.Layers != len(chooser.Full.Blocks):
		return r, nil, fmt.Errorf("%s: has %d layers, not %d", c.Model, len(chooser.Full.Blocks), r.Layers)
	case c.Layers != 0 && c.Layers != r.Layers:
		return r, nil, fmt.Errorf("%s: measured on %d layers, --layers says %d", c.Similarity, r.Layers, c.Layers)
	case c.AnchorEnds && !method.AnchorEnds:
		return r, nil, usagef("--anchor-ends is for %s", s.anchoring())
	}
	for _, need := range r.Needed(method) {
		switch {
		case r.Has(need) || c.Model != "" && need != plan.NeedList:
		case need == plan.NeedSimilarity:
			return r, nil, usagef("a %s plan needs --similarity F.json (lamina similarity writes it)", c.Kind)
		case need == plan.NeedList:
			return r, nil, usagef("a %s plan needs --list L,…, the layers that stay", c.Kind)
		default:
			return r, nil, usagef("a %s plan needs --model PATH and --data PATH, to measure the %s", c.Kind, need)
		}
	}
	return r, chooser, nil
}

// chooser opens model and documents.
func (c planCommand) chooser(s *session) (*study.Chooser, error) {
	v, err := measure.ParseVectors(c.Pool, c.Tokens)
	switch {
	case err != nil:
		return nil, usageError{err}
	case c.Data == "":
		return nil, usagef("--model needs --data PATH, documents to measure on")
	case c.Samples < 1:
		return nil, usagef("--samples %d: want 1 or more", c.Samples)
	}
	t, err := namedTask(c.Task)
	if err != nil {
		return nil, err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return nil, err
	}
	if err := m.Full("plan"); err != nil {
		return nil, err
	}
	docs, _, err := m.Documents(t, m.data(c.Data, "", "validation"), c.Samples)
	if err != nil {
		return nil, err
	}
	chooser := &study.Chooser{Backend: m.Backend, Full: m.Decoder, Vectors: v}
	chooser.Support, err = study.NewSupport(&m.Model.Model, t, docs, m.Config.MaxPositions, task.OverlongError)
	return chooser, err
}
