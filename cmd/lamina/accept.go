package main

import (
	"fmt"
	"math"

	"lamina/crash/exchange"
	"lamina/crash/parcel"
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
	Force bool `help:"Of an adapter: plug in also what went further than fine-tuning does, or what the gate refuses."`
	outFlags
}

// gateFlags say what an adapter must come up to.
type gateFlags struct {
	Valid     string   `placeholder:"PATH" help:"Of an adapter: documents that its sender has not seen, to score the model on before and after."`
	Task      string   `placeholder:"NAME" help:"Prompt of a task for --valid; none: the file verbatim."`
	Limit     int      `placeholder:"N" help:"Only the first N documents of --valid."`
	LeastGain *float64 `placeholder:"X" help:"Refuse an adapter whose accuracy is not at least X above the model's, as 0.01. Default: it must not be worse beyond chance."`
}

// given reports whether a flag was given that is for an adapter alone.
func (c acceptCommand) given() bool {
	return c.Model+c.Receipt+c.DType+c.Valid+c.Task != "" || c.Limit != 0 || c.LeastGain != nil || c.Force
}

// Run accepts the package, or says why not; nothing is written then.
func (c acceptCommand) Run(s *session) error {
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if c.Valid == "" && (c.Task != "" || c.Limit != 0 || c.LeastGain != nil) {
		return usagef("--task, --limit and --least-gain are of --valid: give it")
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
	done, err := p.PlugIn(s.ctx, m.Model, c.Out, parcel.PlugInOptions{
		Receipt: c.Receipt, DType: dtype, Overwrite: c.Overwrite, Again: c.Again, Force: c.Force, Gate: gate})
	s.told(done)
	if err != nil {
		return err
	}
	s.printf("wrote %s: %s with %d trained tensors, held against the receipt %s\n", c.Out, c.Model, len(done.Tensors), done.Receipt)
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
