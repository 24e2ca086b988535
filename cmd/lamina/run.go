package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/eval/task"
	"lamina/hub"
	"lamina/internal/interrupt"
)

// runCommand is the protocol's table for one model and task.
type runCommand struct {
	modelFlag
	Train       string    `required:"" placeholder:"PATH" help:"Documents to train on: a file (JSON lines, JSON, CSV, Parquet), a directory of a data set, or its name on the hub."`
	Test        string    `required:"" placeholder:"PATH" help:"Documents to score, likewise."`
	Valid       string    `placeholder:"FILE" help:"Documents that choose learning rate and checkpoint; without it a seeded tenth of --train."`
	Support     string    `placeholder:"FILE" help:"Documents the plan is made from; without it a seeded tenth of --train, at most 512."`
	SupportTask *string   `placeholder:"NAME" help:"How the documents of --support are read, which may be of another task or shape: a task's name, or none for the file verbatim. Default: as --task says."`
	Similarity  string    `placeholder:"F.json" help:"What lamina similarity wrote of this model: used instead of measuring it on the support documents."`
	Plan        string    `placeholder:"PLAN" help:"Layers that stay and train (text, or @FILE), as lamina plan prints them without --share: used by ceiling, crash, share-all and share-frozen instead of what the similarity says; uniform and random go by --keep and --trainable."`
	Task        string    `placeholder:"NAME" help:"Apply this task's prompt (arc_easy, openbookqa, piqa, boolq, copa, webqs, …)."`
	Rules       string    `default:"0.4" enum:"0.4,0.3" placeholder:"RULES" help:"Scoring rules of lm-evaluation-harness: 0.4 or 0.3."`
	Keep        int       `required:"" placeholder:"K" help:"Blocks the emulator keeps, trainable ones included."`
	Trainable   int       `required:"" placeholder:"T" help:"Blocks that are trained."`
	AnchorEnds  bool      `help:"Always keep the first and the last block."`
	Rows        []string  `default:"${rows_default}" placeholder:"R,…" help:"Rows of the table. ${rows_help}. ${rows_compose}."`
	Seeds       []uint64  `placeholder:"N,…" help:"Seeds, each a run of every row; default: --seed."`
	Limit       int       `placeholder:"N" help:"Score the first N documents only."`
	TrainAt     string    `placeholder:"WHERE" help:"Which layers train in every row whose method chooses: ${train_at_help}; or a list such as 0,5,11. Default: where each method says."`
	Samples     int       `default:"128" placeholder:"N" help:"Only the first N support documents for methods that run the model again and again, which take 128 at the most (default 128)."`
	PlugAt      []float64 `placeholder:"E,…" help:"Epochs, such as 0.125,0.5,1, after which the losses of emulator and plug-in on the validation rows are measured besides; they choose nothing."`
	PlugInOnly  bool      `help:"Do not score emulators by themselves, before training or after: half of the scoring; no skill in accuracy then."`
	Pool        string    `default:"mean_weighted" placeholder:"NAME" help:"Pooling of hidden states over tokens."`
	Tokens      string    `default:"plain" placeholder:"HOW" help:"What is done to each token's state before, as in lamina similarity."`
	LRs         []float64 `name:"lr" required:"" placeholder:"X,…" help:"Learning rates; of several, each row keeps the one of the lowest validation loss; one that diverges is named and left out."`
	delimiterFlag
	stepFlags   `group:"Steps:"`
	prefixFlags `group:"Memory:"`
	roomFlags   `group:"Memory:"`
	tokenFlags  `group:"Options of a training:"`
	outRunFlags
	eventFlags
	profileFlag

	// What demo adds: names for the table, and a folder in Out that is there
	// before the run.
	modelName, taskName, inputs string
}

