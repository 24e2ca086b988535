package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// Rows are the rows of the protocol's table, in the order they are run.
var Rows = []string{"zs", "full", "ceiling", "uniform", "uniform-learnable", "random", "crash", "share-all", "share-frozen"}

// randomDraws is how many random plans the row "random" stands for.
const randomDraws = 5

// Protocol measures fine-tuning without the full model for one model and task:
// it ranks nothing and chooses nothing on the scored rows. Plans read only
// Support; learning rate and checkpoint are chosen by the emulator's loss on
// Valid; Test is scored once a finished model.
type Protocol struct {
	Backend kernels.Backend
	Full    *transformer.Decoder // frozen, as loaded

	Train, Valid []task.Pair
	Support      [][]int32 // token rows
	Test         *task.Requests

	Keep, Trainable int
	AnchorEnds      bool
	Rows            []string
	Seed            uint64
	LRs             []float64      // candidates
	Settings        train.Settings // LR and Seed are set per run
	Recompute       bool           // as in Trainer
	Pooling         measure.Pooling
	Dir             string // run directory

	// Watch is told what goes on; may be nil.
	Watch func(Event)

	similarity *measure.Similarity
}

// Event is a step of the protocol, for progress lines.
type Event struct {
	Row         string
	Phase       string // "similarity", "score", "train"
	Done, Total int
	Metrics     train.Metrics // of a training step
}

// variant is one row before it is run.
type variant struct {
	row   string
	plan  plan.Plan
	share plan.Sharing
	whole bool // every weight is trained
}

// Validate returns an error naming what cannot be run, before anything is.
func (p *Protocol) Validate() error {
	layers := len(p.Full.Blocks)
	switch {
	case p.Test == nil || len(p.Test.Items) == 0:
		return fmt.Errorf("no documents to score")
	case len(p.LRs) == 0:
		return fmt.Errorf("no learning rate: want one or more")
	case len(p.LRs) > 1 && len(p.Valid) == 0:
		return fmt.Errorf("%d learning rates and no validation examples to choose by", len(p.LRs))
	case p.Keep < 1 || p.Keep > layers:
		return fmt.Errorf("keep %d: want 1 to %d, the model's layers", p.Keep, layers)
	case p.Trainable < 1 || p.Trainable > p.Keep:
		return fmt.Errorf("trainable %d: want 1 to %d, the kept layers", p.Trainable, p.Keep)
	}
	known := map[string]bool{}
	for _, r := range Rows {
		known[r] = true
	}
	for _, r := range p.Rows {
		if !known[r] {
			return fmt.Errorf("row %.64q is not known (%v)", r, Rows)
		}
	}
	return nil
}

