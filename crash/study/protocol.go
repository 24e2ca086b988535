package study

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/transformer"
)

// Protocol measures fine-tuning without the full model for one model and task:
// it ranks nothing and chooses nothing on the scored rows. Plans read only
// Support; learning rate and checkpoint are chosen by the emulator's loss on
// Valid; Test is scored once a finished model.
type Protocol struct {
	Backend kernels.Backend
	Full    *transformer.Decoder // frozen, as loaded

	Train, Valid []task.Pair
	Support      Support
	Test         *task.Requests

	Keep, Trainable int
	AnchorEnds      bool
	TrainAt         plan.TrainAt // of every row whose method chooses
	Samples         int          // of the support texts that choosing runs the model over again and again; 0: 128, which are the most
	PlugAt          []float64    // epochs after which emulator and plug-in are measured on validation rows besides, ascending
	Rows            []Recipe     // in the order they are run
	PlugInOnly      bool         // emulators by themselves are not scored, before training or after: half of the scoring, and no skill in accuracy
	Seed            uint64
	LRs             []float64       // candidates
	Settings        train.Settings  // LR and Seed are set per run
	Recompute       bool            // as in Trainer
	SaveEvery       int             // as in Trainer
	Vectors         measure.Vectors // of similarities
	// Measured is the similarity of the full model, if it was measured before: nothing is
	// measured then.
	Measured *measure.Similarity
	// Plan has the layers that stay and train in every row that takes a given plan (crash and
	// what is made of it); nil: they are chosen.
	Plan plan.Plan
	Dir  string // run directory

	CachePrefix CachePrefix // of every row; one at a time holds it, with all its rates
	Available   int         // bytes of memory to the whole process, see [CheckMemory]; 0: not known
	Overcommit  bool        // rows are trained even if they take more

	Listen Listener // told of each training that is begun; may be nil

	// Watch is told what goes on; may be nil.
	Watch func(Event)

	skipped    int // training and validation rows left out, their targets too long
	similarity *measure.Similarity
	fullLoss   float64            // of the full model on validation rows; 0: not measured
	answerLoss float64            // of the full model on support answers; 0: not measured
	gradients  []measure.Gradient // of the full model, that later rows need
	resolved   []variant
	prefix     *train.Prefix
	chosen     map[string]plan.Choice // by method and seed
}

// Event is a step of the protocol, for progress lines.
type Event struct {
	Row         string
	Phase       string        // "similarity", "build", "score", "train", "measures", a method's name; "warning", "note"
	Warning     string        // what is doubtful, in a line, of a warning
	Note        string        // what is worth knowing, in a line, of a note
	Done, Total int           // parts of the phase, in training steps
	Metrics     train.Metrics // of a training step
	Resumed     bool          // a training that was interrupted goes on after step Done
}

// Validate returns an error naming what cannot be run, before anything is.
func (p *Protocol) Validate() error {
	layers := len(p.Full.Blocks)
	switch {
	case p.Test == nil || len(p.Test.Items) == 0:
		return fmt.Errorf("no documents to score")
	case len(p.LRs) == 0:
		return fmt.Errorf("--lr: no learning rate: want one or more")
	case len(p.LRs) > 1 && len(p.Valid) == 0:
		return fmt.Errorf("%d learning rates and no validation examples to choose by", len(p.LRs))
	case p.Samples < 0:
		return fmt.Errorf("--samples %d: want 1 or more", p.Samples)
	case p.Keep < 1 || p.Keep > layers:
		return fmt.Errorf("--keep %d: want 1 to %d, the model's layers", p.Keep, layers)
	case p.Trainable < 1 || p.Trainable > p.Keep:
		return fmt.Errorf("--trainable %d: want 1 to %d, the kept layers", p.Trainable, p.Keep)
	}
	for _, r := range p.Rows {
		if err := r.check(layers); err != nil {
			return err
		}
		if r.Ready.Dir != "" {
			e, err := p.openReady(r)
			if err != nil {
				return fmt.Errorf("row %s: %w", r.Name, err)
			}
			e.Close()
		}
		if r.Compress.Name != "" {
			if _, err := p.transform(r); err != nil {
				return fmt.Errorf("row %s: %w", r.Name, err)
			}
		}
		if r.Given && p.Plan != nil && p.kept(r) != p.Keep {
			return fmt.Errorf("row %s: takes the plan that is given, which keeps %d layers: leave out the plan, or @%d", r.Name, p.Keep, r.Keep)
		}
		if r.Method.Choose == nil || p.Plan != nil {
			continue
		}
		if _, err := p.request(p.chooses(r)).CostOf(p.chooses(r).Method); err != nil {
			return fmt.Errorf("row %s: %w", r.Name, err)
		}
	}
	return errors.Join(checkMoments(p.PlugAt), p.checkChosen(layers))
}

