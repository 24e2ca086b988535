package main

import (
	"fmt"
	"math"

	"lamina/crash/exchange"
	"lamina/crash/parcel"
	"lamina/crash/undo"
	"lamina/internal/progress"
	"lamina/internal/report"
)

// acceptCommand takes what came from the other house.
type acceptCommand struct {
	Package string `arg:"" placeholder:"PKG" help:"Package that came: an emulator, which becomes a directory to train; or an adapter, which is plugged into --model."`
	trustFlags
	Again   bool   `help:"Also a package that was accepted before, or that is older than one that was."`
	Model   string `placeholder:"PATH" help:"Of an adapter: the full model, which is not changed."`
	Receipt string `placeholder:"FILE" help:"Of an adapter: the receipt that emulate kept. Default: that of the exchange, as *.receipt.json here or beside the model."`
	DType   string `name:"dtype" placeholder:"TYPE" help:"Of an adapter: storage type of the model that is written: f32, f16 or bf16. Default: as the base has it, f32 where it is quantised."`
	gateFlags
	fixFlags
	Force  bool `help:"Of an adapter: plug in also what went further than fine-tuning does, or what the gate refuses."`
	NoUndo bool `name:"no-undo" help:"Of an adapter: do not keep, as DIR.undo, what the plugged model lacks of the model's bytes, by which lamina plug --undo DIR takes it back."`
	outFlags
}

// gateFlags say what an adapter must come up to.
type gateFlags struct {
	Valid     string   `placeholder:"PATH" help:"Of an adapter: documents that its sender has not seen, to score the model on before and after."`
	Task      string   `placeholder:"NAME" help:"Prompt of a task for --valid, --support and --choose; none: the files verbatim."`
	Limit     int      `placeholder:"N" help:"Only the first N documents of --valid."`
	LeastGain *float64 `placeholder:"X" help:"Refuse an adapter whose accuracy is not at least X above the model's, as 0.01. Default: it must not be worse beyond chance."`
}

// fixFlags are an owner's corrections, as plug has them.
type fixFlags struct {
	DeltaRank int    `name:"delta-rank" placeholder:"K" help:"Of an adapter: first cut what training added to each matrix to the nearest one of rank K."`
	GradFix   bool   `name:"gradfix" help:"Of an adapter: then keep of it what goes the way that most texts of --support pull the full model's weights."`
	Support   string `placeholder:"FILE" help:"Your texts for --gradfix."`
	Samples   int    `default:"128" placeholder:"N" help:"Only the first N of them (default 128)."`
	Alpha     string `placeholder:"X" help:"Of an adapter: last, scale it: by X; in some blocks by their own, as 5:0.5,11:1; by auto, which takes what answers --choose best; or by auto-blocks."`
	Choose    string `placeholder:"FILE" help:"Your documents that --alpha auto goes by; not those of --valid, which score what comes of it."`
}

// corrections are the flags as plug has them.
func (c acceptCommand) corrections() (correctFlags, error) {
	f := correctFlags{DeltaRank: c.DeltaRank, GradFix: c.GradFix, Support: c.Support, Samples: c.Samples, Alpha: c.Alpha, Valid: c.Choose, Task: c.Task}
	auto := f.Alpha == alphaAuto || f.Alpha == alphaBlocks
	switch {
	case auto && c.Choose == "":
		return f, usagef("--alpha %s is chosen on your documents: give them with --choose FILE", c.Alpha)
	case !auto && c.Choose != "":
		return f, usagef("--choose %s is for --alpha auto or auto-blocks, which is not given", c.Choose)
	case c.Choose != "" && c.Choose == c.Valid:
		return f, usagef("--choose and --valid are one file: a score on what chose says nothing")
	case c.Valid == "" && c.Support == "" && c.Choose == "" && c.Task != "":
		return f, usagef("--task %s is of --valid, --support or --choose, none of which is given", c.Task)
	}
	if f.Support == "" && f.Valid == "" {
		f.Task = "" // of the gate alone
	}
	return f, f.check()
}

// given reports whether a flag was given that is for an adapter alone.
func (c acceptCommand) given() bool {
	return c.Model+c.Receipt+c.DType+c.Valid+c.Task+c.Support+c.Alpha+c.Choose != "" || c.GradFix || c.DeltaRank != 0 || c.Limit != 0 || c.LeastGain != nil || c.Force || c.NoUndo
}

