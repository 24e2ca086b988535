package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"lamina/crash/distill"
	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
)

// distillCommand trains the frozen part of an emulator and writes it.
type distillCommand struct {
	modelFlag
	Plan string `required:"" placeholder:"PLAN" help:"Layer plan of the emulator, as emulate has it."`
	shapeFlags
	Data  string   `required:"" placeholder:"PATH" help:"Texts to distil on, read whole, and to fit on before what the plan asks to fit: a file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub. Not what is scored or trained on later."`
	Valid string   `placeholder:"FILE" help:"Texts held out: the weights of the lowest loss are kept. Without it the last weights are kept."`
	Task  string   `placeholder:"NAME" help:"Prompt of a task; none: the files verbatim."`
	Train string   `default:"norms" enum:"${kinds}" placeholder:"WHAT" help:"What trains. ${kinds_help}. Default: norms."`
	LM    *float64 `name:"lm" placeholder:"X" help:"Weight of the next token's loss (default ${lm})."`
	KD    *float64 `name:"kd" placeholder:"X" help:"Weight of the distance from the model's states where frozen places end, relative to them (default ${kd}; 0 where starred blocks train)."`
	PPD   *float64 `name:"ppd" placeholder:"X" help:"Weight of that distance while both run with the same disturbed starred blocks (default ${ppd}; 0 where they train)."`
	Sigma float64  `default:"${sigma}" placeholder:"X" help:"How far those are disturbed, in units of each tensor's root mean square (default ${sigma}, about what a fine-tuning moves them)."`
	LR    float64  `name:"lr" required:"" placeholder:"X" help:"Learning rate."`
	delimiterFlag
	stepFlags `group:"Steps:"`
	roomFlags `group:"Memory:"`
	Emulator  string `placeholder:"DIR" help:"Where the emulator is written at the end. Default: emulator in --out."`
	Receipt   string `placeholder:"FILE" help:"Where what may come back is noted. Default: --emulator with .receipt.json."`
	outRunFlags
	eventFlags
	profileFlag
}

// Run distils; what can be wrong with the input is found before the run directory is made.
func (c distillCommand) Run(s *session) error {
	t, err := c.task(c.Task)
	if err != nil {
		return err
	}
	written, err := c.written()
	if err != nil {
		return err
	}
	if _, err := c.eventFlags.file(s.JSON); err != nil {
		return err
	}
	finish, err := c.profileFlag.start(s)
	if err != nil {
		return err
	}
	d, err := c.load(s, t)
	if err != nil {
		return err
	}
	defer d.Close()
	s.warn(d.Warnings())
	if err := c.roomFlags.check(s, d); err != nil {
		return err
	}
	bar := s.waiting("measuring the emulator's loss")
	before, err := d.Health(s.ctx)
	bar.Done()
	if err != nil {
		return err
	}
	dir, err := d.Open(c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	defer dir.Close()
	outcome, err := c.watched(s, d, d.Trainer, dir, c.outRunFlags)
	if err != nil {
		return err
	}
	finish()
	stopped := interrupted{fmt.Sprintf("stopped after step %d, saved in %s: run the same command again to go on", outcome.Steps, c.Out)}
	if outcome.Stopped {
		return stopped
	}
	bar = s.waiting("writing " + c.Emulator)
	r, err := d.Finish(s.ctx, c.Out, outcome, before, c.Emulator, c.Receipt, emulate.Options{Overwrite: written.Overwrite})
	bar.Done()
	if errors.Is(err, context.Canceled) {
		return stopped
	}
	if err != nil {
		return err
	}
	s.warnOf(r.Emulator.Health)
	s.printf("%s", r.Text())
	return s.writeJSON(r)
}

// written fills in where the emulator and its receipt are to stand, and returns an error
// unless they can.
func (c *distillCommand) written() (outFlags, error) {
	c.Emulator = cmp.Or(c.Emulator, filepath.Join(c.Out, "emulator"))
	c.Receipt = cmp.Or(c.Receipt, exchange.ReceiptFile(c.Emulator))
	cut, err := exchange.CheckReceipt(c.Receipt, c.Emulator, c.Overwrite)
	if err != nil {
		return outFlags{}, err
	}
	to := outFlags{c.Emulator, c.Overwrite || cut}
	return to, to.check("emulator")
}

// weigh says what trains, and towards what.
func (c distillCommand) weigh(d *study.Distillation) (err error) {
	if d.Kind, err = distill.Named(c.Train); err != nil {
		return err
	}
	w := d.Kind.Weights()
	w.Sigma = c.Sigma
	for _, f := range []struct{ flag, weight *float64 }{{c.LM, &w.LM}, {c.KD, &w.KD}, {c.PPD, &w.PPD}} {
		if f.flag != nil {
			*f.weight = *f.flag
		}
	}
	d.Weights = w
	return d.Kind.Check(w)
}

// load reads what is distilled, and on what. On an error nothing is left open.
func (c distillCommand) load(s *session, t task.Task) (*study.Distillation, error) {
	shape, err := c.shape()
	if err != nil {
		return nil, err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return nil, err
	}
	if err := m.Full("distill"); err != nil {
		return nil, err
	}
	settings, err := c.settings(c.LR, m.Config, s.Seed)
	if err != nil {
		return nil, err
	}
	if settings.Dropout = 0; c.Dropout != nil && *c.Dropout > 0 {
		return nil, usagef("--dropout %v: distillation drops nothing: leave it out", *c.Dropout)
	}
	d := &study.Distillation{
		Finetuning: study.Finetuning{
			Model: m.Model, Name: c.Model, Delimiter: c.TargetDelimiter, Precision: s.Precision,
			Trainer: &train.Trainer{Backend: m.Backend, Settings: settings, Recompute: c.Recompute, SaveEvery: c.SaveEvery},
		},
		Share: c.Share, Available: s.left(),
	}
	if err := c.weigh(d); err != nil {
		return nil, usageError{err}
	}
	p, left, err := plan.ReadShaped(c.Plan, shape, m.Config.Layers)
	if err != nil {
		return nil, err
	}
	s.warn(shape.Doubts(p, left))
	d.Plan = p
	if d.Data, err = c.data(m, t); err != nil {
		return nil, err
	}
	d.Data.MaxLength = cmp.Or(d.Data.MaxLength, m.Config.MaxPositions)
	d.Data.Train, d.Data.Valid = m.data(c.Data, "", "train"), m.data(c.Valid, "", "validation")
	if err := d.Load(s.ctx); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}
