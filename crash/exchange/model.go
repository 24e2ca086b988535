package exchange

import (
	"fmt"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/kernels"
	"lamina/transformer"
)

// Model is what one side of an exchange has: a full model, or the emulator of one.
type Model struct {
	eval.Model
	Emulator *emulate.Emulator // of a directory that [emulate.Export] wrote, else nil
	Manifest emulate.Manifest  // of such a directory

	plugged *Adapter // whose weights the model has, or nil
}

// OpenModel makes the decoder of a checkpoint, which stays open as long as the
// model is used. An exported emulator's repeated places are one object again.
func OpenModel(c *transformer.Checkpoint, be kernels.Backend) (*Model, error) {
	m := &Model{Model: eval.Model{Checkpoint: c, Backend: be}}
	var err error
	if c.GGUF == nil && emulate.IsEmulator(c.Path) {
		if m.Emulator, m.Manifest, err = emulate.Open(c, be); err != nil {
			return nil, err
		}
		m.Decoder = m.Emulator.Decoder
		return m, nil
	}
	if err := emulate.WantPlain(c); err != nil {
		return nil, err
	}
	m.Decoder, err = c.Decoder(be)
	return m, err
}

// Full returns an error if the model is an emulator where what is asked for needs
// the full model.
func (m *Model) Full(what string) error {
	if m.Emulator != nil {
		return fmt.Errorf("%s: is an emulator of a model of %d layers; %s needs the full model", m.Path, m.Manifest.Layers, what)
	}
	return nil
}

// WantOf returns an error if an emulator is of another model than full: its trained weights
// are full's own. Where their owner trained them before he sent it, nothing is seen.
func (m *Model) WantOf(full *Model) error {
	if m.Manifest.Repaired != nil {
		return nil
	}
	e, err := emulate.New(full.Decoder, m.Manifest.Plan.Starred())
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	if got := transformer.Fingerprint(e.Params()); got != m.Manifest.Base {
		return fmt.Errorf("%s: is an emulator of another model: its starred blocks have fingerprint %.19q…, and those of %s have %.19q…", m.Path, m.Manifest.Base, full.Path, got)
	}
	return nil
}

// Part returns what is trained of the model: the starred blocks of the emulator that it
// is, or of the one of a plan, which [plan.ReadShared] reads; without either all of it.
func (m *Model) Part(text, share string) (*emulate.Emulator, error) {
	switch {
	case m.Emulator != nil && text != "":
		return nil, fmt.Errorf("%s: is an emulator and brings its plan: leave out --plan", m.Path)
	case m.Emulator != nil:
		return m.Emulator, nil
	case text == "":
		return emulate.Whole(m.Decoder), nil
	}
	p, err := plan.ReadShared(text, share, m.Config.Layers)
	if err != nil {
		return nil, err
	}
	return emulate.New(m.Decoder, p)
}

// Plug puts the weights of an adapter's directory into the model: the starred
// blocks of a full model or of the emulator they were trained in. They are there until
// Unplug. A full model's adapter is held against the receipt, as [Adapter.HoldAgainst]
// does. Warn is told of one without a MANIFEST.json, and of a block that went further than
// [MostChange].
func (m *Model) Plug(path, receipt string) error {
	a, err := Open(path)
	if err != nil {
		return err
	}
	warn := m.Warn
	if warn == nil {
		warn = func(string) {}
	}
	for _, line := range a.Doubts() {
		warn(line)
	}
	m.Unplug()
	m.plugged = a
	if err := m.apply(a, receipt); err != nil {
		return err
	}
	if far := a.CheckChanges(a.Changes(m.Config)); far != nil {
		warn(far.Error() + ": plug would refuse it")
	}
	return nil
}

func (m *Model) apply(a *Adapter, receipt string) error {
	if m.Emulator == nil {
		if _, err := a.HoldAgainst(receipt, m.Path, m.Decoder); err != nil {
			return err
		}
		d, _, err := a.Plugged(m.Decoder)
		if err == nil {
			m.Decoder = d
		}
		return err
	}
	if receipt != "" {
		return m.Full("a receipt")
	}
	return a.ApplyTo(m.Backend, m.sentPart(a.Manifest))
}

// sentPart is what an adapter is for of the emulator that the model is.
func (m *Model) sentPart(of Manifest) *emulate.Emulator {
	if of.Whole {
		return &emulate.Emulator{Decoder: m.Decoder}
	}
	return m.Emulator
}

// Fits returns an error if Plug would refuse an adapter: as none of the receipt's, or as
// made for other weights or tensors. Nothing changes; it is for who has long to compute
// before he plugs it in.
func (m *Model) Fits(path, receipt string) error {
	a, err := Open(path)
	if err != nil {
		return err
	}
	defer a.Close()
	var part *emulate.Emulator
	switch {
	case m.Emulator != nil && receipt != "":
		return m.Full("a receipt")
	case m.Emulator != nil:
		part = m.sentPart(a.Manifest)
	default:
		if _, err := a.HoldAgainst(receipt, m.Path, m.Decoder); err != nil {
			return err
		}
		if _, part, err = m.Again(a.Manifest); err != nil {
			return fmt.Errorf("%s: %w", a.Path, err)
		}
	}
	params := slices.Values(slices.Collect(part.Params())) // of the model alone
	if err := a.wantBase(params); err != nil {
		return err
	}
	return a.fitting(params)
}

// Again returns what an adapter's like is trained in: a decoder, and the part of it that
// trains, with its weights before training. It is for before Plug.
func (m *Model) Again(of Manifest) (*transformer.Decoder, *emulate.Emulator, error) {
	switch {
	case m.Emulator != nil && of.Whole:
		return m.Decoder, &emulate.Emulator{Decoder: m.Decoder}, nil
	case m.Emulator != nil:
		return m.Decoder, m.Emulator, nil
	case of.Whole:
		e := emulate.Whole(m.Decoder)
		return e.Decoder, e, nil
	}
	err := of.Plan.Validate(len(m.Decoder.Blocks))
	if err != nil {
		return nil, nil, err
	}
	e, err := emulate.New(m.Decoder, of.Plan.Starred())
	if err != nil {
		return nil, nil, err
	}
	return e.Plug(m.Decoder), e, nil
}

// Unplug gives back the memory of the plugged weights, and the model is no longer to be
// used: it is called when all is done.
func (m *Model) Unplug() {
	if m.plugged != nil {
		m.plugged.Close()
		m.plugged = nil
	}
}
