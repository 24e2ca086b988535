package main

import (
	"reflect"
	"strings"

	"lamina/crash/exchange"
	"lamina/crash/undo"
	"lamina/internal/units"
	"lamina/tensor"
)

// plugCommand puts trained blocks back.
type plugCommand struct {
	Model   string `placeholder:"PATH" help:"Model: a Hugging Face directory, a .gguf file, or ORG/NAME on the hub. It is not changed."`
	Adapter string `placeholder:"RUN" help:"Run directory of finetune, or its adapter directory."`
	Receipt string `placeholder:"FILE" help:"Receipt that emulate kept, which says what may come back; none: for a run of one's own. Default: that of the adapter's exchange, as *.receipt.json here, beside the model or beside the adapter."`
	Force   bool   `help:"Plug in blocks that went further than fine-tuning does."`
	correctFlags
	plugStorage
	Out       string `placeholder:"DIR" help:"Directory to write. Beside it, DIR.undo keeps what DIR lacks of the model's bytes."`
	Overwrite bool   `help:"Replace what is there."`
	NoUndo    bool   `name:"no-undo" help:"Keep no DIR.undo."`
	Undo      string `placeholder:"DIR" help:"Instead of all that: give a directory that plug or accept wrote back the files of the model that it was made from, by DIR.undo."`
}

// plugStorage says how what came back is stored.
type plugStorage struct {
	DType   string `name:"dtype" placeholder:"TYPE" help:"Storage type of all tensors: f32, f16 or bf16. Default: as the base has them, f32 where it is quantised."`
	Compact string `placeholder:"TYPE" help:"Leave what is quantised in its blocks, in a directory that lamina alone reads, and store matrices that training changed as f16 or q8_0: in 4 bits a small change would be lost."`
	Keep    bool   `help:"Do not merge LoRA, adapters, BitFit or IA3: write what came back as an adapter to stand beside the model (--adapter of other commands, PeftModel of peft). The model stays as it is."`
}

// check returns the type of --compact.
func (f plugStorage) check() (tensor.DType, error) {
	switch {
	case f.Keep && f.DType != "":
		return tensor.Invalid, usagef("--dtype %s is of a model, and --keep writes an adapter alone: give one of them", f.DType)
	case f.Keep && f.Compact != "":
		return tensor.Invalid, usagef("--compact %s is of a model, and --keep writes an adapter alone: give one of them", f.Compact)
	case f.DType != "" && f.Compact != "":
		return tensor.Invalid, usagef("--dtype %s is of all tensors, and --compact leaves most as they are: give one of them", f.DType)
	case f.Compact == "":
		return tensor.Invalid, nil
	}
	switch d, _ := tensor.ParseDType(strings.ToUpper(f.Compact)); d {
	case tensor.F16, tensor.Q8_0:
		return d, nil
	}
	return tensor.Invalid, usagef("--compact %.32q: want f16 or q8_0", f.Compact)
}

// plugResult is the JSON of plug and convert.
type plugResult struct {
	Out     string             `json:"out"`
	Model   string             `json:"model"`
	DType   string             `json:"dtype,omitempty"`
	Tensors int                `json:"tensors"`
	Adapter *exchange.Manifest `json:"adapter,omitempty"`
	Receipt string             `json:"receipt,omitempty"` // that it was held against
	Changes []exchange.Change  `json:"changes,omitempty"`
	Applied *exchange.Applied  `json:"applied,omitempty"`
}

// Run writes the full model with the adapter's weights in their places.
func (c plugCommand) Run(s *session) error {
	if c.Undo != "" {
		return c.undo(s)
	}
	for _, f := range []struct{ flag, value string }{{"--model=PATH", c.Model}, {"--adapter=RUN", c.Adapter}, {"--out=DIR", c.Out}} {
		if f.value == "" {
			return usagef("missing flag %s (or --undo DIR, by itself)", f.flag)
		}
	}
	c.Out = undo.Named(c.Out)
	dtype, err := parseDType(c.DType)
	if err != nil {
		return err
	}
	if err := c.correctFlags.check(); err != nil {
		return err
	}
	compact, err := c.plugStorage.check()
	if err != nil {
		return err
	}
	kind := "plugged model"
	if c.Keep {
		kind = "adapter"
		if c.NoUndo {
			return usagef("--no-undo is of a model, and --keep writes an adapter alone: give one of them")
		}
	}
	if err := (outFlags{c.Out, c.Overwrite}).check(kind); err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if err := m.Full("plug"); err != nil {
		return err
	}
	a, err := exchange.Open(c.Adapter)
	if err != nil {
		return err
	}
	defer a.Close()
	s.warn(a.Doubts())
	receipt, err := a.HoldAgainst(c.Receipt, m.Path, m.Decoder)
	if err != nil {
		return err
	}
	s.warn(receipt.Warnings(a))
	if err := c.apply(s, m, a); err != nil {
		return err
	}
	opt := exchange.PlugOptions{DType: dtype, Compact: compact, Overwrite: c.Overwrite, Force: c.Force, Undo: !c.NoUndo, Ready: func() { s.warn(receipt.Note(a)) }}
	bar := s.waiting("writing " + c.Out)
	defer bar.Done()
	if c.Keep {
		return c.keep(s, m, a, receipt, opt)
	}
	changes, err := exchange.ExportPlugged(m.Checkpoint, m.Decoder, a, c.Out, opt)
	if err != nil {
		return err
	}
	bar.Done()
	applied := a.Applied()
	s.printf("wrote %s: %s with %d trained tensors%s\n%s%s", c.Out, c.Model, len(a.Manifest.Tensors), receipt.Held(), applied.Text(), exchange.ChangesText(changes))
	if err := s.toldUndo(c.Out, c.NoUndo); err != nil {
		return err
	}
	return s.writeJSON(plugResult{Out: c.Out, Model: c.Model, DType: c.DType, Tensors: len(m.Names()), Adapter: &a.Manifest, Receipt: receipt.Path(), Changes: changes, Applied: &applied})
}

// keep writes the adapter by itself.
func (c plugCommand) keep(s *session, m *model, a *exchange.Adapter, receipt *exchange.Receipt, opt exchange.PlugOptions) error {
	changes, err := exchange.Keep(m.Decoder, a, c.Out, opt)
	if err != nil {
		return err
	}
	s.printf("wrote %s: an adapter with %d tensors, to stand beside %s%s: --adapter %s\n%s", c.Out, len(a.Manifest.Tensors), c.Model, receipt.Held(), c.Out, exchange.ChangesText(changes))
	return s.writeJSON(plugResult{Out: c.Out, Model: c.Model, Tensors: len(m.Names()), Adapter: &a.Manifest, Receipt: receipt.Path(), Changes: changes})
}

// undo takes a plugged model back.
func (c plugCommand) undo(s *session) error {
	alone := plugCommand{Undo: c.Undo}
	alone.Samples = c.Samples // has a default
	if !reflect.DeepEqual(c, alone) {
		return usagef("--undo DIR goes by itself: DIR.undo says all else")
	}
	u, err := exchange.Unplug(c.Undo)
	if err != nil {
		return err
	}
	s.printf("%s", u.Text())
	return s.writeJSON(u)
}

// toldUndo says what is kept beside a plugged model.
func (s *session) toldUndo(out string, none bool) error {
	if none {
		return nil
	}
	kept, err := undo.Size(out)
	if err != nil {
		return err
	}
	s.printf("%s keeps what it lacks of the model's bytes, %s; lamina plug --undo %s takes it back\n", undo.Dir(out), units.Bytes(int(kept)), out)
	return nil
}
