package main

import (
	"fmt"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/machine"
	"lamina/internal/report"
	"lamina/nn"
	"lamina/transformer"
)

// finetuneCommand trains a model, or the starred blocks of an emulator.
type finetuneCommand struct {
	modelFlag
	Data  string  `required:"" placeholder:"FILE" help:"Training documents, one JSON object a line."`
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

// finetuneConfig is config.json of the run: what determines the result.
type finetuneConfig struct {
	Command   string         `json:"command"`
	Format    int            `json:"format"`
	Model     string         `json:"model"`
	Plan      string         `json:"plan"` // "" for everything
	Base      string         `json:"base"` // fingerprint of the weights before training
	Data      eval.Identity  `json:"data"`
	Valid     *eval.Identity `json:"valid,omitempty"`
	Task      string         `json:"task"`
	Text      task.Format    `json:"text"`
	MaxLength int            `json:"max_length"`
	Limit     int            `json:"train_limit"`
	Examples  int            `json:"examples"`
	Truncated int            `json:"truncated"`
	Overlong  string         `json:"overlong,omitempty"` // where such rows are no error
	Skipped   int            `json:"skipped,omitempty"`
	Delimiter *string        `json:"target_delimiter,omitempty"` // where it is not one space
	Settings  train.Settings `json:"settings"`
	Precision string         `json:"precision"`
	Backend   string         `json:"backend"`
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
	Sent      sent            `json:"sent"`             // the adapter
	Out       string          `json:"out"`
}

// Run trains; what can be wrong with the input is found before the run directory
// is made.
func (c finetuneCommand) Run(s *session) error {
	t, err := namedTask(c.Task)
	if err == nil {
		t, err = c.apply(t)
	}
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
	settings, err := c.settings(c.LR, m.Config, s.Seed)
	if err != nil {
		return err
	}
	run := &train.Trainer{Backend: m.Backend, Settings: settings, Recompute: c.Recompute, Release: m.Release, SaveEvery: c.SaveEvery}
	defer run.Close()
	config := finetuneConfig{
		Command: "finetune", Format: 1, Model: c.Model, Task: t.Name(), Limit: c.TrainLimit, Settings: settings,
		Precision: s.Precision, Backend: m.Backend.Name(),
	}
	e, err := c.emulator(m)
	if err != nil {
		return err
	}
	if err := e.Plan.WantStar(); err != nil {
		return err
	}
	run.Params, run.Held = e.Params(), e.Decoder.Params()
	if err := c.load(m, t, e.Decoder, run, &config); err != nil {
		return err
	}
	switch {
	case c.Valid == "" && c.EvalEvery > 0:
		s.warnf("--eval-every %d changes nothing without --valid", c.EvalEvery)
	case c.Valid != "" && config.Valid.SHA256 == config.Data.SHA256:
		s.warnf("%s: holds the rows that are trained on: as --valid it tells how well they are remembered, not what was learned; name others", c.Valid)
	}
	if !c.Overcommit {
		if err := checkMemory(run, m.Config.ProcessMemory(), machine.ReadMemory().Usable()); err != nil {
			return err
		}
	}
	health, err := c.health(s, m, e, run)
	if err != nil {
		return err
	}
	config.Plan, config.Base = e.Plan.String(), transformer.Fingerprint(run.Params)
	dir, err := train.OpenRunDir(c.Out, config, c.Overwrite)
	if err != nil {
		return err
	}
	defer dir.Close()
	run.Store = dir
	result := finetuneResult{Examples: config.Examples, Truncated: config.Truncated, Skipped: config.Skipped, Trained: nn.Count(run.Params), Held: nn.Count(run.Held), Health: health, Out: c.Out}
	if result.Outcome, err = s.train("finetune", run); err != nil {
		return err
	}
	finish()
	manifest := exchange.Manifest{Plan: e.Plan, Whole: e.Plan == nil, Base: config.Base}
	return c.keep(s, manifest, run.Params, result)
}

// keep writes the adapter of a run that is done and prints what it came to.
func (c finetuneCommand) keep(s *session, m exchange.Manifest, params nn.Params, r finetuneResult) (err error) {
	if r.Outcome.Stopped {
		return interrupted{fmt.Sprintf("stopped after step %d, saved in %s: run the same command again to go on", r.Outcome.Steps, c.Out)}
	}
	if r.Metrics, err = train.LastMetrics(c.Out); err != nil {
		return err
	}
	if err := exchange.SaveAdapter(filepath.Join(c.Out, "adapter"), m, params); err != nil {
		return err
	}
	return c.print(s, r)
}

// emulator returns what a run trains of a model: without a plan all of it.
func (c finetuneCommand) emulator(m *model) (*emulate.Emulator, error) {
	switch {
	case m.Emulator != nil && c.Plan != "":
		return nil, fmt.Errorf("%s: is an emulator and brings its plan: leave out --plan", c.Model)
	case c.Plan == "" && c.Share != plan.ShareNone.String():
		return nil, usagef("--share %s needs --plan", c.Share)
	case m.Emulator != nil:
		return m.Emulator, nil
	case c.Plan == "":
		return emulate.Whole(m.Decoder), nil
	}
	p, err := plan.ReadShared(c.Plan, c.Share, m.Config.Layers)
	if err != nil {
		return nil, err
	}
	return emulate.New(m.Decoder, p)
}

// health measures an emulator on the first validation examples, or of those that are
// learned, beside the full model where it is here. It is nil for a model that is trained
// whole.
func (c finetuneCommand) health(s *session, m *model, e *emulate.Emulator, run *train.Trainer) (*emulate.Health, error) {
	if e.Plan == nil {
		return nil, nil
	}
	on, _ := run.Train.(*train.NextToken)
	if valid, ok := run.Valid.(*train.NextToken); ok && valid.Len() > 0 {
		on = valid
	}
	defer s.waiting("measuring the emulator's loss").Done()
	loss, err := on.On(e.Decoder, checkedDocuments).Mean(s.ctx, m.Backend, nil)
	if err != nil {
		return nil, err
	}
	h := emulate.NewHealth(m.Config, loss, 0)
	if m.Emulator == nil {
		if h.Full, err = on.On(m.Decoder, checkedDocuments).Mean(s.ctx, m.Backend, nil); err != nil {
			return nil, err
		}
	} else if owner := m.Manifest.Health; owner != nil {
		h.Elsewhere = owner.Full
	}
	s.warnOf(h)
	return &h, nil
}

// load reads and encodes the documents that a decoder learns.
func (c finetuneCommand) load(m *model, t task.Task, d *transformer.Decoder, run *train.Trainer, config *finetuneConfig) error {
	format, err := c.format()
	if err != nil {
		return err
	}
	length, err := m.maxLength(c.MaxLength)
	if err != nil {
		return err
	}
	overlong, err := task.ParseOverlong(c.Overlong)
	if err != nil {
		return usageError{err}
	}
	config.Text, config.MaxLength, config.Delimiter = format, length, c.TargetDelimiter
	if overlong != task.OverlongError {
		config.Overlong = c.Overlong
	}
	read := func(path, split string, limit int) (*train.NextToken, eval.Identity, error) {
		from := m.data(path, "", split)
		docs, files, err := m.Documents(t, from, limit)
		if err != nil {
			return nil, eval.Identity{}, err
		}
		pairs, fits, err := m.Examples(t, docs, format, length, overlong)
		if err != nil {
			return nil, eval.Identity{}, err
		}
		config.Truncated += fits.Cut
		config.Skipped += fits.Skipped
		o, err := train.NewNextToken(d, pairs)
		return o, from.Identity(files), err
	}
	if run.Train, config.Data, err = read(c.Data, "train", c.TrainLimit); err != nil {
		return err
	}
	config.Examples = run.Train.Len()
	if c.Valid == "" {
		return nil
	}
	config.Valid = new(eval.Identity)
	run.Valid, *config.Valid, err = read(c.Valid, "validation", 0)
	return err
}

// print shows what the run came to.
func (c finetuneCommand) print(s *session, r finetuneResult) error {
	o := r.Outcome
	s.printf("trained %s of %s weights on %s examples (%d cut): %d steps, %.1f s, %s of activations\n",
		report.Count(r.Trained), report.Count(r.Held), report.Count(r.Examples), r.Truncated, o.Steps, o.Seconds, report.Bytes(o.PeakBytes))
	if r.Skipped > 0 {
		s.printf("%s rows left out: their targets are longer than the model can take\n", report.Count(r.Skipped))
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
	if r.Sent, err = s.printSent(filepath.Join(c.Out, "adapter"), fmt.Sprintf(
		"nothing in it but the trained weights, their names and plan; keep the rest of %s, whose settings and metrics tell of the data", c.Out)); err != nil {
		return err
	}
	return s.writeJSON(r)
}

// checkMemory refuses a run that needs more than there is, process bytes beside the
// trainer's. What is available is 0 where the system does not say.
func checkMemory(t *train.Trainer, process, available int) error {
	need, err := t.Memory()
	if err != nil {
		return err
	}
	total := need.Total() + process
	if available == 0 || total <= available {
		return nil
	}
	again := *t
	again.Recompute, again.Settings.MicroBatch = true, 1
	least, err := again.Memory()
	if err != nil {
		return err
	}
	remedy := fmt.Sprintf("--micro-batch 1 --recompute takes %s", report.Bytes(least.Total()+process))
	if least.Total()+process > available {
		remedy += ", which is too much as well: train fewer blocks or free memory"
	}
	return fmt.Errorf("training takes about %s (%s of it activations of the longest batch) and %s are available: %s; the same weights come out; --overcommit tries anyway",
		report.Bytes(total), report.Bytes(need.Pass), report.Bytes(available), remedy)
}