// checkChosen tests what was brought instead of measuring and choosing.
func (p *Protocol) checkChosen(layers int) error {
	if s := p.Measured; s != nil {
		switch err := s.Validate(); {
		case err != nil:
			return fmt.Errorf("similarity: %w", err)
		case len(s.Matrix) != layers+1:
			return fmt.Errorf("similarity of a model of %d layers: the model has %d", len(s.Matrix)-1, layers)
		}
	}
	if p.Plan == nil {
		return nil
	}
	if err := p.Plan.Validate(layers); err != nil {
		return err
	}
	switch kept, starred := len(p.Plan.Kept()), len(p.Plan.Trainable()); {
	case !p.TrainAt.IsZero():
		return fmt.Errorf("plan %s: says itself which layers train: leave out --train-at", p.Plan)
	case kept != len(p.Plan):
		return fmt.Errorf("plan %s: has copies or maps: give the layers that stay; rows such as share-all and crash-ghost fill the places of the others", p.Plan)
	case kept != p.Keep || starred != p.Trainable:
		return fmt.Errorf("plan %s: keeps %d layers and trains %d, not the %d and %d that are asked for", p.Plan, kept, starred, p.Keep, p.Trainable)
	}
	return nil
}

// rows are the recipes as they are run.
func (p *Protocol) rows() []Recipe {
	rows := make([]Recipe, len(p.Rows))
	for i, r := range p.Rows {
		rows[i] = p.chooses(r)
	}
	return rows
}

// chooses returns a recipe with the method that it comes to in this protocol: with a plan of
// one's own, and where it is known beforehand which layers train and no other is removed,
// nothing is measured.
func (p *Protocol) chooses(r Recipe) Recipe {
	if r.Method.Advised != nil {
		r = r.advised(plan.Request{Layers: len(p.Full.Blocks), Keep: p.kept(r)})
	}
	switch {
	case r.Given && p.Plan != nil:
		r.Method = plan.Method{Name: "given", Help: "a plan of one's own", Choose: func(plan.Request) (plan.Choice, error) {
			return plan.Choice{Plan: slices.Clone(p.Plan)}, nil
		}}
	case r.KeepsAll(p.TrainAt):
		r.Method = plan.Method{Name: "trained", Help: "the layers that train", TrainAt: p.TrainAt, Choose: plan.Uniform.Choose}
	}
	return r
}

// KeepsAll reports whether a row has all layers in its place and trains the same ones
// whatever its method would keep, where at says which train.
func (r Recipe) KeepsAll(at plan.TrainAt) bool {
	return (r.Restored || r.FullDepth) && r.Method.Choose != nil && at.Decided()
}

// kept is how many layers a row keeps, or is made as large as if it kept them.
func (p *Protocol) kept(r Recipe) int { return cmp.Or(r.Keep, p.Keep) }

// Run measures the rows in order and calls emit after each; finished rows of an
// earlier run in Dir are taken from there. When ctx ends it saves and returns
// ctx's error.
func (p *Protocol) Run(ctx context.Context, emit func(Row) error) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if p.skipped > 0 {
		p.warn(fmt.Sprintf("%d training and validation rows are left out: their targets are longer than the model can take", p.skipped))
	}
	variants, err := p.variants(ctx)
	if err != nil {
		return err
	}
	for _, v := range variants {
		if err := p.checkStarted(v); err != nil {
			return fmt.Errorf("row %s: %w", v.row, err)
		}
	}
	if err := p.preflight(variants); err != nil {
		return err
	}
	defer p.prefix.Close()
	for _, v := range variants {
		row, err := p.row(ctx, v)
		if err != nil {
			return fmt.Errorf("row %s: %w", v.row, err)
		}
		if err := emit(row); err != nil {
			return err
		}
	}
	return nil
}

