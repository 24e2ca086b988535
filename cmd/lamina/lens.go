package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/lens"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/nn"
	"lamina/transformer"
)

// lensCommand reads hidden states as predictions of tokens.
type lensCommand struct {
	Train     lensTrainCommand     `cmd:"" help:"Train a tuned lens by the recipe of the tuned-lens library, and write its files."`
	Show      lensShowCommand      `cmd:"" help:"Show what every layer says at each position of a text, of a model beside emulators of it."`
	Distances lensDistancesCommand `cmd:"" help:"Measure how far the layers are from each other, as a lens reads them; lamina plan --similarity takes the result."`
}

// lensDistancesCommand measures distances between layers.
type lensDistancesCommand struct {
	modelFlag
	lensFlag
	lensTextFlags
	Samples   int      `default:"128" placeholder:"N" help:"Only the first N rows (default 128)."`
	MaxLength int      `placeholder:"N" help:"Tokens of a row. Default: 128, or the model's positions if those are fewer."`
	Kinds     []string `name:"distances" placeholder:"NAME,…" help:"Only these distances: kl, js, hellinger, l2, cosine, all of probabilities. Default: all."`
	Metric    string   `default:"js" enum:"kl,js,hellinger,l2,cosine" placeholder:"NAME" help:"Distance whose likeness is the matrix that lamina plan reads (default js)."`
	Stream    bool     `help:"Keep one block of the model in memory at a time, and the states on disk; the result is the same."`
	Plot      string   `placeholder:"FILE" help:"Draw the matrix: FILE.svg or FILE.png."`
}

// Run prints how far each layer is from the next and from the last.
func (c lensDistancesCommand) Run(s *session) error {
	if c.Samples < 1 {
		return usagef("--samples %d: want 1 or more", c.Samples)
	}
	by, kinds, err := c.kinds()
	if err != nil {
		return err
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	m, t, length, err := openLensModel(s, c.Model, c.Task, c.MaxLength, 128)
	if err != nil {
		return err
	}
	l, err := c.lensFlag.open(s, m)
	if err != nil {
		return err
	}
	workers, err := s.workers()
	if err != nil {
		return err
	}
	texts := study.LensTexts{Data: m.data(c.Data, "", "validation"), Task: t, Limit: c.Samples, MaxLength: length}
	bar := s.progress("lens distances", 0)
	defer bar.Done()
	shown := 0
	r, err := study.MeasureLens(s.ctx, &m.Model.Model, l, texts, by, lens.Options{
		Kinds: kinds, Workers: cmp.Or(workers, runtime.GOMAXPROCS(0)), Stream: c.Stream, Scratch: os.TempDir(),
		Progress: func(done, total int) {
			if total != shown {
				bar.Done()
				bar, shown = s.progress("lens distances", total), total
			}
			bar.Set(done)
		},
	})
	bar.Done()
	if err != nil {
		return err
	}
	r.Model, r.Lens, r.Precision = c.Model, c.Lens, s.Precision
	if s.JSON != "" {
		r.Weights = transformer.Fingerprint(released(m, c.Stream))
	}
	if err := s.plot(c.Plot, "lens", r); err != nil {
		return err
	}
	s.printf("%s", r.Text())
	return s.writeResult("lens", r)
}

// released are the parameters of a model, each of which is not needed in memory any more when
// the next is asked for, if the model is streamed.
func released(m *model, stream bool) nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		for w := range m.Decoder.Params() {
			if !yield(w) {
				return
			}
			if stream {
				m.Release(w.Name)
			}
		}
	}
}

// kinds returns the distance that becomes likeness, and all that are measured.
func (c lensDistancesCommand) kinds() (by lens.Distance, all []lens.Distance, err error) {
	if by, err = lens.DistanceNamed(c.Metric); err != nil {
		return by, nil, usageError{err}
	}
	names := c.Kinds
	if len(names) == 0 {
		return by, nil, nil
	}
	if !slices.Contains(names, c.Metric) {
		return by, nil, usagef("--metric %s is none of --distances %s: name it there, or choose --metric of those", c.Metric, strings.Join(names, ","))
	}
	for _, name := range names {
		d, err := lens.DistanceNamed(name)
		if err != nil {
			return by, nil, usagef("--distances: %v", err)
		}
		all = append(all, d)
	}
	return by, all, nil
}

// lensShowCommand shows a text.
type lensShowCommand struct {
	modelFlag
	lensFlag
	Text      string   `required:"" placeholder:"TEXT" help:"Text that is read."`
	Positions string   `placeholder:"A-B" help:"Positions that are shown, the first token being 0. Default: the last eight."`
	Emulator  []string `sep:"none" placeholder:"DIR" help:"Beside the model an emulator of it, at the layers that its plan names. May be repeated."`
	Plan      []string `sep:"none" placeholder:"PLAN" help:"Likewise the emulator of a plan. May be repeated."`
	Drop      []string `sep:"none" placeholder:"L,…" help:"Likewise the model without these layers. May be repeated."`
	Colour    string   `default:"probability" enum:"probability,entropy,distance" placeholder:"VALUE" help:"What cells are coloured by and show beside the token: probability (default; of that token), entropy (nats), or distance (nats from what the same model says in the end)."`
	Top       int      `default:"5" placeholder:"K" help:"Tokens of a cell in --json (default 5)."`
	Stream    bool     `help:"Keep one block of the model in memory at a time; the result is the same."`
	Plot      string   `placeholder:"FILE" help:"Draw the grid: FILE.svg or FILE.png."`
}

