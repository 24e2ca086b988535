package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/hub"
)

// runCommand is the protocol's table for one model and task.
type runCommand struct {
	modelFlag
	Train      string    `required:"" placeholder:"FILE" help:"Documents to train on."`
	Test       string    `required:"" placeholder:"FILE" help:"Documents to score."`
	Valid      string    `placeholder:"FILE" help:"Documents that choose learning rate and checkpoint; without it a seeded tenth of --train."`
	Support    string    `placeholder:"FILE" help:"Documents the plan is made from; without it a seeded tenth of --train, at most 512."`
	Task       string    `placeholder:"NAME" help:"Apply this task's prompt (arc_easy, openbookqa, piqa, boolq, copa, webqs, …)."`
	Rules      string    `default:"0.4" enum:"0.4,0.3" placeholder:"RULES" help:"Scoring rules of lm-evaluation-harness: 0.4 or 0.3."`
	Keep       int       `required:"" placeholder:"K" help:"Blocks the emulator keeps, trainable ones included."`
	Trainable  int       `required:"" placeholder:"T" help:"Blocks that are trained."`
	AnchorEnds bool      `help:"Always keep the first and the last block."`
	Rows       []string  `default:"${rows_default}" placeholder:"R,…" help:"Rows of the table. ${rows_help}; NAME=PLAN or NAME=@FILE: a layer plan of your own."`
	Seeds      []uint64  `placeholder:"N,…" help:"Seeds, each a run of every row; default: --seed."`
	Limit      int       `placeholder:"N" help:"Score the first N documents only."`
	Pool       string    `default:"mean_weighted" placeholder:"NAME" help:"Pooling of hidden states over tokens."`
	LRs        []float64 `name:"lr" required:"" placeholder:"X,…" help:"Learning rates; of several, each row keeps the one of the lowest validation loss."`
	stepFlags
	outRunFlags
	profileFlag

	// What demo adds: names for the table, and a folder in Out that is there
	// before the run.
	modelName, taskName, inputs string
}

// Run is the command.
func (c *runCommand) Run(s *session) error {
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if err := m.Full("run"); err != nil {
		return err
	}
	x, err := c.experiment(s, m)
	if err != nil {
		return err
	}
	err = c.table(s, x)
	finish()
	return err
}

// experiment returns what the flags ask for.
func (c *runCommand) experiment(s *session, m *model) (*study.Experiment, error) {
	x := &study.Experiment{
		Dir: c.Out, Model: &m.Model.Model, Seeds: c.Seeds, Precision: s.Precision,
		Table: study.Table{Model: cmp.Or(c.modelName, hub.NameOf(m.Path)), Task: cmp.Or(c.taskName, c.Task, strings.TrimSuffix(filepath.Base(c.Test), ".jsonl"))},
	}
	if len(x.Seeds) == 0 {
		x.Seeds = []uint64{s.Seed}
	}
	var err error
	if x.Data, err = c.data(m); err != nil {
		return nil, err
	}
	if x.Protocol, err = c.protocol(s, m); err != nil {
		return nil, err
	}
	return x, nil
}

// data says what is read and how it is encoded.
func (c *runCommand) data(m *model) (d study.Data, err error) {
	if d.Task, err = namedTask(c.Task); err != nil {
		return d, err
	}
	if d.Rules, err = task.ParseRules(c.Rules); err != nil {
		return d, usageError{err}
	}
	if d.Format, err = c.format(); err != nil {
		return d, err
	}
	if c.Limit < 0 {
		return d, usagef("a limit of %d documents: want 1 or more", c.Limit)
	}
	if _, err := m.maxLength(c.MaxLength); err != nil {
		return d, err
	}
	d.MaxLength, d.TrainLimit, d.Limit = c.MaxLength, c.TrainLimit, c.Limit
	d.Train, d.Test = m.data(c.Train, "", "train"), m.data(c.Test, "", d.Task.Split())
	d.Valid, d.Support = m.data(c.Valid, "", "validation"), m.data(c.Support, "", "validation")
	return d, nil
}

// protocol is what holds for every seed.
func (c *runCommand) protocol(s *session, m *model) (p study.Protocol, err error) {
	p = study.Protocol{Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds, LRs: c.LRs, Recompute: c.Recompute}
	if p.Rows, err = study.Select(s.recipes, c.Rows, plan.Read); err != nil {
		return p, usageError{err}
	}
	if p.Pooling, err = measure.ParsePooling(c.Pool); err != nil {
		return p, usageError{err}
	}
	for _, lr := range c.LRs {
		if p.Settings, err = c.settings(lr, m.Config, 0); err != nil {
			return p, err
		}
	}
	return p, nil
}

// table runs what is left of an experiment and prints it.
func (c *runCommand) table(s *session, x *study.Experiment) error {
	show := &watcher{s: s}
	defer show.close()
	x.Watch, x.Done = show.watch, show.done
	if err := x.Open(c.Overwrite, c.inputs); err != nil {
		return err
	}
	if err := x.Run(s.ctx); errors.Is(err, context.Canceled) {
		return interrupted{fmt.Sprintf("interrupted; finished rows and the last checkpoint are in %s: the same command goes on there", c.Out)}
	} else if err != nil {
		return err
	}
	s.printf("%s\nreport: %s\n", x.Text(), x.ReportFile())
	return s.writeJSON(x.Table)
}
