package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

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
	Budget     *float64           `placeholder:"X" help:"Instead of --keep: as many layers as an emulator can have that holds no more than this share of the model's numbers, embeddings, head and what fills gaps included; above 0, and 1 at the most."`
	Trainable  int                `placeholder:"T" help:"Layers to train. Of auto ${auto_trainable} where it is left out, or all that are kept if they are fewer."`
	Similarity string             `placeholder:"F.json" help:"What lamina similarity wrote, for ${methods_similarity}."`
	Model      string             `placeholder:"PATH" help:"Model to measure on the documents of --data what a method reads: for ${methods_model}. With it the plan's cost is told."`
	Data       string             `placeholder:"PATH" help:"Documents to measure on, as in lamina similarity."`
	Task       string             `placeholder:"NAME" help:"Prompt of a task; none: the file verbatim."`
	Samples    int                `default:"${plan_documents}" placeholder:"N" help:"Only the first N documents (default ${plan_documents}); methods that run the model again and again take 128 at the most."`
	Pool       string             `default:"${plan_pool}" placeholder:"HOW" help:"As in lamina similarity."`
	Tokens     string             `default:"${plan_tokens}" placeholder:"HOW" help:"As in lamina similarity."`
	AnchorEnds bool               `help:"Keep the first and the last layer whatever the rule says (${methods_anchor})."`
	TrainAt    string             `placeholder:"WHERE" help:"Which layers train: ${train_at_help}; or a list such as 0,5,11. Default: where the method says, most at centres."`
	List       string             `placeholder:"L,…" help:"Layers to keep, for ${methods_list}."`
	Option     map[string]float64 `placeholder:"NAME=X" help:"A number of the method. ${methods_options}."`
	shapeFlags
}

// Run prints the plan alone to standard output, so that a shell can take it, and what it
// was made of, where the method has something to show, to standard error.
func (c planCommand) Run(s *session) error {
	shape, err := c.shape()
	if err != nil {
		return err
	}
	var m *model
	if c.Model != "" {
		if m, err = c.open(s); err != nil {
			return err
		}
	}
	p, chooser, err := c.choose(s, m, shape)
	if err != nil {
		return err
	}
	if c.AnchorEnds {
		s.notef("both ends of the model are kept (--anchor-ends)\n")
	}
	s.printf("%s\n", p.Plan)
	var cost *emulate.Cost // nil where nothing is known of the model's sizes
	if full := chooser.Full; full != nil {
		of, err := emulate.CostOf(full, p.Plan, min(costLength, full.Config.MaxPositions))
		if err != nil {
			return err
		}
		cost = &of
	}
	tell(s, p, cost)
	if cost == nil {
		return s.writeJSON(p.File)
	}
	return s.writeJSON(struct {
		plan.File
		Cost emulate.Cost `json:"cost"`
	}{p.File, *cost})
}

// tell says on standard error what a plan was made of and what its emulator costs: in few
// words where nobody asked for a method in particular.
func tell(s *session, p study.Proposal, cost *emulate.Cost) {
	if lines := p.Lines(cost); lines != nil {
		s.notef("%s\n", strings.Join(lines, "\n"))
		return
	}
	s.notef("%s", p.Choice)
	if cost == nil {
		return
	}
	for _, line := range cost.Lines() {
		s.notef("%s %s\n", line[0], line[1])
	}
}

// choose returns the plan that the flags ask for, on a model that is open; nil: of sizes alone.
func (c planCommand) choose(s *session, m *model, shape plan.Shape) (p study.Proposal, chooser *study.Chooser, err error) {
	method, err := plan.Named(s.methods, c.Kind)
	if err != nil {
		return p, nil, usageError{err}
	}
	budget := 0.0
	if c.Budget != nil {
		budget = *c.Budget
	}
	switch {
	case c.Budget != nil && !(budget > 0 && budget <= 1):
		return p, nil, usagef("--budget %v: want more than 0 and at most 1, a share of the model's numbers", budget)
	case c.Budget != nil && c.Keep != 0:
		return p, nil, usagef("--keep %d and --budget %v: both say how many layers stay: want one of them", c.Keep, budget)
	case c.Budget != nil && c.Model == "":
		return p, nil, usagef("--budget %v is a share of a model's numbers: want --model PATH", budget)
	case c.Budget != nil && c.List != "":
		return p, nil, usagef("--budget %v and --list: the list says which layers stay: want one of them", budget)
	}
	request, chooser, err := c.request(s, m, method)
	if err != nil {
		return p, nil, err
	}
	show := s.watcher()
	chooser.Watch = show.Watch
	p, err = chooser.Plan(s.ctx, method, request, shape, budget)
	show.Close()
	if missing := (*study.Missing)(nil); errors.As(err, &missing) {
		err = c.lacks(missing.Need)
	}
	if err == nil {
		s.warn(p.Shape.Doubts(p.Plan, p.Left))
	}
	return p, chooser, err
}