// Run accepts the package, or says why not; nothing is written then.
func (c acceptCommand) Run(s *session) error {
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if c.Valid == "" && (c.Limit != 0 || c.LeastGain != nil) {
		return usagef("--limit and --least-gain are of --valid: give it")
	}
	if c.Limit < 0 {
		return usagef("--limit %d: want 1 or more", c.Limit)
	}
	if x := c.LeastGain; x != nil && !(math.Abs(*x) <= 1) {
		return usagef("--least-gain %v: want a difference of two accuracies, from -1 to 1", *x)
	}
	fix, err := c.corrections()
	if err != nil {
		return err
	}
	trusted, err := c.trusting()
	if err != nil {
		return err
	}
	p, err := parcel.Open(c.Package, trusted)
	if err != nil {
		return err
	}
	s.warn(p.Warnings())
	s.printf("%s: %s\n", c.Package, p.Signature)
	switch {
	case p.Manifest.Kind == parcel.EmulatorKind && c.given():
		return usagef("%s carries an emulator: --model, --receipt, --valid and what goes with them are of an adapter", c.Package)
	case p.Manifest.Kind == parcel.EmulatorKind:
		return c.unpack(s, p)
	case c.Model == "":
		return usagef("%s carries an adapter: want --model PATH, the full model", c.Package)
	}
	gate, err := c.gate(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if gate.Valid.Path != "" {
		gate.Valid = m.data(c.Valid, "", "validation")
	} else {
		s.warnf("nothing is scored: --valid FILE says what the adapter is to be good at; checks of form find no backdoor")
	}
	c.Out = undo.Named(c.Out)
	done, err := p.PlugIn(s.ctx, m.Model, c.Out, parcel.PlugInOptions{
		Receipt: c.Receipt, DType: dtype, Overwrite: c.Overwrite, Again: c.Again, Force: c.Force, Undo: !c.NoUndo, Gate: gate,
		Correct: func(a *exchange.Adapter) error { return fix.apply(s, m, a) }})
	s.told(done)
	if err != nil {
		return err
	}
	if done.Kept {
		s.printf("wrote %s: the adapter, held against the receipt %s: it cannot be merged, and stands beside the model: lamina eval --model %s --adapter %[1]s --receipt %[2]s\n", c.Out, done.Receipt, c.Model)
		return s.writeJSON(done)
	}
	s.printf("wrote %s: %s with %d trained tensors, held against the receipt %s\n%s", c.Out, c.Model, len(done.Tensors), done.Receipt, done.Applied.Text())
	if err := s.toldUndo(c.Out, c.NoUndo); err != nil {
		return err
	}
	return s.writeJSON(done)
}

// unpack takes an emulator.
func (c acceptCommand) unpack(s *session, p *parcel.Package) error {
	be, err := s.backend()
	if err != nil {
		return err
	}
	bar := s.waiting("writing " + c.Out)
	done, err := p.Unpack(be, c.Out, parcel.UnpackOptions{Overwrite: c.Overwrite, Again: c.Again})
	bar.Done()
	if err != nil {
		return err
	}
	s.printf("%swrote %s: an emulator with the plan %s; lamina finetune --model %s trains it, and lamina package --adapter RUN sends back what comes of it\nkeep this file: %s; it says which package the emulator came in\n",
		p.Manifest.LicenceText(), c.Out, p.Manifest.Plan, c.Out, done.Ledger)
	return s.writeJSON(done)
}

// gate returns what the adapter must come up to.
func (c acceptCommand) gate(s *session) (parcel.Gate, error) {
	t, err := namedTask(c.Task)
	if err != nil {
		return parcel.Gate{}, err
	}
	g := parcel.Gate{Task: t, Limit: c.Limit, LeastGain: c.LeastGain}
	g.Valid.Path = c.Valid
	bars := map[string]*progress.Bar{}
	g.Progress = func(what string, done, total int) {
		if bars[what] == nil {
			bars[what] = s.progress("scoring "+what, total)
		}
		if bars[what].Set(done); done == total {
			bars[what].Done()
		}
	}
	return g, nil
}

// told prints what was seen of an adapter, also where it was refused after that.
func (s *session) told(done parcel.PluggedIn) {
	if len(done.Tensors) > 0 {
		s.table(changesTable(done.Tensors))
		s.printf("%s", exchange.ChangesText(done.Changes))
	}
	if done.Scores != nil {
		s.printf("%s", done.Scores.Text())
	}
	s.warn(done.Warnings)
}

// changesTable shows how far each tensor went.
func changesTable(all []exchange.TensorChange) report.Table {
	t := report.Table{Columns: []report.Column{{Name: "tensor"}, {Name: "‖Δ‖", Right: true}, {Name: "‖T₀‖", Right: true}, {Name: "‖Δ‖/‖T₀‖", Right: true}}}
	for _, c := range all {
		relative := "-"
		if c.Start > 0 && !math.IsInf(c.Delta/c.Start, 0) {
			relative = fmt.Sprintf("%.3g", c.Delta/c.Start)
		}
		t.Rows = append(t.Rows, []string{c.Name, fmt.Sprintf("%.4g", c.Delta), fmt.Sprintf("%.4g", c.Start), relative})
	}
	return t
}
