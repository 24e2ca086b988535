package main

import (
	"fmt"
	"slices"

	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval/task"
)

// finetuneCommand trains a model, or the starred blocks of an emulator.
type finetuneCommand struct {
	modelFlag
	Data  string `required:"" placeholder:"PATH" help:"Training rows: a file (JSON lines, JSON, CSV, Parquet, and .txt with --pack), a directory of a data set, or its name on the hub."`
	Valid string `placeholder:"FILE" help:"Validation documents: the weights of the lowest loss are kept. Without it nothing is held out and the last weights are kept."`
	Task  string `placeholder:"NAME" help:"Prompt of a task; none: the files verbatim."`
	Plan  string `placeholder:"PLAN" help:"Layer plan (text, or @FILE): train its starred blocks. An emulator brings its own. Default: train everything."`
	Share string `default:"none" enum:"${shares}" placeholder:"HOW" help:"Fill removed places of --plan. ${shares_help}. Default: none."`
	gridFlags
	delimiterFlag
	rowsFlags    `group:"Rows:"`
	metricFlags  `group:"Validation:"`
	stepFlags    `group:"Steps:"`
	privateFlags `group:"Privacy:"`
	prefixFlags  `group:"Memory:"`
	peftFlags    `group:"Trained beside the weights:"`
	peftTargets  `group:"Trained beside the weights:"`
	roomFlags    `group:"Memory:"`
	tokenFlags   `group:"Options of a training:"`
	turnFlag     `group:"Options of a training:"`
	giveFlags
	eventFlags
	outRunFlags
	profileFlag
}

// Run trains; what can be wrong with the input is found before the run directory
// is made.
func (c *finetuneCommand) Run(s *session) error {
	t, err := c.task(c.Task)
	if err != nil {
		return err
	}
	if err := c.gridFlags.check(c.DPSGD); err != nil {
		return err
	}
	cache, err := c.prefixFlags.parse()
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
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	f, err := c.load(s, m, t)
	if err != nil {
		return err
	}
	defer f.Close()
	s.warn(f.Warnings())
	if err := f.KeepPrefix(cache, s.room(), c.Out); err != nil {
		return err
	}
	if err := c.roomFlags.check(s, f); err != nil {
		return err
	}
	bar := s.waiting("measuring the emulator's loss")
	health, err := f.Health(s.ctx)
	bar.Done()
	if err != nil {
		return err
	}
	s.warnOf(health)
	if c.isGrid() {
		if err := c.train(s, f, health, c.outRunFlags, c.eventFlags); err != nil {
			return err
		}
		finish()
		return nil
	}
	dir, err := f.Open(c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	defer dir.Close()
	outcome, err := c.watched(s, f, f.Trainer, dir, c.outRunFlags)
	if err != nil {
		return err
	}
	finish()
	if outcome.Stopped {
		return interrupted{fmt.Sprintf("stopped after step %d, saved in %s: run the same command again to go on", outcome.Steps, c.Out)}
	}
	r, err := f.Finish(c.Out, outcome, health)
	if err != nil {
		return err
	}
	s.printf("%ssend this directory: %s; nothing in it but the trained weights, their names and plan; keep the rest of %s, whose settings and metrics tell of the data\n",
		r.Text(), r.Sent, c.Out)
	return s.writeJSON(r)
}

// load reads what is trained, and on what.
func (c *finetuneCommand) load(s *session, m *model, t task.Task) (*study.Finetuning, error) {
	var settings train.Settings
	for _, lr := range slices.Backward(c.LRs) { // of a grid the first cell's
		var err error
		if settings, err = c.settings(lr, m.Config, c.seeds(s)[0]); err != nil {
			return nil, err
		}
	}
	if err := c.metricFlags.check(c.Valid); err != nil {
		return nil, err
	}
	settings.BestBy = c.best()
	if err := c.private(&settings); err != nil {
		return nil, err
	}
	if err := c.tokenFlags.set(&settings); err != nil {
		return nil, err
	}
	f := &study.Finetuning{
		Runs:   len(c.LRs) * len(c.seeds(s)),
		Metric: c.Metric,
		Model:  m.Model, Name: c.Model, Delimiter: c.TargetDelimiter, Precision: s.Precision, Claim: c.DPClaim,
		Trainer: &train.Trainer{Backend: m.Backend, Settings: settings, Recompute: c.Recompute, Release: m.Release, SaveEvery: c.SaveEvery},
	}
	var err error
	if f.Rows, err = c.rows(); err != nil {
		return nil, err
	}
	if f.Return, err = c.form(); err != nil {
		return nil, err
	}
	if f.Rank, err = c.rankOf(&c.peftFlags); err != nil {
		return nil, err
	}
	if f.PEFT, err = c.config(c.Targets); err != nil {
		return nil, err
	}
	if f.Part, err = m.part(c.Plan, c.Share); err != nil {
		return nil, err
	}
	if f.Also, err = c.turnFlag.open(s); err != nil {
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