// costLength is the tokens of a sequence that a plan's cost is told for, as lamina info does.
const costLength = 64

// request collects what the method chooses from. The depth of the model is the flag's, or
// that of the similarity matrix, which has one state more, or the model's.
func (c planCommand) request(s *session, m *model, method plan.Method) (r plan.Request, chooser *study.Chooser, err error) {
	r = plan.Request{Layers: c.Layers, Keep: c.Keep, AnchorEnds: c.AnchorEnds, Seed: s.Seed, Options: c.Option}
	if r.TrainAt, err = plan.ParseTrainAt(c.TrainAt); err != nil {
		return r, nil, usagef("--train-at: %v", err)
	}
	switch {
	case c.List != "" && !method.Reads(plan.NeedList):
		return r, nil, usagef("--list is for %s", s.reading(plan.NeedList))
	case c.Data != "" && m == nil:
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
	if m != nil {
		if chooser, err = c.chooser(m); err != nil {
			return r, nil, err
		}
		r.Layers = cmp.Or(r.Layers, m.Config.Layers)
	}
	switch {
	case r.Layers == 0:
		return r, nil, usagef("want --layers L (or --similarity F.json, or --model PATH)")
	case m != nil && r.Layers != m.Config.Layers:
		return r, nil, fmt.Errorf("%s: has %d layers, not %d", c.Model, m.Config.Layers, r.Layers)
	case c.Layers != 0 && c.Layers != r.Layers:
		return r, nil, fmt.Errorf("%s: measured on %d layers, --layers says %d", c.Similarity, r.Layers, c.Layers)
	case c.AnchorEnds && !method.AnchorEnds:
		return r, nil, usagef("--anchor-ends is for %s", s.anchoring())
	}
	if r.Trainable, err = c.trainable(method, r); err != nil {
		return r, nil, err
	}
	if c.Budget != nil {
		return r, chooser, nil // what is read depends on how many layers stay
	}
	for _, need := range r.Needed(method) {
		if !r.Has(need) && (c.Data == "" || need == plan.NeedList) {
			return r, nil, c.lacks(need)
		}
	}
	return r, chooser, nil
}

// trainable returns how many layers train, or an error of usage where nobody says.
func (c planCommand) trainable(method plan.Method, r plan.Request) (int, error) {
	switch {
	case c.Trainable == 0 && method.Trainable == 0:
		return 0, usagef("want --trainable T, the layers to train")
	case c.Trainable == 0 && r.Keep == 0 && c.Budget == nil:
		return 0, usagef("want --keep K, the layers that stay, or --budget X, the share of the model's numbers that an emulator may hold")
	case c.Trainable != 0:
		return c.Trainable, nil
	}
	return min(method.Trainable, cmp.Or(r.Keep, r.Layers)), nil
}

// lacks is the error of what is read and not there.
func (c planCommand) lacks(need plan.Need) error {
	a := "a"
	if strings.Contains("aeio", c.Kind[:1]) {
		a = "an"
	}
	switch {
	case need == plan.NeedList:
		return usagef("%s %s plan needs --list L,…, the layers that stay", a, c.Kind)
	case c.Model != "":
		return usagef("--model needs --data PATH, documents to measure the %s on", need)
	case need == plan.NeedSimilarity:
		return usagef("%s %s plan needs --similarity F.json (lamina similarity writes it)", a, c.Kind)
	}
	return usagef("%s %s plan needs --model PATH and --data PATH, to measure the %s", a, c.Kind, need)
}

// open opens the model.
func (c planCommand) open(s *session) (*model, error) {
	m, err := s.openModel(c.Model)
	if err != nil {
		return nil, err
	}
	return m, m.Full("plan")
}

// chooser reads the documents, if any.
func (c planCommand) chooser(m *model) (*study.Chooser, error) {
	v, err := measure.ParseVectors(c.Pool, c.Tokens)
	switch {
	case err != nil:
		return nil, usageError{err}
	case c.Samples < 1:
		return nil, usagef("--samples %d: want 1 or more", c.Samples)
	}
	t, err := namedTask(c.Task)
	if err != nil {
		return nil, err
	}
	chooser := &study.Chooser{Backend: m.Backend, Full: m.Decoder, Vectors: v}
	if c.Data == "" {
		return chooser, nil
	}
	docs, _, err := m.Documents(t, m.data(c.Data, "", "validation"), c.Samples)
	if err != nil {
		return nil, err
	}
	chooser.Support, err = study.NewSupport(&m.Model.Model, t, docs, m.Config.MaxPositions, task.OverlongError)
	return chooser, err
}
