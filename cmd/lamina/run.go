package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/hub"
	"lamina/internal/files"
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
	Rows       []string  `default:"zs,full,ceiling,uniform,crash,share-all,share-frozen" placeholder:"R,…" help:"Rows of the table: zs, full, ceiling, uniform, uniform-learnable, random, crash, share-all, share-frozen."`
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
	err = c.protocol(s, m, seeds)
	finish()
	return err
}

// experiment is a table in the making: what the report shows.
type experiment struct {
	Table      study.Table
	Settings   runConfig
	Similarity *measure.Similarity
	Layers     int
	Clusters   [][]int
	Curves     []curve
}

// curve is the training of a row.
type curve struct {
	row     string
	metrics []train.Metrics
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

// protocol runs every seed and writes table, pictures and report.
func (c *runCommand) protocol(s *session, m *model, seeds []uint64) error {
	config, err := c.config(m, s.Precision)
	if err != nil {
		return err
	}
	protocols := make([]*study.Protocol, len(seeds))
	for i, seed := range seeds {
		if protocols[i], err = c.prepare(m, seed); err != nil {
			return err
		}
	}
	if err := c.prepareOut(config); err != nil {
		return err
	}
	x := &experiment{Settings: config, Layers: m.Config.Layers, Table: study.Table{
		Model: config.Model, Task: config.Task,
		Versions: map[string]string{"go": runtime.Version(), "device": m.Backend.Name(), "rules": c.Rules, "platform": runtime.GOOS + "/" + runtime.GOARCH},
	}}
	for i, p := range protocols {
		if err := c.measure(s, p, x, i == 0); err != nil {
			if errors.Is(err, context.Canceled) {
				return interrupted{fmt.Sprintf("interrupted; finished rows and the last checkpoint are in %s: the same command goes on there", c.Out)}
			}
			return err
		}
	}
	if err := x.write(c.Out); err != nil {
		return err
	}
	s.table(x.table())
	if len(x.planned()) > 0 {
		s.table(x.plans())
	}
	s.printf("\nreport: %s\n", filepath.Join(c.Out, "report.html"))
	return s.writeJSON(x.Table)
}

// measure runs the rows of one seed. The report shows pictures of the first one.
func (c *runCommand) measure(s *session, p *study.Protocol, x *experiment, first bool) error {
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return err
	}
	if !first { // no seed reaches the untrained model
		p.Rows = slices.DeleteFunc(slices.Clone(p.Rows), func(r string) bool { return r == "zs" })
	}
	x.Table.Splits = study.Splits{Train: len(p.Train), Valid: len(p.Valid), Support: len(p.Support), Test: len(p.Test.Items)}
	show := newWatcher(s, p)
	defer show.close()
	err := p.Run(s.ctx, func(r study.Row) error {
		show.done(r)
		x.Table.Rows = append(x.Table.Rows, r)
		if first && r.LR > 0 {
			metrics, err := train.ReadMetrics(filepath.Join(p.RowDir(r.Row), fmt.Sprintf("lr%g", r.LR)))
			if err != nil {
				return err
			}
			x.Curves = append(x.Curves, curve{r.Row, metrics})
		}
		return writeTables(c.Out, x)
	})
	if err != nil || !first || !slices.ContainsFunc(p.Rows, needsSimilarity) {
		return err
	}
	sim, err := p.Similarity(s.ctx)
	if err != nil {
		return err
	}
	x.Similarity = &sim
	x.Clusters, err = plan.Clusters(plan.Adjacent(sim.Matrix), c.Keep)
	return err
}

func needsSimilarity(row string) bool {
	return row == "crash" || row == "ceiling" || strings.HasPrefix(row, "share-")
}

// config collects what decides the numbers, before anything is computed.
func (c *runCommand) config(m *model, precision string) (runConfig, error) {
	r := runConfig{
		Model: or(c.modelName, hub.NameOf(m.Path)), Params: m.Config.Params(), Task: or(c.taskName, c.Task), Limit: c.Limit, TrainLimit: c.TrainLimit, MaxLength: c.MaxLength,
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

// indented returns v as JSON for a file that people read too.
func indented(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", "  ")
	return append(text, '\n'), err
}

// prepareOut makes or resumes the directory of a run.
func (c *runCommand) prepareOut(config runConfig) error {
	dir := c.Out
	path := filepath.Join(dir, "config.json")
	want, err := indented(config)
	if err != nil {
		return err
	}
	if err := files.CheckSettings(dir, want, c.Overwrite, c.inputs); err != nil {
		return err
	}
	if c.Overwrite {
		old, err := filepath.Glob(filepath.Join(dir, "seed-*"))
		if err != nil {
			return err
		}
		for _, name := range []string{"plots", "table.json", "table.csv", "table.md", "report.html"} {
			old = append(old, filepath.Join(dir, name))
		}
		for _, path := range old {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return files.WriteBytes(path, want)
}

// prepare reads and encodes the data of one seed.
func (c *runCommand) prepare(m *model, seed uint64) (*study.Protocol, error) {
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
		Rows: c.Rows, Seed: seed, LRs: c.LRs, Settings: settings, Pooling: pool, Recompute: c.Recompute,
		Dir: filepath.Join(c.Out, fmt.Sprintf("seed-%d", seed)),
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
