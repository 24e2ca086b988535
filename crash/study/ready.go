package study

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/transformer"
)

// Ready is an emulator that its owner made beforehand, in a directory that lamina emulate or
// lamina distill wrote.
type Ready struct {
	Dir  string // "": there is none
	Sent string // SHA-256 of its MANIFEST.json, which has those of its files
}

// ReadReady returns the recipe of an emulator in a directory, whose files are held against
// its MANIFEST.json. Its starred blocks are to be the model's own: one whose owner trained
// them is an error, since only what training adds to them could be plugged in.
func ReadReady(name, dir string) (Recipe, error) {
	m, sent, err := emulate.ReadManifest(dir)
	if err != nil {
		return Recipe{}, err
	}
	r := Recipe{
		Name: name, Help: "an emulator that was made beforehand", Plan: m.Plan, Ready: Ready{dir, sent}, Trains: Starred,
		OwnerTrains: m.Distilled != nil,
	}
	switch {
	case sent == "":
		return r, fmt.Errorf("%s: has no MANIFEST.json, as emulators of earlier versions: write it again with lamina emulate", dir)
	case m.Repaired != nil:
		return r, fmt.Errorf("%s: its starred blocks are not the model's own (%s): a row trains those that are; finetune, plug and eval do the same for this one", dir, m.Repaired.How())
	}
	if m.Distilled != nil {
		r.Help += ": " + m.Distilled.String()
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
	if err != nil {
		return err
	}
	if got := transformer.Fingerprint(own.Params()); got != m.Base {
		return fmt.Errorf("is an emulator of another model: its starred blocks have fingerprint %.19q…, and this model's %.19q…", m.Base, got)
	}
	return nil
}
