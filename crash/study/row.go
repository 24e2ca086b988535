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
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// resultFile holds a finished row.
const resultFile = "result.json"

// RowDir returns where a row's result, metrics and adapter are kept.
func (p *Protocol) RowDir(row string) string { return filepath.Join(p.Dir, "rows", row) }

// row runs one variant, or reads its result.
func (p *Protocol) row(ctx context.Context, v variant) (Row, error) {
	dir := p.RowDir(v.row)
	result := filepath.Join(dir, resultFile)
	r := Row{Name: v.row, Plan: v.plan, Share: v.Sharing, Seed: p.Seed, N: len(p.Test.Items)}
	if p.Dir != "" {
		if _, err := os.Stat(result); !errors.Is(err, fs.ErrNotExist) {
			return r, errors.Join(files.ReadSealed(result, files.Small, &r), p.forget(v))
		}
	}
	begin := time.Now()
	var err error
	if v.Trains == Nothing {
		err = p.scoreInto(ctx, &r, p.Full)
	} else {
		err = p.train(ctx, &r, v, dir)
	}
	if err != nil {
		return r, err
	}
	r.Seconds = time.Since(begin).Seconds()
	if r.Measures != nil {
		r.Seconds -= r.Measures.Seconds
	}
	if p.Dir == "" {
		return r, nil
	}
	if err := files.MkdirAll(dir, 0o755); err != nil {
		return r, err
	}
	if err := files.WriteSealed(result, r); err != nil || v.Trains == Nothing {
		return r, err
	}
	return r, p.forget(v)
}

// forget removes what an interrupted row would have gone on with: its result stands.
func (p *Protocol) forget(v variant) error {
	for _, lr := range p.LRs {
		dir := lrDir(p.RowDir(v.row), lr)
		if !train.Resumable(dir) {
			continue
		}
		store, err := train.OpenRunDir(dir, p.config(v, lr), false)
		if err != nil {
			return err
		}
		if err := errors.Join(store.Forget(), store.Close()); err != nil {
			return err
		}
	}
	return nil
}

// candidate is a row's emulator at one learning rate.
type candidate struct {
	*emulate.Emulator
	start   []tensor.Tensor // the weights that are trained, before
	trainer *train.Trainer  // holds the trained weights; nil before training
	store   *train.RunDir   // nil without a directory
	done    bool            // trained by an earlier run: the weights are still in store

	repaired bool // start are not the full model's: what training added to them comes back

	trajectory *trajectory // nil where nothing is measured on the way
}

// close gives back what was trained.
func (c candidate) close() {
	if c.trainer != nil {
		c.trainer.Close()
	}
	if c.store != nil {
		c.store.Close()
	}
}

// drop closes a candidate that is not the best. Its weights will not be asked for again.
func (c candidate) drop() error {
	var err error
	if c.store != nil {
		err = c.store.ForgetWeights()
	}
	c.close()
	return err
}

// train fine-tunes a variant with each candidate learning rate, keeps the one of
// the lowest validation loss, and scores it.
func (p *Protocol) train(ctx context.Context, r *Row, v variant, dir string) error {
	built, err := p.build(ctx, r, v)
	if err != nil {
		return err
	}
	defer built.Close()
	var kept candidate
	defer func() { kept.close() }()
	for i, lr := range p.LRs {
		e := v.attempt(built, p.Full)
		if i == 0 && v.emulates() {
			if err := p.untrained(ctx, r, v, e); err != nil {
				return err
			}
		}
		next := candidate{Emulator: e, start: values(e.Params()), repaired: v.Ready.Repaired}
		out, err := p.finetune(ctx, v, &next, lr, lrDir(dir, lr))
		if err != nil {
			next.close()
			if diverged := (*train.Diverged)(nil); errors.As(err, &diverged) && len(r.Diverged)+1 < len(p.LRs) {
				r.Diverged = append(r.Diverged, lr)
				p.tell(Event{Row: v.row, Phase: "warning", Warning: fmt.Sprintf("row %s: at the rate %g %v: it is left out, of %d", v.row, lr, diverged, len(p.LRs))})
				continue
			}
			return err
		}
		r.TrainSeconds += out.Seconds
		r.PeakBytes = max(r.PeakBytes, out.PeakBytes+nn.Bytes(e.Decoder.Params())+trainBytes*nn.Count(e.Params()))
		first := kept.trainer == nil
		if first || out.BestLoss < r.ValidLoss {
			kept, next = next, kept
			r.LR, r.ValidLoss, r.BestStep, r.Steps = lr, out.BestLoss, out.BestStep, out.Steps
			if kept.trajectory != nil {
				r.Trajectory = kept.trajectory.moments
			}
		}
		if first {
			continue
		}
		if err := next.drop(); err != nil { // the one of the two that is not the best
			return err
		}
	}
	if kept.done {
		if err := kept.trainer.Restore(kept.store); err != nil {
			return err
		}
	}
	r.TrainParams, r.HeldParams = nn.Count(kept.Params()), kept.HeldParams()
	if v.emulates() && !p.PlugInOnly {
		acc, err := p.accuracy(ctx, v.row, kept.Decoder)
		if err != nil {
			return err
		}
		r.EmulatorFT = &acc.Metrics[0].Value
	}
	plugged, release, err := kept.plugged(p.Full)
	if err != nil {
		return err
	}
	err = p.scoreInto(ctx, r, plugged)
	release()
	if err != nil {
		return err
	}
	if r.EmulatorFT != nil {
		delta := *r.PlugIn - *r.EmulatorFT
		r.Delta = &delta
	}
	return p.measureInto(ctx, r, v, kept)
}

