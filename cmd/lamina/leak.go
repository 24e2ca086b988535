package main

import (
	"fmt"

	"lamina/crash/corpus"
	"lamina/crash/exchange"
	"lamina/crash/leak"
	"lamina/crash/study"
	"lamina/crash/train"
	"lamina/eval"
	"lamina/eval/task"
	"lamina/internal/interrupt"
	"lamina/internal/progress"
	"lamina/internal/units"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// leakCommand measures what a directory that leaves a house gives away.
type leakCommand struct {
	Model    string `placeholder:"PATH" help:"With --emulator: the full model that it is of. With --adapter: the model, or the emulator, that it is plugged into."`
	Emulator string `placeholder:"DIR" help:"Measure what this emulator gives away of --model: exact weights, skill on --data, and skill after a training on --public."`
	Adapter  string `placeholder:"RUN" help:"Measure what this adapter gives away of the rows that trained it: of --members against --others."`
	Receipt  string `placeholder:"FILE" help:"Receipt that emulate kept, to hold --adapter against; none: for a run of one's own. Default: as plug finds it."`

	Data    string `placeholder:"PATH" help:"Of an emulator: documents with right answers, to score both on."`
	Members string `placeholder:"PATH" help:"Of an adapter: rows that trained it."`
	Others  string `placeholder:"PATH" help:"Of an adapter: rows of the same kind that did not."`
	Public  string `placeholder:"PATH" help:"Rows that anybody has, none of them audited: what the emulator is trained on, or the shadows."`
	Limit   int    `placeholder:"N" help:"Only the first N of --data, of --members and of --others."`

	publicFlags
	Shadows        int    `placeholder:"N" help:"Of an adapter: train N shadows on halves of --public, for LiRA (16 or more are usual). Default: no LiRA."`
	LiRA           string `name:"lira" default:"offline" enum:"offline,online" placeholder:"HOW" help:"offline (default): shadows have not seen the audited rows; online: each has seen half of them, and half of --public."`
	Complete       int    `default:"32" placeholder:"N" help:"Of an adapter: continue the first halves of the first N members and others (default 32; 0: none)."`
	CompleteTokens int    `default:"32" placeholder:"N" help:"By so many tokens at most (default 32)."`
	Out            string `placeholder:"DIR" help:"Keep finished shadows here: the same command goes on after an interrupt, and takes more of them."`
	Overwrite      bool   `help:"Start anew in --out."`

	Task      string `placeholder:"NAME" help:"Prompt of a task; none: the files verbatim."`
	Format    string `default:"scoring" enum:"scoring,paper" placeholder:"HOW" help:"Text of rows that are trained on, as finetune has it: scoring (default) or paper."`
	Overlong  string `default:"error" enum:"error,skip,cut" placeholder:"HOW" help:"A row whose target is longer than the model can take: error (default), skip or cut."`
	MaxLength int    `placeholder:"N" help:"Tokens of a row; contexts are cut from the left. Default: the model's positions."`
	delimiterFlag
	rowsFlags
}

// publicFlags are of a training on rows that anybody has.
type publicFlags struct {
	Steps int      `placeholder:"N" help:"Optimiser steps on --public. Default: 100 of an emulator; of shadows as the adapter's run had it."`
	LR    *float64 `name:"lr" placeholder:"X" help:"Learning rate there. Default: 1e-4 of an emulator; of shadows as the run had it."`
	Batch int      `placeholder:"N" help:"Rows a step there. Default: 16 of an emulator; of shadows as the run had it."`
}

// leakResult is the JSON of leak.
type leakResult struct {
	Model    string          `json:"model"`
	Emulator string          `json:"emulator,omitempty"`
	Adapter  string          `json:"adapter,omitempty"`
	Form     string          `json:"form,omitempty"` // of the adapter
	Data     *eval.Identity  `json:"data,omitempty"`
	Members  *eval.Identity  `json:"members,omitempty"`
	Others   *eval.Identity  `json:"others,omitempty"`
	Public   *eval.Identity  `json:"public,omitempty"`
	Trained  *train.Settings `json:"trained_on_public,omitempty"` // how the emulator, or the shadows were
	Shadows  int             `json:"shadows,omitempty"`
	leak.Table
}

// Run prints the table.
func (c leakCommand) Run(s *session) error {
	if err := c.check(); err != nil {
		return err
	}
	t, err := c.task(c.Task)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if _, err := m.Config.SequenceLength(c.MaxLength); err != nil {
		return err
	}
	rows, err := c.reader(m, t)
	if err != nil {
		return err
	}
	measure := c.brought
	if c.Emulator != "" {
		measure = c.given
	}
	r, err := measure(s, m, rows)
	if err != nil {
		if c.Out != "" && s.ctx.Err() != nil {
			return interrupted{fmt.Sprintf("interrupted; finished shadows are in %s: the same command goes on there", c.Out)}
		}
		return err
	}
	s.printf("%s", r.Text())
	return s.writeJSON(r)
}

// check finds flags that do not go together.
func (c leakCommand) check() error {
	switch {
	case c.Model == "":
		return usagef("--model is missing: the full model of --emulator, or what --adapter is plugged into")
	case c.Limit < 0 || c.Limit == 1 && c.Adapter != "":
		return usagef("--limit %d: want 1 document or more, of rows of an adapter 2 or more", c.Limit)
	case (c.Emulator == "") == (c.Adapter == ""):
		return usagef("want one of --emulator, before it is sent, and --adapter, before it is sent or after it came")
	case c.Emulator != "":
		return c.checkEmulator()
	case c.Data != "":
		return usagef("--data is scored with --emulator; of an adapter --members and --others are read")
	case c.Members == "" || c.Others == "":
		return usagef("--adapter needs --members, rows that trained it, and --others, rows that did not")
	case c.Members == c.Others:
		return usagef("--members and --others are one file: nothing tells them apart")
	case c.Shadows < 0 || c.Complete < 0 || c.CompleteTokens < 1:
		return usagef("--shadows %d, --complete %d, --complete-tokens %d: want 0 or more, and 1 or more tokens", c.Shadows, c.Complete, c.CompleteTokens)
	case c.Shadows == 0 && (c.Public != "" || c.Out != "" || c.publicFlags != publicFlags{} || c.LiRA != string(leak.Offline)):
		return usagef("--public, --lr, --steps, --batch, --lira and --out are of shadows: give --shadows N")
	case c.Shadows == 1 || c.Shadows == 2:
		return usagef("--shadows %d: want 3 or more: 2 to know how far they scatter, and one that is attacked as a control", c.Shadows)
	case c.Shadows > 0 && c.Public == "" && c.LiRA == string(leak.Offline):
		return usagef("--shadows %d: are trained on rows that anybody has: give them with --public", c.Shadows)
	}
	return c.publicFlags.check()
}

// checkEmulator is check of the way out.
func (c leakCommand) checkEmulator() error {
	switch {
	case c.Data == "":
		return usagef("--emulator needs --data, documents with right answers, to score both models on")
	case c.Members+c.Others+c.Receipt+c.Out != "" || c.Shadows != 0 || c.LiRA != string(leak.Offline):
		return usagef("--members, --others, --receipt, --shadows, --lira and --out are of an adapter")
	case c.Public == "" && c.publicFlags != publicFlags{}:
		return usagef("--lr, --steps and --batch are of a training on --public, which is not given")
	}
	return c.publicFlags.check()
}

func (f publicFlags) check() error {
	if f.Steps < 0 || f.Batch < 0 {
		return usagef("--steps %d, --batch %d: want 1 or more", f.Steps, f.Batch)
	}
	return nil
}

// over puts what was given over settings.
func (f publicFlags) over(s train.Settings) (train.Settings, error) {
	if f.Steps > 0 {
		s.Steps, s.Epochs = f.Steps, 0
	}
	if f.Batch > 0 {
		s.Batch = f.Batch
	}
	if f.LR != nil {
		s.LR = *f.LR
	}
	if err := s.Validate(); err != nil {
		return s, usageError{err}
	}
	return s, nil
}

// leakRows reads rows as a training has them.
type leakRows func(path, split string, limit int) (*corpus.Rows, error)

// reader returns what reads rows for a model.
func (c leakCommand) reader(m *model, t task.Task) (leakRows, error) {
	r, err := c.rows()
	if err != nil {
		return nil, err
	}
	o := corpus.Options{Kind: r.Kind, Learn: r.Learn, Pack: r.Pack, Template: r.Template, Task: t, MaxLength: c.MaxLength}
	if o.MaxLength == 0 {
		o.MaxLength = m.Config.MaxPositions
	}
	if o.Format, err = task.ParseFormat(c.Format); err != nil {
		return nil, err
	}
	if o.Overlong, err = task.ParseOverlong(c.Overlong); err != nil {
		return nil, usageError{err}
	}
	return func(path, split string, limit int) (*corpus.Rows, error) {
		rows, err := corpus.Read(&m.Model.Model, m.data(path, "", split), limit, o)
		if err == nil {
			m.session.warn(rows.Warnings)
		}
		return rows, err
	}, nil
}

// bars shows progress by what is done.
func (s *session) bars() func(what string, done, total int) {
	var bar *progress.Bar
	last := ""
	return func(what string, done, total int) {
		if what != last {
			last, bar = what, s.progress(what, total)
		}
		if bar.Set(done); done == total {
			bar.Done()
		}
	}
}

// given measures an emulator.
func (c leakCommand) given(s *session, m *model, rows leakRows) (*leakResult, error) {
	if err := m.Full("leak"); err != nil {
		return nil, err
	}
	small, err := s.openModel(c.Emulator)
	if err != nil {
		return nil, err
	}
	if small.Emulator == nil {
		return nil, fmt.Errorf("%s: is no emulator: want a directory that lamina emulate wrote", c.Emulator)
	}
	if small.Manifest.Layers != m.Config.Layers || small.Config.Vocab != m.Config.Vocab || small.Config.Family != m.Config.Family {
		return nil, fmt.Errorf("%s: is an emulator of a %s of %d layers and %d tokens, and %s has %d and %d: of another model", c.Emulator, small.Config.Family, small.Manifest.Layers, small.Config.Vocab, c.Model, m.Config.Layers, m.Config.Vocab)
	}
	if err := small.WantOf(m.Model); err != nil {
		return nil, err
	}
	t, err := c.task(c.Task)
	if err != nil {
		return nil, err
	}
	from := m.data(c.Data, "", "")
	job, err := m.Prepare(t, from, nil, eval.Options{Limit: c.Limit, MaxLength: c.MaxLength})
	if err != nil {
		return nil, err
	}
	r := &leakResult{Model: c.Model, Emulator: c.Emulator}
	id := from.Identity(job.Files)
	r.Data = &id
	g := leak.Given{Backend: m.Backend, Full: m.Decoder, Emulator: small.Emulator, Requests: job.Requests, Progress: s.bars()}
	if c.Public != "" {
		public, err := rows(c.Public, "train", 0)
		if err != nil {
			return nil, err
		}
		settings, err := c.over(train.Settings{LR: 1e-4, Steps: 100, Batch: 16, Schedule: optim.Linear, Clip: 1, Seed: s.Seed})
		if err != nil {
			return nil, err
		}
		r.Public, r.Trained = &public.Identity, &settings
		g.Restore = &leak.Restoring{Rows: public.Sequences, Trainer: &train.Trainer{Backend: m.Backend, Settings: settings}}
		if public.Identity.SHA256 == id.SHA256 {
			s.warnf("%s: the rows of --data are those of --public: skill after a training on them is no skill", c.Data)
		}
	}
	if g.Restore != nil {
		if err := g.Restore.Prepare(small.Decoder); err != nil {
			return nil, err
		}
		need, err := g.Restore.Trainer.Memory()
		if err := wantRoom(m, need, err); err != nil {
			return nil, err
		}
	}
	r.Table, err = g.Table(s.ctx)
	if err == nil && c.Public == "" {
		r.Notes = append(r.Notes, "how far a training on public rows restores it is not measured: --public")
	}
	return r, err
}

// brought measures an adapter.
func (c leakCommand) brought(s *session, m *model, rows leakRows) (*leakResult, error) {
	a, err := exchange.OpenAdapter(c.Adapter)
	if err != nil {
		return nil, err
	}
	manifest, form := a.Manifest, a.Form.Name
	if err := a.Close(); err != nil {
		return nil, err
	}
	if err := m.Fits(c.Adapter, c.Receipt); err != nil { // before hours of computing
		return nil, err
	}
	by, err := study.ReadTrainedBy(a.Path)
	if err != nil {
		return nil, err
	}
	members, err := rows(c.Members, "train", c.Limit)
	if err != nil {
		return nil, err
	}
	others, err := rows(c.Others, "test", c.Limit)
	if err != nil {
		return nil, err
	}
	if by != nil && by.Data != members.Identity.SHA256 {
		s.warnf("%s: is not the file that %s was trained on: its rows count as members only as far as they are in that one too", c.Members, c.Adapter)
	}
	if by != nil && by.Task != c.Task {
		s.warnf("--task %q: the run had %q: rows are read otherwise than they were trained", c.Task, by.Task)
	}
	r := &leakResult{Model: c.Model, Adapter: c.Adapter, Form: form, Members: &members.Identity, Others: &others.Identity}
	b := leak.Brought{
		Backend: m.Backend, Base: m.Decoder, Progress: s.bars(),
		Audited:  leak.Audited{Members: members.Sequences, Others: others.Sequences},
		Complete: leak.CompleteOptions{Rows: c.Complete, Tokens: c.CompleteTokens},
		Plug: func() (*transformer.Decoder, error) {
			err := m.Plug(c.Adapter, c.Receipt)
			return m.Decoder, err
		},
	}
	if c.Complete == 0 {
		b.Complete.Rows = -1
	}
	if c.Shadows > 0 {
		if err := c.shadow(m, manifest, by, &b, r, rows); err != nil {
			return nil, err
		}
	}
	if c.Out != "" {
		defer interrupt.Saving("finished shadows are kept")()
	}
	r.Table, err = b.Table(s.ctx)
	return r, err
}

// shadow says how shadows are trained: as the run that made the adapter, where it is here.
func (c leakCommand) shadow(m *model, of exchange.Manifest, by *study.TrainedBy, b *leak.Brought, r *leakResult, rows leakRows) error {
	if by == nil {
		if c.LR == nil || c.Steps == 0 {
			return usagef("--shadows %d: %s tells nothing of how it was trained, as its run directory would: give --lr and --steps", c.Shadows, c.Adapter)
		}
		by = &study.TrainedBy{Settings: train.Settings{LR: *c.LR, Steps: c.Steps, Batch: 16, Schedule: optim.Constant, Clip: 1}}
	}
	settings, err := c.over(by.Settings)
	if err != nil {
		return err
	}
	d, part, err := m.Again(of)
	if err != nil {
		return err
	}
	s := &leak.Shadows{
		Backend: m.Backend, Decoder: d, Params: part.Params(), Settings: settings, Audited: b.Audited,
		Count: c.Shadows, How: leak.Variant(c.LiRA), Seed: m.session.Seed, Dir: c.Out, Overwrite: c.Overwrite,
	}
	if by.PEFT != nil {
		s.Beside, s.Drops = by.PEFT, by.PEFT.Dropout > 0
		s.Attach = func() (nn.Params, func(), error) {
			a, err := peft.Attach(nn.Init{Device: m.Backend, Seed: settings.Seed}, d, part.Trained(), *by.PEFT)
			if err != nil {
				return nil, nil, err
			}
			return a.Params(), a.Close, nil
		}
	}
	if c.Public != "" {
		public, err := rows(c.Public, "train", 0)
		if err != nil {
			return err
		}
		s.Public, r.Public = public.Sequences, &public.Identity
	}
	b.Shadows, r.Trained, r.Shadows = s, &settings, c.Shadows
	if err := s.Validate(); err != nil {
		return err
	}
	need, err := s.Memory()
	return wantRoom(m, need, err)
}

// wantRoom refuses a training on public rows that takes more memory than there is.
func wantRoom(m *model, need train.Memory, err error) error {
	if err != nil {
		return err
	}
	total, available := need.Total()+m.Config.ProcessMemory(), m.session.room()
	if available == 0 || total <= available {
		return nil
	}
	return fmt.Errorf("training on --public takes about %s and %s are available: give a smaller --batch or --max-length, or leave it out", units.Bytes(total), units.Bytes(available))
}
