package main

import (
	"context"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/interrupt"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// stepFlags are the choices of training but the learning rate, of which run may
// try several.
type stepFlags struct {
	Epochs      int      `required:"" placeholder:"N" xor:"length" help:"Passes over the training examples."`
	Steps       int      `required:"" placeholder:"N" xor:"length" help:"Optimiser steps, instead of --epochs."`
	Batch       int      `default:"16" placeholder:"N" help:"Examples a step (default 16)."`
	MicroBatch  int      `placeholder:"N" help:"Examples in memory at once; the result is the same but for rounding. Default: the batch."`
	Recompute   bool     `help:"Keep no activations inside blocks, compute them again: much less memory, about a third more time, the same bits."`
	Schedule    string   `default:"constant" enum:"constant,linear,cosine" placeholder:"KIND" help:"Course of the learning rate: constant (default), linear or cosine."`
	Warmup      int      `placeholder:"N" help:"Steps over which the learning rate rises."`
	Clip        float64  `default:"1" placeholder:"X" help:"Largest norm of the gradient (default 1); 0: any."`
	WeightDecay float64  `default:"0" placeholder:"X" help:"Weight decay of AdamW, of matrices: not of biases and the gains of norms, unless --weight-decay-on says so."`
	Dropout     *float64 `placeholder:"X" help:"Default: what the model's config says."`
	MaxLength   int      `placeholder:"N" help:"Tokens of an example; contexts are cut from the left. Default: the model's positions."`
	EvalEvery   int      `placeholder:"N" help:"Steps between validations. Default: an epoch."`
	SaveEvery   int      `placeholder:"N" help:"Steps between checkpoints, besides those after a validation and every five minutes."`
	TrainLimit  int      `placeholder:"N" help:"Only the first N training documents."`
	NoShuffle   bool     `help:"Take the examples in the order of the file."`
	Overlong    string   `default:"error" enum:"error,skip,cut" placeholder:"HOW" help:"A row whose target is longer than the model can take: error (default), skip (leave it out) or cut (from the left)."`
	Format      string   `default:"scoring" enum:"scoring,paper" placeholder:"HOW" help:"Training text: scoring (default; as it is scored) or paper (BOS in front, no space before the target)."`
	optionFlags `group:"Options of a training:"`
}

// outRunFlags name a run directory, which is resumed.
type outRunFlags struct {
	Out       string `required:"" placeholder:"DIR" help:"Run directory; one with the same settings is resumed."`
	Overwrite bool   `help:"Start anew."`
}

// settings returns the trainer's settings with a learning rate. Errors are of
// usage.
func (f stepFlags) settings(lr float64, c transformer.Config, seed uint64) (train.Settings, error) {
	s := train.Settings{
		LR: lr, Epochs: f.Epochs, Steps: f.Steps, Batch: f.Batch, MicroBatch: f.MicroBatch,
		Schedule: optim.Kind(f.Schedule), Warmup: f.Warmup, Clip: f.Clip, WeightDecay: f.WeightDecay,
		Dropout: c.Dropout, EvalEvery: f.EvalEvery, NoShuffle: f.NoShuffle, Seed: seed,
	}
	if f.Dropout != nil {
		s.Dropout = *f.Dropout
	}
	switch {
	case f.SaveEvery < 0:
		return s, usagef("--save-every %d: want 1 or more", f.SaveEvery)
	case f.TrainLimit < 0:
		return s, usagef("--train-limit %d: want 1 or more", f.TrainLimit)
	}
	if err := f.optionFlags.set(&s); err != nil {
		return s, err
	}
	if err := s.Validate(); err != nil {
		return s, usageError{err}
	}
	return s, nil
}

// data says how documents of a task are encoded for a model.
func (f stepFlags) data(m *model, t task.Task) (d study.Data, err error) {
	d = study.Data{Task: t, MaxLength: f.MaxLength, TrainLimit: f.TrainLimit}
	if d.Format, err = task.ParseFormat(f.Format); err != nil {
		return d, err
	}
	if d.Overlong, err = task.ParseOverlong(f.Overlong); err != nil {
		return d, usageError{err}
	}
	_, err = m.Config.SequenceLength(f.MaxLength)
	return d, err
}

// training is what train runs.
type training interface {
	Run(ctx context.Context, show *study.Watcher) (train.Outcome, error)
}

// train runs a training in its directory and shows its progress.
func (s *session) train(f training, dir *train.RunDir) (train.Outcome, error) {
	tensor.Trim() // what measuring took, which lies otherwise than what training will
	defer tensor.Trim()
	show := s.watcher()
	defer show.Close()
	dir.Warn = func(text string) { show.Note("lamina: warning: " + oneLine(text)) }
	defer interrupt.Saving("the step under way is finished and saved")()
	return f.Run(s.ctx, show)
}

// watcher shows how far a training or an experiment is.
func (s *session) watcher() *study.Watcher {
	return &study.Watcher{Out: s.stderr, Warn: func(text string) { s.warn([]string{text}) }}
}
