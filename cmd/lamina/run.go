package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/hub"
	"lamina/transformer"
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
	Rows       []string  `default:"${rows_default}" placeholder:"R,…" help:"Rows of the table: ${rows}; NAME=PLAN or NAME=@FILE is one with a layer plan of your own."`
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
	seeds := c.Seeds
	if len(seeds) == 0 {
		seeds = []uint64{s.Seed}
	}
	x, err := c.experiment(s, m, seeds)
	if err != nil {
		return err
	}
	err = c.table(s, x)
	finish()
	return err
}

// table runs what is left of an experiment and prints it.
func (c *runCommand) table(s *session, x *study.Experiment) error {
	show := &watcher{s: s}
	defer show.close()
	x.Watch, x.Done = show.watch, show.done
	if err := x.Run(s.ctx); errors.Is(err, context.Canceled) {
		return interrupted{fmt.Sprintf("interrupted; finished rows and the last checkpoint are in %s: the same command goes on there", c.Out)}
	} else if err != nil {
		return err
	}
	s.printf("%s\nreport: %s\n", x.Text(), x.ReportFile())
	return s.writeJSON(x.Table)
}

// runConfig is config.json of the whole run; a resumed one has the same.
type runConfig struct {
	Model       string         `json:"model"`
	Params      int            `json:"params"`
	Fingerprint string         `json:"fingerprint"`
	Task        string         `json:"task"`
	Train       eval.Identity  `json:"train"`
	Test        eval.Identity  `json:"test"`
	Valid       *eval.Identity `json:"valid,omitempty"`
	Support     *eval.Identity `json:"support,omitempty"`
	Limit       int            `json:"limit"`
	TrainLimit  int            `json:"train_limit"`
	MaxLength   int            `json:"max_length"`
	Format      string         `json:"format"`
	Rules       string         `json:"rules"`
	Keep        int            `json:"keep"`
	Trainable   int            `json:"trainable"`
	AnchorEnds  bool           `json:"anchor_ends"`
	Pool        string         `json:"pool"`
	LRs         []float64      `json:"lr"`
	Precision   string         `json:"precision"`
	Training    train.Settings `json:"training"`
}

// experiment prepares every seed before anything is written or computed.
func (c *runCommand) experiment(s *session, m *model, seeds []uint64) (*study.Experiment, error) {
	config, err := c.config(m, s.Precision)
	if err != nil {
		return nil, err
	}
	rows, err := study.Select(s.recipes, c.Rows, plan.Read)
	if err != nil {
		return nil, usageError{err}
	}
	x := &study.Experiment{Dir: c.Out, Table: study.Table{
		Model: config.Model, Task: config.Task,
		Versions: map[string]string{"go": runtime.Version(), "device": m.Backend.Name(), "rules": c.Rules, "platform": runtime.GOOS + "/" + runtime.GOARCH},
	}}
	for _, seed := range seeds {
		p, err := c.prepare(m, rows, seed)
		if err != nil {
			return nil, err
		}
		x.Seeds = append(x.Seeds, p)
	}
	return x, x.Open(config, c.Overwrite, c.inputs)
}

// config collects what decides the numbers, before anything is computed.
func (c *runCommand) config(m *model, precision string) (runConfig, error) {
	r := runConfig{
		Model: cmp.Or(c.modelName, hub.NameOf(m.Path)), Params: m.Config.Params(), Task: cmp.Or(c.taskName, c.Task), Limit: c.Limit, TrainLimit: c.TrainLimit, MaxLength: c.MaxLength,
		Format: c.Format, Rules: c.Rules, Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds, Pool: c.Pool,
		LRs: c.LRs, Precision: precision,
	}
	for _, lr := range c.LRs {
		settings, err := c.settings(lr, m.Config, 0)
		if err != nil {
			return r, err
		}
		r.Training = settings
	}
	r.Training.LR = 0 // a run has several
	if r.Task == "" {
		r.Task = strings.TrimSuffix(filepath.Base(c.Test), ".jsonl")
	}
	r.Fingerprint = transformer.Fingerprint(m.Decoder.Params())
	if c.Valid != "" {
		r.Valid = new(eval.Identity)
	}
	if c.Support != "" {
		r.Support = new(eval.Identity)
	}
	t, err := namedTask(c.Task)
	if err != nil {
		return r, err
	}
	for _, f := range []struct {
		path, split string
		into        *eval.Identity
	}{{c.Train, "train", &r.Train}, {c.Test, t.Split(), &r.Test}, {c.Valid, "validation", r.Valid}, {c.Support, "validation", r.Support}} {
		if f.into == nil {
			continue
		}
		if *f.into, err = m.data(f.path, "", f.split).Identify(t); err != nil {
			return r, err
		}
	}
	return r, nil
}

// prepare reads and encodes the data of one seed.
func (c *runCommand) prepare(m *model, rows []study.Recipe, seed uint64) (*study.Protocol, error) {
	pool, err := measure.ParsePooling(c.Pool)
	if err != nil {
		return nil, usageError{err}
	}
	settings, err := c.settings(c.LRs[0], m.Config, seed)
	if err != nil {
		return nil, err
	}
	p := &study.Protocol{
		Backend: m.Backend, Full: m.Decoder, Keep: c.Keep, Trainable: c.Trainable, AnchorEnds: c.AnchorEnds,
		Rows: rows, Seed: seed, LRs: c.LRs, Settings: settings, Pooling: pool, Recompute: c.Recompute,
	}
	if err := c.encode(m, p); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// encode fills in the examples. Support, validation and training rows of one
// file are disjoint; what is scored is never read for anything else.
func (c *runCommand) encode(m *model, p *study.Protocol) error {
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	rules, err := task.ParseRules(c.Rules)
	if err != nil {
		return usageError{err}
	}
	format, err := task.ParseFormat(c.Format)
	if err != nil {
		return usageError{err}
	}
	length, err := m.maxLength(c.MaxLength)
	if err != nil {
		return err
	}
	train, _, err := m.Documents(t, m.data(c.Train, "", "train"), 0)
	if err != nil {
		return err
	}
	splits, err := task.Split(len(train), p.Seed, c.Valid == "", c.Support == "")
	if err != nil {
		return fmt.Errorf("%s: %w", c.Train, err)
	}
	part := func(path, split string, of []int) ([]task.Document, error) {
		if path != "" {
			docs, _, err := m.Documents(t, m.data(path, "", split), 0)
			return docs, err
		}
		docs := make([]task.Document, len(of))
		for i, at := range of {
			docs[i] = train[at]
		}
		return docs, nil
	}
	valid, err := part(c.Valid, "validation", splits.Valid)
	if err != nil {
		return err
	}
	support, err := part(c.Support, "validation", splits.Support)
	if err != nil {
		return err
	}
	rest, _ := part("", "", splits.Train)
	if c.TrainLimit > 0 && c.TrainLimit < len(rest) {
		rest = rest[:c.TrainLimit]
	}
	if p.Train, _, err = m.Examples(t, rest, format, length); err != nil {
		return err
	}
	if p.Valid, _, err = m.Examples(t, valid, format, length); err != nil {
		return err
	}
	if p.Support, err = m.Rows(t, support, length); err != nil {
		return err
	}
	if err := checkLimit(c.Limit); err != nil {
		return err
	}
	test, _, err := m.Documents(t, m.data(c.Test, "", t.Split()), c.Limit)
	if err != nil {
		return err
	}
	e, err := m.Encoder(test[0].Shape)
	if err != nil {
		return err
	}
	p.Test, err = task.EncodeAll(t, test, e, task.Setting{Rules: rules}, length)
	return err
}