// untrained measures a row's emulator before training.
func (p *Protocol) untrained(ctx context.Context, r *Row, v variant, e *emulate.Emulator) error {
	if !p.PlugInOnly {
		acc, err := p.accuracy(ctx, v.row, e.Decoder)
		if err != nil {
			return err
		}
		r.EmulatorZS = &acc.Metrics[0].Value
	}
	var err error
	r.Health, err = p.health(ctx, v, e)
	return err
}

// rowConfig is config.json of a row's fine-tuning.
type rowConfig struct {
	Plan     plan.Plan      `json:"plan"`
	Whole    bool           `json:"whole"`
	Settings train.Settings `json:"settings"`
	Train    int            `json:"train"`
	Valid    int            `json:"valid"`
	Ready    string         `json:"ready,omitempty"` // what an emulator that was made beforehand is
}

// config returns what decides the numbers of a row at a learning rate.
func (p *Protocol) config(v variant, lr float64) rowConfig {
	settings := p.Settings
	settings.LR, settings.Seed = lr, p.Seed
	return rowConfig{v.plan, v.Trains == Everything, settings, len(p.Train), len(p.Valid), v.Ready.Sent}
}

// lrDir is the run directory of a learning rate in the directory of a row.
func lrDir(rowDir string, lr float64) string { return filepath.Join(rowDir, fmt.Sprintf("lr%g", lr)) }

// checkStarted refuses a directory in which a row was begun or finished with another
// plan or other settings.
func (p *Protocol) checkStarted(v variant) error {
	if p.Dir == "" {
		return nil
	}
	dir := p.RowDir(v.row)
	var done Row
	switch err := files.ReadSealed(filepath.Join(dir, resultFile), files.Small, &done); {
	case err == nil && done.Plan.String() != v.plan.String():
		return fmt.Errorf("%s: made with the plan %s, which is %s now: give the row another name, or pass --overwrite", dir, done.Plan, v.plan)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if v.Trains == Nothing {
		return nil
	}
	for _, lr := range p.LRs {
		want, err := files.JSON(p.config(v, lr))
		if err != nil {
			return err
		}
		if err := files.CheckSettings(lrDir(dir, lr), want, false); err != nil {
			return err
		}
	}
	return nil
}

// trainer returns what trains an emulator of a variant.
func (p *Protocol) trainer(v variant, e *emulate.Emulator, lr float64) (*train.Trainer, error) {
	t := &train.Trainer{
		Backend: p.Backend, Params: e.Params(), Held: e.Decoder.Params(), Settings: p.config(v, lr).Settings, Recompute: p.Recompute, SaveEvery: p.SaveEvery,
	}
	learned, err := train.NewNextToken(e.Decoder, p.Train)
	if err != nil {
		return nil, fmt.Errorf("training: %w", err)
	}
	held, err := train.NewNextToken(e.Decoder, p.Valid)
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	t.Train, t.Valid = learned, held
	return t, nil
}

func (p *Protocol) finetune(ctx context.Context, v variant, c *candidate, lr float64, dir string) (train.Outcome, error) {
	config := p.config(v, lr)
	t, err := p.trainer(v, c.Emulator, lr)
	if err != nil {
		return train.Outcome{}, err
	}
	if p.prefix != nil {
		g, err := gains(t, c.Decoder, len(p.LRs))
		if err == nil {
			err = g.keep(t, p.prefix)
		}
		if err != nil {
			return train.Outcome{}, err
		}
	}
	total := config.Settings.TotalSteps(len(p.Train))
	t.Report = func(m train.Metrics) {
		p.tell(Event{Row: v.row, Phase: "train", Done: m.Step, Total: total, Metrics: m})
	}
	t.Resumed = func(step int) {
		p.tell(Event{Row: v.row, Phase: "train", Done: step, Total: total, Resumed: true})
	}
	c.trainer = t
	p.follow(ctx, v, c, t, dir)
	base := transformer.Fingerprint(c.Params())
	var store *train.RunDir
	if p.Dir != "" {
		if store, err = train.OpenRunDir(dir, config, false); err != nil {
			return train.Outcome{}, err
		}
		store.Warn = func(text string) {
			p.tell(Event{Row: v.row, Phase: "warning", Warning: fmt.Sprintf("row %s: %s", v.row, text)})
		}
		c.store, t.Store = store, store
		if out, done, err := store.Finished(); done || err != nil {
			c.done = done
			return out, err
		}
	}
	if p.Listen != nil {
		p.Listen.Attach(t, fmt.Sprintf("seed-%d/%s/lr%g", p.Seed, v.row, lr), dir)
	}
	out, err := t.Run(ctx)
	if p.Listen != nil {
		p.Listen.End(out, err)
	}
	if diverged := (*train.Diverged)(nil); errors.As(err, &diverged) && store != nil && len(p.LRs) > 1 {
		if unwritten := store.Fail(diverged); unwritten != nil {
			err = unwritten
		}
	}
	if err == nil && out.Stopped {
		err = context.Cause(ctx)
	}
	if err != nil || store == nil {
		return out, err
	}
	m := exchange.Manifest{Plan: c.Plan, Whole: config.Whole, Base: base}
	if !config.Whole {
		if err := exchange.SaveAdapter(filepath.Join(dir, "adapter"), m, c.Params()); err != nil {
			return out, err
		}
	}
	return out, t.Finish(store, out)
}
