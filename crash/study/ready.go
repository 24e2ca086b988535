package study

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/transformer"
)

// Ready is an emulator that its owner made beforehand, in a directory that lamina emulate or
// lamina distill wrote.
type Ready struct {
	Dir  string // "": there is none
	Sent string // SHA-256 of its MANIFEST.json, which has those of its files

	// Repaired says that its owner trained the starred blocks too: they are not the model's,
	// and what training adds to them is plugged in, as [exchange.DeltaForm] does.
	Repaired bool
}

// ReadReady returns the recipe of an emulator in a directory, whose files are held against
// its MANIFEST.json. One that is missing is an error when the row is run, and not here: a table
// of its results can be made where the weights are not.
func ReadReady(name, dir string) (Recipe, error) {
	if !emulate.IsEmulator(dir) {
		return Recipe{}, fmt.Errorf("%s: is no emulator: give the directory that lamina emulate or lamina distill wrote, or a file with a plan", dir)
	}
	m, sent, err := emulate.Describe(dir)
	if err != nil {
		return Recipe{}, err
	}
	r := Recipe{
		Name: name, Help: "an emulator that was made beforehand", Plan: m.Plan, Ready: Ready{dir, sent, m.Repaired != nil}, Trains: Starred,
		OwnerTrains: m.Distilled != nil || m.Repaired != nil,
	}
	if sent == "" {
		return r, fmt.Errorf("%s: has no MANIFEST.json, as emulators of earlier versions: write it again with lamina emulate", dir)
	}
	if m.Distilled != nil {
		r.Help += "; " + m.Distilled.String()
	}
	if m.Repaired != nil {
		r.Help += fmt.Sprintf("; its starred blocks were trained by their owner (%s), and what training adds to them is plugged in", m.Repaired.How())
	}
	return r, nil
}

// openReady opens the emulator of a recipe and holds it against the full model.
func (p *Protocol) openReady(r Recipe) (*emulate.Emulator, error) {
	dir := r.Ready.Dir
	e, m, err := emulate.OpenDir(dir, p.Backend)
	if err != nil {
		return nil, err
	}
	if err := p.fits(e, m, r); err != nil {
		e.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return e, nil
}

// fits returns an error unless an emulator is that of the recipe and of the full model.
func (p *Protocol) fits(e *emulate.Emulator, m emulate.Manifest, r Recipe) error {
	if e.Origin.Emulator != r.Ready.Sent {
		return fmt.Errorf("has changed since the rows were read: begin anew")
	}
	if m.Layers != len(p.Full.Blocks) {
		return fmt.Errorf("is an emulator of a model of %d layers, and this one has %d", m.Layers, len(p.Full.Blocks))
	}
	own, err := emulate.New(p.Full, m.Plan.Starred())
	if err != nil || m.Repaired != nil { // whose blocks tell nothing of the model
		return err
	}
	if got := transformer.Fingerprint(own.Params()); got != m.Base {
		return fmt.Errorf("is an emulator of another model: its starred blocks have fingerprint %.19q…, and this model's %.19q…", m.Base, got)
	}
	return nil
}

// attempt returns what a row trains at one rate, of its emulator.
func (v variant) attempt(built *emulate.Emulator, full *transformer.Decoder) *emulate.Emulator {
	if v.Ready.Repaired {
		return built.Again()
	}
	return built.Untrained(full)
}

// plugged returns the full model with what came of the training; release gives back what it
// takes beside the trained weights.
func (c candidate) plugged(full *transformer.Decoder) (d *transformer.Decoder, release func(), err error) {
	if !c.repaired {
		return c.Plug(full), func() {}, nil
	}
	d, params, err := exchange.Added(full, c.Plan, exchange.Returned{After: c.Params(), Before: c.start})
	return d, func() {
		for w := range params {
			w.Value.Free()
		}
	}, err
}
