package train

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"lamina/autograd"
	"lamina/crash/privacy"
	"lamina/kernels"
	"lamina/nn"
	"lamina/nn/optim"
)

// Metrics is one line of metrics.jsonl: a step, or a validation (which carries
// ValidLoss and no Loss).
type Metrics struct {
	Step            int     `json:"step"`
	Loss            float64 `json:"loss,omitempty"` // mean over the terms of the batch (target tokens), before the update
	LR              float64 `json:"lr,omitempty"`
	GradNorm        float64 `json:"grad_norm,omitempty"` // before clipping
	Tokens          int     `json:"tokens,omitempty"`    // through the model in this step
	TokensPerSecond float64 `json:"tokens_per_second,omitempty"`
	ValidLoss       float64 `json:"valid_loss,omitempty"`
	// ValidMetric is the metric of a validation, nil where none is measured.
	ValidMetric *float64 `json:"valid_metric,omitempty"`
	// Terms are the means of the parts of Loss, or of ValidLoss, by name and without
	// their weights, where an objective has several ([Composed]); of a proximal term
	// ‖T - T₀‖².
	Terms map[string]float64 `json:"terms,omitempty"`
	// Skipped are the examples of a step that was left out, since its loss or its gradient
	// is not finite: it has no Loss.
	Skipped []int `json:"skipped,omitempty"`

	Epsilon float64 `json:"epsilon,omitempty"` // of a private run, for the steps so far; see [Spent]
	Drawn   int     `json:"drawn,omitempty"`   // examples of a private step; without one there is no Loss
	Clipped int     `json:"clipped,omitempty"` // of them, whose gradients were clipped
}

// Outcome is what a run came to.
type Outcome struct {
	Steps    int     `json:"steps"`
	BestStep int     `json:"best_step,omitempty"` // whose weights were kept; 0: before training
	BestLoss float64 `json:"best_valid_loss,omitempty"`

	BestMetric *float64 `json:"best_valid_metric,omitempty"` // of the kept weights, where one is measured

	Loss      float64 `json:"loss"` // of the last step
	Tokens    int     `json:"tokens"`
	Seconds   float64 `json:"seconds"`
	PeakBytes int     `json:"peak_bytes"` // of activations and gradients in a pass
	Stopped   bool    `json:"stopped,omitempty"`
	Early     bool    `json:"early_stop,omitempty"`    // [Options].Patience ended it
	Skipped   int     `json:"skipped_steps,omitempty"` // whose loss or gradient is not finite
	Private   Spent   `json:"dp_sgd,omitzero"`         // of a private run
}

// Trainer trains some parameters towards an objective. With a validation objective it
// keeps the weights of the lowest validation loss, the ones before training included,
// else the last.
type Trainer struct {
	Backend   kernels.Backend
	Params    nn.Params // what is trained
	Held      nn.Params // all weights that are in memory, the trained ones too; counted by [Trainer.Memory]
	Settings  Settings
	Train     Objective
	Valid     Objective         // nil: none
	Score     *Scored           // measured at each validation besides; nil: nothing
	Recompute bool              // keep no activations inside blocks: less memory, more time, the same bits
	Drops     bool              // layers drop that have a probability of their own, as LoRA's may
	Release   func(name string) // told the name of each trained weight once it has a copy of its own: the file's is not needed; may be nil
	Store     Store             // where the run is kept; nil: nowhere
	Report    func(Metrics)     // called for each line of metrics; may be nil
	Key       *privacy.Key      // of a private run: what examples and noise are drawn by

	// Checkpoints are made after each validation, every SaveEvery steps where that is not
	// 0, and where the last one is SavePause old (0: five minutes). No bit depends on it.
	SaveEvery int
	SavePause time.Duration
	Resumed   func(step int) // told the step that a run goes on after; may be nil

	trained *nn.Trained
	opt     optim.Optimizer
	near    *optim.Proximal // nil: none
	pass    *autograd.Pass
	private *private // nil: no privacy is promised
	state   State
	saved   time.Time // when the last checkpoint was made
	best    []byte    // the best weights, where there is no store

	perEpoch, steps int // optimiser steps
	epoch           int // whose order of the examples perm is, if it is not nil
	perm            []int
}

// State is what a run needs, beside weights and moments, to go on to the same bits.
type State struct {
	Step      int     `json:"step"`
	Due       bool    `json:"due"`       // the validation after Step is still to be made
	Validated bool    `json:"validated"` // BestStep and BestLoss hold a measurement
	BestStep  int     `json:"best_step"`
	BestLoss  float64 `json:"best_loss"`

	BestMetric *float64 `json:"best_metric,omitempty"`

	Loss      float64 `json:"loss"` // these three as in Outcome
	Tokens    int     `json:"tokens"`
	PeakBytes int     `json:"peak_bytes"`

	Skipped   int     `json:"skipped,omitempty"`     // steps that were left out
	InRow     int     `json:"skipped_now,omitempty"` // of them the last ones, in a row
	Waited    int     `json:"waited,omitempty"`      // validations in a row that Patience counts
	Reference float64 `json:"reference,omitempty"`   // validation loss that those are held against
}

// Store keeps a run so that it can be resumed; see [RunDir].
type Store interface {
	// Resume fills weights and moments from the newest good checkpoint, if any.
	Resume(t *nn.Trained, o optim.Optimizer) (State, bool, error)
	// Save writes a checkpoint, whole or not at all.
	Save(s State, t *nn.Trained, o optim.Optimizer) error
	// Room returns an error if there is no room for what Save and SaveBest will write.
	Room(t *nn.Trained, o optim.Optimizer) error
	// SaveBest and LoadBest keep the weights of the lowest validation loss.
	SaveBest(t *nn.Trained) error
	LoadBest(t *nn.Trained) error
	// Log appends a line of metrics.
	Log(m Metrics) error
}