// Run measures the rows in order and calls emit after each; finished rows of an
// earlier run in Dir are taken from there. When ctx ends it saves and returns
// ctx's error.
func (p *Protocol) Run(ctx context.Context, emit func(Row) error) error {
	if err := p.Validate(); err != nil {
		return err
	}
	variants, err := p.variants(ctx)
	if err != nil {
		return err
	}
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

// variants lists the asked-for rows with their plans.
func (p *Protocol) variants(ctx context.Context) ([]variant, error) {
	asked := map[string]bool{}
	for _, r := range p.Rows {
		asked[r] = true
	}
	layers := len(p.Full.Blocks)
	var list []variant
	add := func(v variant, err error) error {
		list = append(list, v)
		return err
	}
	var errs []error
	if asked["zs"] {
		list = append(list, variant{row: "zs", plan: plan.Identity(layers, nil)})
	}
	if asked["full"] {
		list = append(list, variant{row: "full", plan: plan.Identity(layers, nil), whole: true})
	}
	crash := plan.Plan(nil)
	if asked["ceiling"] || asked["crash"] || asked["share-all"] || asked["share-frozen"] {
		s, err := p.Similarity(ctx)
		if err != nil {
			return nil, err
		}
		if crash, err = plan.PlanCRaSh(s.Matrix, p.Keep, p.Trainable, p.AnchorEnds); err != nil {
			return nil, err
		}
	}
	if asked["ceiling"] {
		list = append(list, variant{row: "ceiling", plan: plan.Identity(layers, crash.Trainable())})
	}
	if asked["uniform"] {
		plan, err := plan.Uniform(layers, p.Keep, p.Trainable)
		errs = append(errs, add(variant{row: "uniform", plan: plan}, err))
	}
	if asked["uniform-learnable"] {
		plan, err := plan.UniformLearnable(layers, p.Keep, p.Trainable)
		errs = append(errs, add(variant{row: "uniform-learnable", plan: plan}, err))
	}
	if asked["random"] {
		for i := range randomDraws {
			plan, err := plan.Random(layers, p.Keep, p.Trainable, p.Seed+uint64(i)<<32, p.AnchorEnds)
			errs = append(errs, add(variant{row: fmt.Sprintf("random-%d", i+1), plan: plan}, err))
		}
	}
	if asked["crash"] {
		list = append(list, variant{row: "crash", plan: crash})
	}
	for _, how := range []plan.Sharing{plan.ShareAll, plan.ShareFrozen} {
		if asked["share-"+how.String()] {
			plan, err := plan.Share(crash, layers, how)
			errs = append(errs, add(variant{row: "share-" + how.String(), plan: plan, share: how}, err))
		}
	}
	return list, errors.Join(errs...)
}

// Similarity measures the full model on the support rows, once; a run directory
// keeps it.
func (p *Protocol) Similarity(ctx context.Context) (measure.Similarity, error) {
	if p.similarity != nil {
		return *p.similarity, nil
	}
	path := filepath.Join(p.Dir, "similarity.json")
	var s measure.Similarity
	if p.Dir != "" && files.ReadJSON(path, &s) == nil {
		p.similarity = &s
		return s, nil
	}
	s, err := measure.LayerSimilarity(ctx, p.Backend, p.Full, p.Support, p.Pooling, func(done, total int) {
		p.tell(Event{Phase: "similarity", Done: done, Total: total})
	})
	if err != nil {
		return s, err
	}
	p.similarity = &s
	if p.Dir == "" {
		return s, nil
	}
	return s, files.WriteJSON(path, s)
}

// RowDir returns where a row's result, metrics and adapter are kept.
func (p *Protocol) RowDir(row string) string { return filepath.Join(p.Dir, "rows", row) }

// row runs one variant, or reads its result.
func (p *Protocol) row(ctx context.Context, v variant) (Row, error) {
	dir := p.RowDir(v.row)
	result := filepath.Join(dir, "result.json")
	r := Row{Row: v.row, Plan: v.plan, Share: v.share, Seed: p.Seed, N: len(p.Test.Items)}
	if p.Dir != "" {
		if _, err := os.Stat(result); !errors.Is(err, fs.ErrNotExist) {
			return r, files.ReadJSON(result, &r)
		}
	}
	begin := time.Now()
	var err error
	if v.row == "zs" {
		err = p.scoreInto(ctx, &r, p.Full)
	} else {
		err = p.train(ctx, &r, v, dir)
	}
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(begin).Seconds()
	if p.Dir == "" {
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return r, err
	}
	return r, files.WriteJSON(result, r)
}

// subject is what a row trains: a decoder to run, the parameters, and the model
// the result goes back into.
type subject struct {
	decoder *transformer.Decoder
	params  nn.Params
	plugged func() *transformer.Decoder
	small   bool           // the decoder is not the full model
	trainer *train.Trainer // holds the trained weights; nil before training
}

// close gives back what was trained.
func (s subject) close() {
	if s.trainer != nil {
		s.trainer.Close()
	}
}

func (p *Protocol) subject(v variant) (subject, error) {
	if v.whole {
		d := p.Full.Clone()
		return subject{decoder: d, params: d.Params(), plugged: func() *transformer.Decoder { return d }}, nil
	}
	e, err := emulate.New(p.Full, v.plan)
	if err != nil {
		return subject{}, err
	}
	return subject{
		decoder: e.Decoder, params: e.Params(), small: v.row != "ceiling",
		plugged: func() *transformer.Decoder { return e.Plug(p.Full) },
	}, nil
}

// train fine-tunes a variant with each candidate learning rate, keeps the one of
// the lowest validation loss, and scores it.
func (p *Protocol) train(ctx context.Context, r *Row, v variant, dir string) error {
	var kept subject
	defer func() { kept.close() }()
	for i, lr := range p.LRs {
		s, err := p.subject(v)
		if err != nil {
			return err
		}
		if i == 0 && s.small {
			acc, err := p.accuracy(ctx, v.row, s.decoder)
			if err != nil {
				return err
			}
			r.EmulatorZS = &acc.Metrics[0].Value
		}
		out, err := p.finetune(ctx, v, &s, lr, filepath.Join(dir, fmt.Sprintf("lr%g", lr)))
		if err != nil {
			s.close()
			return err
		}
		r.PeakBytes = max(r.PeakBytes, out.PeakBytes+nn.Bytes(s.decoder.Params())+trainBytes*nn.Count(s.params))
		if i == 0 || out.BestLoss < r.ValidLoss {
			kept, s = s, kept
			r.LR, r.ValidLoss, r.BestStep, r.Steps = lr, out.BestLoss, out.BestStep, out.Steps
		}
		s.close() // the one of the two that is not the best
	}
	for w := range kept.params {
		r.TrainParams += w.Value.Len()
	}
	for w := range kept.decoder.Params() {
		r.HeldParams += w.Value.Len()
	}
	r.TrainParams, r.HeldParams = nn.Count(kept.params), nn.Count(kept.decoder.Params())
	if kept.small {
		acc, err := p.accuracy(ctx, v.row, kept.decoder)
		if err != nil {
			return err
		}
		r.EmulatorFT = &acc.Metrics[0].Value
	}
	if err := p.scoreInto(ctx, r, kept.plugged()); err != nil {
		return err
	}
	if r.EmulatorFT != nil {
		delta := *r.PlugIn - *r.EmulatorFT
		r.Delta = &delta
	}
	return nil
}

// rowConfig is config.json of a row's fine-tuning.
type rowConfig struct {
	Plan     plan.Plan      `json:"plan"`
	Whole    bool           `json:"whole"`
	Settings train.Settings `json:"settings"`
	Train    int            `json:"train"`
	Valid    int            `json:"valid"`
}

func (p *Protocol) finetune(ctx context.Context, v variant, s *subject, lr float64, dir string) (train.Outcome, error) {
	t := &train.Trainer{
		Backend: p.Backend, Decoder: s.decoder, Params: s.params, Settings: p.Settings, Train: p.Train, Valid: p.Valid, Recompute: p.Recompute,
		Report: func(m train.Metrics) { p.tell(Event{Row: v.row, Phase: "train", Metrics: m}) },
	}
	s.trainer = t
	t.Settings.LR, t.Settings.Seed = lr, p.Seed
	base := transformer.Fingerprint(s.params)
	var store *train.RunDir
	if p.Dir != "" {
		var err error
		store, err = train.OpenRunDir(dir, rowConfig{v.plan, v.whole, t.Settings, len(p.Train), len(p.Valid)}, false)
		if err != nil {
			return train.Outcome{}, err
		}
		defer store.Close()
		t.Store = store
	}
	out, err := t.Run(ctx)
	if err == nil && out.Stopped {
		err = context.Cause(ctx)
	}
	if err != nil || store == nil {
		return out, err
	}
	m := exchange.Manifest{Plan: v.plan, Whole: v.whole, Base: base}
	if !v.whole {
		if err := exchange.SaveAdapter(filepath.Join(dir, "adapter"), m, s.params); err != nil {
			return out, err
		}
	}
	// The row's result stands from here on; what only resuming needs can go.
	return out, store.Forget()
}

func (p *Protocol) tell(e Event) {
	if p.Watch != nil {
		p.Watch(e)
	}
}
