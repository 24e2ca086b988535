package main

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
	"lamina/internal/machine"
	"lamina/internal/units"
	"lamina/nn"
)

// finetuneCommand trains a model, or the starred blocks of an emulator.
type finetuneCommand struct {
	modelFlag
	Data  string  `required:"" placeholder:"PATH" help:"Training documents: a file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub."`
	Valid string  `placeholder:"FILE" help:"Validation documents: the weights of the lowest loss are kept. Without it nothing is held out and the last weights are kept."`
	Task  string  `placeholder:"NAME" help:"Prompt of a task; none: the files verbatim."`
	Plan  string  `placeholder:"PLAN" help:"Layer plan (text, or @FILE): train its starred blocks. An emulator brings its own. Default: train everything."`
	Share string  `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places of --plan. ${shares_help}. Default: none."`
	LR    float64 `name:"lr" placeholder:"X" help:"Learning rate."`
	delimiterFlag
	stepFlags
	Overcommit bool `help:"Start even if the run takes more memory than is available."`
	outRunFlags
	profileFlag
}

// finetuneResult is the JSON: the last metrics and what the run came to.
type finetuneResult struct {
	train.Metrics
	Outcome   train.Outcome   `json:"outcome"`
	Examples  int             `json:"examples"`
	Truncated int             `json:"truncated"`
	Skipped   int             `json:"skipped,omitempty"` // rows whose targets were too long
	Trained   int             `json:"trained_params"`
	Held      int             `json:"held_params"`
	Health    *emulate.Health `json:"health,omitempty"` // of an emulator, before training
	Sent      exchange.Sent   `json:"sent"`             // the adapter
	Out       string          `json:"out"`
}

// Run trains; what can be wrong with the input is found before the run directory
// is made.
func (c finetuneCommand) Run(s *session) error {
	t, err := c.task(c.Task)
	if err != nil {
		return err
	}
	finish, err := c.profileFlag.start(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	f, err := c.load(s, m, t)
	if err != nil {
		return err
	}
	run := f.Trainer
	defer run.Close()
	s.warn(f.Warnings())
	if !c.Overcommit {
		if err := study.CheckMemory(run, m.Config.ProcessMemory(), machine.ReadMemory().Usable()); err != nil {
			return err
		}
	}
	bar := s.waiting("measuring the emulator's loss")
	health, err := f.Health(s.ctx)
	bar.Done()
	if err != nil {
		return err
	}
	s.warnOf(health)
	dir, err := f.Open(c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	defer dir.Close()
	r := finetuneResult{Examples: run.Train.Len(), Truncated: f.Truncated, Skipped: f.Skipped, Trained: nn.Count(run.Params), Held: nn.Count(run.Held), Health: health, Out: c.Out}
	if r.Outcome, err = s.train("finetune", run); err != nil {
		return err
	}
	finish()
	if r.Outcome.Stopped {
		return interrupted{fmt.Sprintf("stopped after step %d, saved in %s: run the same command again to go on", r.Outcome.Steps, c.Out)}
	}
	if r.Metrics, err = train.LastMetrics(c.Out); err != nil {
		return err
	}
	if err := f.Save(c.Out); err != nil {
		return err
	}
	return c.print(s, r, f.Adapter(c.Out))
}

// load reads what is trained, and on what.
func (c finetuneCommand) load(s *session, m *model, t task.Task) (*study.Finetuning, error) {
	settings, err := c.settings(c.LR, m.Config, s.Seed)
	if err != nil {
		return nil, err
	}
	f := &study.Finetuning{
		Model: m.Model, Name: c.Model, Delimiter: c.TargetDelimiter, Precision: s.Precision,
		Trainer: &train.Trainer{Backend: m.Backend, Settings: settings, Recompute: c.Recompute, Release: m.Release, SaveEvery: c.SaveEvery},
	}
	if f.Part, err = m.part(c.Plan, c.Share); err != nil {
		return nil, err
	}
	if f.Data, err = c.data(m, t); err != nil {
		return nil, err
	}
	if f.Data.MaxLength == 0 {
		f.Data.MaxLength = m.Config.MaxPositions
	}
	f.Data.Train, f.Data.Valid = m.data(c.Data, "", "train"), m.data(c.Valid, "", "validation")
	return f, f.Load()
}

// print shows what the run came to.
func (c finetuneCommand) print(s *session, r finetuneResult, adapter string) error {
	o := r.Outcome
	s.printf("trained %s of %s weights on %s examples (%d cut): %d steps, %.1f s, %s of activations\n",
		units.Count(r.Trained), units.Count(r.Held), units.Count(r.Examples), r.Truncated, o.Steps, o.Seconds, units.Bytes(o.PeakBytes))
	if r.Skipped > 0 {
		s.printf("%s rows left out: their targets are longer than the model can take\n", units.Count(r.Skipped))
	}
	if r.Step > 0 {
		s.printf("last loss %.4f, gradient norm %.3g, %.0f tokens/s\n", r.Loss, r.GradNorm, r.TokensPerSecond)
	}
	if c.Valid != "" {
		s.printf("kept the weights of step %d, validation loss %.4f\n", o.BestStep, o.BestLoss)
	}
	if r.Health != nil {
		s.printf("before training, %s\n", r.Health)
	}
	var err error
	if r.Sent, err = s.printSent(adapter, fmt.Sprintf(
		"nothing in it but the trained weights, their names and plan; keep the rest of %s, whose settings and metrics tell of the data", c.Out)); err != nil {
		return err
	}
	return s.writeJSON(r)
}