// Run is the command.
func (c *runCommand) Run(s *session) error {
	if _, err := c.eventFlags.file(s.JSON); err != nil {
		return err
	}
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
		Dir: c.Out, Model: &m.Model.Model, Seeds: c.Seeds, Precision: s.Precision, Command: s.command,
		Table: study.Table{Model: cmp.Or(c.modelName, hub.NameOf(m.Path)), Task: cmp.Or(c.taskName, c.Task, strings.TrimSuffix(filepath.Base(c.Test), ".jsonl"))},
	}
	if len(x.Seeds) == 0 {
		x.Seeds = []uint64{s.Seed}
	}
	for i, seed := range x.Seeds {
		if slices.Contains(x.Seeds[:i], seed) {
			return nil, usagef("--seeds: %d comes twice: rows that are the same would count as two", seed)
		}
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
	t, err := c.task(c.Task)
	if err != nil {
		return d, err
	}
	if d, err = c.stepFlags.data(m, t); err != nil {
		return d, err
	}
	if d.Rules, err = task.ParseRules(c.Rules); err != nil {
		return d, usageError{err}
	}
	if d.Limit = c.Limit; c.Limit < 0 {
		return d, usagef("--limit %d: want 1 or more", c.Limit)
	}
	d.Train, d.Test = m.data(c.Train, "", "train"), m.data(c.Test, "", d.Task.Split())
	d.Valid, d.Support = m.data(c.Valid, "", "validation"), m.data(c.Support, "", "validation")
	if c.SupportTask == nil {
		return d, nil
	}
	if c.Support == "" {
		return d, usagef("--support-task %s says how --support is read, which is not given", *c.SupportTask)
	}
	name := *c.SupportTask
	if name == "none" {
		name = ""
	}
	support, err := namedTask(name)
	d.SupportTask = &support
	return d, err
}

// protocol is what holds for every seed.
func (c *runCommand) protocol(s *session, m *model) (p study.Protocol, err error) {
	p = study.Protocol{PlugAt: c.PlugAt, PlugInOnly: c.PlugInOnly, Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds, LRs: c.LRs, Recompute: c.Recompute, SaveEvery: c.SaveEvery,
		Available: s.room(), Overcommit: c.Overcommit}
	if p.CachePrefix, err = c.prefixFlags.parse(); err != nil {
		return p, err
	}
	if p.Rows, err = study.Select(s.recipes, c.Rows, plan.Read); err != nil {
		return p, usageError{err}
	}
	if p.Samples, err = samples(c.Samples); err != nil {
		return p, err
	}
	if p.Vectors, err = measure.ParseVectors(c.Pool, c.Tokens); err != nil {
		return p, usageError{err}
	}
	if p.TrainAt, err = plan.ParseTrainAt(c.TrainAt); err != nil {
		return p, usagef("--train-at: %v", err)
	}
	if err := c.chosen(s, &p); err != nil {
		return p, err
	}
	for _, lr := range c.LRs {
		if p.Settings, err = c.settings(lr, m.Config, 0); err != nil {
			return p, err
		}
		if err := c.tokenFlags.set(&p.Settings); err != nil {
			return p, err
		}
	}
	return p, nil
}

// samples returns how many texts searches run over where they are not as many as may be.
func samples(n int) (int, error) {
	switch {
	case n < 1:
		return 0, usagef("--samples %d: want 1 or more", n)
	case n >= exchange.SupportDocuments:
		return 0, nil
	}
	return n, nil
}

// chosen reads what is brought instead of measuring and choosing.
func (c *runCommand) chosen(s *session, p *study.Protocol) (err error) {
	if c.Similarity != "" {
		sim, err := measure.Read(c.Similarity)
		if err != nil {
			return err
		}
		if sim.Model == "" {
			s.warnf("%s: does not say which model it was measured on", c.Similarity)
		}
		p.Measured, p.Vectors = &sim, measure.Vectors{Pooling: sim.Pooling, Tokens: sim.Tokens}
	}
	if c.Plan != "" {
		p.Plan, err = plan.Read(c.Plan)
	}
	return err
}

// table runs what is left of an experiment and prints it.
func (c *runCommand) table(s *session, x *study.Experiment) error {
	show := s.watcher()
	defer show.Close()
	x.Watch, x.Done = show.Watch, show.Row
	if err := x.Open(c.Overwrite, c.inputs); err != nil {
		return err
	}
	defer x.Release()
	stream, err := c.stream(s, c.Out, c.Overwrite)
	if err != nil {
		return err
	}
	defer stream.Close()
	x.Listen(stream)
	s.warn(x.Warnings())
	defer interrupt.Saving("the step under way is finished and saved")()
	if err := x.Run(s.ctx); errors.Is(err, context.Canceled) {
		return interrupted{fmt.Sprintf("interrupted; finished rows and the last checkpoint are in %s: the same command goes on there", c.Out)}
	} else if err != nil {
		return err
	}
	s.printf("%s\nreport: %s\n", x.Text(), x.ReportFile())
	return s.writeJSON(x.Table)
}
