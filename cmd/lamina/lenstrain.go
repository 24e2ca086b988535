package main

import (
	"cmp"
	"fmt"
	"path/filepath"

	"lamina/crash/lens"
	"lamina/crash/study"
	"lamina/crash/train"
)

// lensTrainCommand trains a tuned lens.
type lensTrainCommand struct {
	modelFlag
	lensTextFlags
	Valid         string  `placeholder:"PATH" help:"Texts held out: the weights of the lowest loss are kept. Without it the last weights are kept."`
	Limit         int     `placeholder:"N" help:"Only the first N rows."`
	MaxLength     int     `placeholder:"N" help:"Tokens of a row; texts are laid end to end and cut into such rows. Default: 512, or the model's positions if those are fewer; the library has 2048."`
	Steps         int     `default:"250" placeholder:"N" help:"Optimiser steps (default 250)."`
	TokensPerStep int     `default:"8192" placeholder:"N" help:"About how many tokens a step learns from (default 8192; the library has 262144)."`
	LR            float64 `name:"lr" default:"0.1" placeholder:"X" help:"Learning rate (default 0.1, the recipe's 1.0 times 1 - momentum), which falls linearly to 0."`
	WeightDecay   float64 `default:"0.001" placeholder:"X" help:"Weight decay (default 0.001)."`
	NoShuffle     bool    `help:"Take the rows in the order of the file."`
	EvalEvery     int     `placeholder:"N" help:"Steps between validations. Default: an epoch."`
	SaveEvery     int     `placeholder:"N" help:"Steps between checkpoints, besides those after a validation and every five minutes."`
	roomFlags     `group:"Memory:"`
	Out           string `required:"" placeholder:"DIR" help:"Where the lens is written at the end: config.json and params.pt, as the tuned-lens library has them."`
	RunDir        string `name:"run" placeholder:"DIR" help:"Run directory; one with the same settings is resumed. Default: --out with .run."`
	Overwrite     bool   `help:"Start anew, and replace the lens."`
}

// Run trains; what can be wrong with the input is found before the run directory is made.
func (c lensTrainCommand) Run(s *session) error {
	if err := (outFlags{c.Out, c.Overwrite}).check(lens.Written); err != nil {
		return err
	}
	f, err := c.load(s)
	if err != nil {
		return err
	}
	defer f.Close()
	s.warn(f.Warnings())
	if err := c.roomFlags.check(s, f); err != nil {
		return err
	}
	run := cmp.Or(c.RunDir, filepath.Clean(c.Out)+".run")
	dir, err := f.Open(run, c.Overwrite)
	if err != nil {
		return err
	}
	defer dir.Close()
	outcome, err := s.train(f, dir)
	if err != nil {
		return err
	}
	if outcome.Stopped {
		return interrupted{fmt.Sprintf("stopped after step %d, saved in %s: run the same command again to go on", outcome.Steps, run)}
	}
	bar := s.waiting("writing " + c.Out)
	r, err := f.Finish(s.ctx, c.Out, outcome, c.Overwrite, nil)
	bar.Done()
	if err != nil {
		return err
	}
	s.printf("%s", r.Text())
	return s.writeResult("lens", r)
}

// load reads model and texts. On an error nothing is left open.
func (c lensTrainCommand) load(s *session) (*study.LensTraining, error) {
	settings := lens.Recipe(c.Steps, 1, s.Seed)
	settings.LR = c.LR
	settings.WeightDecay, settings.NoShuffle, settings.EvalEvery = c.WeightDecay, c.NoShuffle, c.EvalEvery
	switch err := settings.Validate(); {
	case c.TokensPerStep < 1:
		return nil, usagef("--tokens-per-step %d: want 1 or more", c.TokensPerStep)
	case err != nil:
		return nil, usageError{err}
	}
	m, t, length, err := openLensModel(s, c.Model, c.Task, c.MaxLength, 512)
	if err != nil {
		return nil, err
	}
	texts := study.LensTexts{Data: m.data(c.Data, "", "train"), Task: t, Limit: c.Limit, MaxLength: length, Pack: true}
	held := texts
	held.Data, held.Limit = m.data(c.Valid, "", "validation"), 0
	f := &study.LensTraining{
		Model: &m.Model.Model, Name: c.Model, Train: texts, Valid: held, Precision: s.Precision,
		Trainer: &train.Trainer{Backend: m.Backend, Settings: settings, SaveEvery: c.SaveEvery},
	}
	if err := f.Load(c.TokensPerStep); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