// Run prints the grid.
func (c lensShowCommand) Run(s *session) error {
	if c.Top < 1 || c.Top > 1000 {
		return usagef("--top %d: want 1 to 1000", c.Top)
	}
	if err := wantPicture(c.Plot); err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if err := m.Full("lens show"); err != nil {
		return err
	}
	l, err := c.lensFlag.open(s, m)
	if err != nil {
		return err
	}
	t, err := m.Tokenizer()
	if err != nil {
		return err
	}
	ids, err := t.EncodeChecked(c.Text, true)
	if err != nil {
		return err
	}
	from, to, err := positions(c.Positions, len(ids))
	if err != nil {
		return err
	}
	read, err := c.decoders(s, m)
	if err != nil {
		return err
	}
	o := lens.LookOptions{From: from, To: to, Top: c.Top, Text: func(id int32) string { return t.Decode([]int32{id}, false) }}
	if c.Stream {
		o.Release = func(b transformer.Block) {
			for w := range nn.ParamsOf(b) {
				m.Release(w.Name)
			}
		}
	}
	bar := s.progress("lens", 0)
	defer bar.Done()
	o.Progress = func(done, _ int) { bar.Set(done) }
	grid, err := lens.Look(s.ctx, m.Backend, l, ids, o, read...)
	bar.Done()
	if err != nil {
		return err
	}
	r := study.LensShown{Model: c.Model, Lens: c.Lens, Colour: c.Colour, Precision: s.Precision, Grid: grid}
	if err := s.plot(c.Plot, "lens", r); err != nil {
		return err
	}
	s.printf("%s", r.Text())
	return s.writeResult("lens", r)
}

// decoders are the model and what is asked for beside it.
func (c lensShowCommand) decoders(s *session, m *model) ([]lens.Read, error) {
	all := []lens.Read{{Name: "full model", Decoder: m.Decoder}}
	for _, dir := range c.Emulator {
		e, err := s.openModel(dir)
		if err != nil {
			return nil, err
		}
		if e.Emulator == nil {
			return nil, usagef("--emulator %s: is no emulator: lamina emulate writes one", dir)
		}
		if err := e.WantOf(m.Model); err != nil {
			return nil, err
		}
		all = append(all, lens.Read{Name: dir, Decoder: e.Decoder, Plan: e.Emulator.Plan})
	}
	add := func(name string, p plan.Plan) error {
		e, err := emulate.New(m.Decoder, p)
		if err == nil {
			s.closers = append(s.closers, e.Close)
			all = append(all, lens.Read{Name: name, Decoder: e.Decoder, Plan: p})
		}
		return err
	}
	for _, text := range c.Plan {
		p, err := plan.ReadShared(text, plan.ShareNone.String(), m.Config.Layers)
		if err != nil {
			return nil, err
		}
		if err := add("emulator", p); err != nil {
			return nil, err
		}
	}
	for _, list := range c.Drop {
		p, err := without(list, m.Config.Layers)
		if err != nil {
			return nil, err
		}
		if err := add("without "+list, p); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// without is the plan of all layers but some.
func without(list string, layers int) (p plan.Plan, err error) {
	drop, err := plan.ParseList(list)
	if err != nil {
		return nil, usagef("--drop: %v", err)
	}
	for _, l := range drop {
		if l >= layers {
			return nil, fmt.Errorf("--drop %s: layer %d: the model has layers 0 to %d", list, l, layers-1)
		}
	}
	for l := range layers {
		if !slices.Contains(drop, l) {
			p = append(p, plan.Slot{Layer: l})
		}
	}
	if len(p) == 0 {
		return nil, usagef("--drop %s: leaves no layer", list)
	}
	return p, nil
}

// positions reads A-B, or A, of a text of n tokens: from A up to B, which is included.
func positions(text string, n int) (from, to int, err error) {
	const usual = 8
	if text == "" {
		return max(0, n-usual), n, nil
	}
	first, last, both := strings.Cut(text, "-")
	from, err = strconv.Atoi(first)
	if to = from; err == nil && both {
		to, err = strconv.Atoi(last)
	}
	switch {
	case err != nil || from < 0 || to < from:
		return 0, 0, usagef("--positions %.64q: want two numbers such as 14-21, the first token being 0", text)
	case to >= n:
		return 0, 0, fmt.Errorf("--positions %s: the text has %d tokens, 0 to %d", text, n, n-1)
	}
	return from, to + 1, nil
}