// Run trains until the planned steps are done or ctx ends, then saves. On return
// the parameters hold the kept weights, in memory of the trainer until Close, and are
// frozen again; moments, gradients and activations have been given back. A trainer runs
// once.
func (t *Trainer) Run(ctx context.Context) (Outcome, error) {
	if err := t.start(); err != nil {
		t.Close()
		return Outcome{}, err
	}
	defer t.finish()
	begin := time.Now()
	stopped, err := t.loop(ctx)
	out := Outcome{
		Steps: t.state.Step, BestStep: t.state.BestStep, BestLoss: t.state.BestLoss, BestMetric: t.state.BestMetric, Loss: t.state.Loss, Tokens: t.state.Tokens,
		Seconds: time.Since(begin).Seconds(), PeakBytes: t.state.PeakBytes, Stopped: stopped,
		Early: err == nil && !stopped && t.state.Step < t.steps, Skipped: t.state.Skipped,
		Private: t.spent(),
	}
	switch {
	case err != nil:
		return out, err
	case stopped:
		return out, t.save()
	}
	return out, t.keepBest()
}

// finish gives back what only training needs.
func (t *Trainer) finish() {
	if t.pass != nil {
		t.pass.Close()
	}
	if t.opt != nil {
		t.opt.Close()
	}
	if t.near != nil {
		t.near.Close()
	}
	t.private.close()
	if t.trained != nil {
		t.trained.Freeze()
	}
}

// Close gives back the memory of the trained weights: the parameters have again the
// values that they had before Run. What is to stay is saved, or copied, before.
func (t *Trainer) Close() {
	t.finish()
	if t.trained != nil {
		t.trained.Close()
	}
}

// loop takes the steps that are left and reports whether ctx ended before the
// last of them and its validation.
func (t *Trainer) loop(ctx context.Context) (stopped bool, err error) {
	evalEvery := t.Settings.EvalEvery
	if evalEvery == 0 {
		evalEvery = t.perEpoch
	}
	schedule := t.Settings.schedule(t.steps)
	for {
		if t.state.Due {
			if err := t.validate(ctx); err != nil {
				if ctx.Err() != nil {
					return true, nil // still due: the next run makes it
				}
				return false, err
			}
			t.state.Due = false
			if t.state.Step > 0 {
				if err := t.save(); err != nil {
					return false, err
				}
			}
		}
		if t.state.Step >= t.steps || t.outOfPatience() {
			return false, nil
		}
		if ctx.Err() != nil {
			return true, nil
		}
		if err := t.step(schedule.Factor(t.state.Step)); err != nil {
			return false, err
		}
		t.state.Due = t.state.Step%evalEvery == 0 || t.state.Step == t.steps
		if !t.state.Due && t.saveDue() {
			if err := t.save(); err != nil {
				return false, err
			}
		}
	}
}

// savePause is the most time between checkpoints, unless a trainer says otherwise.
const savePause = 5 * time.Minute

// saveDue reports whether it is time for a checkpoint between validations.
func (t *Trainer) saveDue() bool {
	every := t.SaveEvery
	return every > 0 && t.state.Step%every == 0 || time.Since(t.saved) >= cmp.Or(t.SavePause, savePause)
}

// check returns an error for settings and examples that cannot be trained with.
func (t *Trainer) check() error {
	if err := t.Settings.Validate(); err != nil {
		return err
	}
	if t.Train == nil || t.Train.Len() == 0 {
		return fmt.Errorf("no training examples")
	}
	if err := t.checkScored(); err != nil {
		return err
	}
	return t.adjust()
}

func (t *Trainer) start() error {
	if err := t.check(); err != nil {
		return err
	}
	t.setSteps()
	var err error
	if t.trained, err = nn.Trainable(t.Backend, t.Params); err != nil {
		return err
	}
	if t.Release != nil {
		for w := range t.Params {
			t.Release(w.Name)
		}
	}
	if t.opt, err = t.optimiser(t.Backend, t.trained); err != nil {
		return err
	}
	if λ := t.Settings.Proximal; λ > 0 { // before a checkpoint's weights are read
		if t.near, err = optim.NewProximal(t.Backend, t.trained, λ); err != nil {
			return err
		}
	}
	if err := t.startPrivate(); err != nil {
		return err
	}
	t.pass = autograd.NewTrainingPass(t.Backend)
	t.state, t.saved = State{Due: true}, time.Now()
	extent, _, err := t.largestPass()
	if err != nil {
		return err
	}
	if err := t.pass.Arena.Reserve(extent); err != nil {
		return fmt.Errorf("activations of a step: %w", err)
	}
	return t.resume()
}

// resume goes on where the store has a run, and sees that it can keep what is to come.
func (t *Trainer) resume() error {
	if t.Store == nil {
		return nil
	}
	state, found, err := t.Store.Resume(t.trained, t.opt)
	if err != nil {
		return err
	}
	if found {
		t.state = state
		if t.Resumed != nil {
			t.Resumed(state.Step)
		}
	}
	if t.state.Step < t.steps {
		return t.Store.Room(t.trained, t.opt)
	}
	return nil
}

func (t *Trainer) save() error {
	if t.Store == nil {
		return nil
	}
	t.saved = time.Now()
	if err := t.Store.Save(t.state, t.trained, t.opt); err != nil {
		return fmt.Errorf("checkpoint after step %d: %w: the one before stands; the same command goes on from there", t.state.Step, err)
	}
	return nil
}

func (t *Trainer) log(m Metrics) error {
	if t.Report != nil {
		t.Report(m)
	}
	if t.Store == nil {
		return nil
	}
	return t.Store.Log(m)
}