// request is what a row's method is asked for, before anything is measured.
func (p *Protocol) request(r Recipe) plan.Request {
	q := plan.Request{
		Layers: len(p.Full.Blocks), Keep: p.kept(r), Trainable: p.Trainable, AnchorEnds: p.AnchorEnds && r.Method.AnchorEnds, TrainAt: p.TrainAt, Seed: p.Seed,
	}
	if r.KeepsAll(p.TrainAt) {
		q.Keep, q.AnchorEnds = p.Trainable, false
	}
	return q
}

// choose chooses by a method, once: rows that share a method and a request share its
// choice, and what took runs of the model is kept in the run directory.
func (p *Protocol) choose(ctx context.Context, c *Chooser, m plan.Method, q plan.Request) (choice plan.Choice, err error) {
	key := fmt.Sprintf("%s-%d", m.Name, q.Seed)
	if q.Keep != p.Keep {
		key = fmt.Sprintf("%s@%d-%d", m.Name, q.Keep, q.Seed)
	}
	if choice, ok := p.chosen[key]; ok {
		return choice, nil
	}
	path := filepath.Join(p.Dir, "plans", key+".json")
	kept := p.Dir != "" && m.Cost != nil
	if kept {
		err = files.ReadSealed(path, files.Small, &choice)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			p.warn(fmt.Sprintf("%v; it is chosen again, which comes to the same", err))
		}
	}
	if !kept || err != nil {
		if choice, err = c.Choose(ctx, m, q); err != nil {
			return choice, err
		}
		if kept {
			if err := files.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return choice, err
			}
			if err := files.WriteSealed(path, choice); err != nil {
				return choice, err
			}
		}
	}
	if p.chosen == nil {
		p.chosen = map[string]plan.Choice{}
	}
	p.chosen[key] = choice
	return choice, nil
}

// clusters returns the clusters that plans were made from, nil without any.
func (p *Protocol) clusters() [][]int {
	for _, v := range p.resolved {
		if v.clusters != nil {
			return v.clusters
		}
	}
	return nil
}

// Similarity measures the full model on the support rows, once, unless it was measured
// before; a run directory keeps it.
func (p *Protocol) Similarity(ctx context.Context) (measure.Similarity, error) {
	if p.similarity != nil {
		return *p.similarity, nil
	}
	path := filepath.Join(p.Dir, similarityFile)
	if p.Measured != nil {
		p.similarity = p.Measured
		p.warn(p.Measured.Doubt())
		p.warn(p.Measured.MassiveDoubt())
		return *p.similarity, p.keep(path, *p.similarity)
	}
	p.warn(measure.Doubt(p.Support.Rows))
	var s measure.Similarity
	if p.Dir != "" {
		err := files.ReadSealed(path, files.Small, &s)
		if err == nil {
			p.similarity = &s
			return s, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			p.warn(fmt.Sprintf("%v; it is measured again, which comes to the same", err))
		}
	}
	s, err := measure.LayerSimilarity(ctx, p.Backend, p.Full, p.Support.Rows, p.Vectors, func(done, total int) {
		p.tell(Event{Phase: "similarity", Done: done, Total: total})
	})
	p.warn(s.MassiveDoubt())
	if err != nil {
		return s, err
	}
	p.similarity = &s
	return s, p.keep(path, s)
}

// keep writes a similarity to the run directory.
func (p *Protocol) keep(path string, s measure.Similarity) error {
	if p.Dir == "" {
		return nil
	}
	return files.WriteSealed(path, s)
}

// warn tells what is doubtful, if anything is.
func (p *Protocol) warn(text string) {
	if text != "" {
		p.tell(Event{Phase: "warning", Warning: text})
	}
}

func (p *Protocol) tell(e Event) {
	if p.Watch != nil {
		p.Watch(e)
	}
}
