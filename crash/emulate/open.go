package emulate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// IsEmulator reports whether a directory holds an exported emulator.
func IsEmulator(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, manifestFile))
	return err == nil
}

// WantPlain returns an error if a checkpoint without lamina.json says that it is an
// emulator: as a plain model it would be trained whole, frozen blocks and copies too.
func WantPlain(c *transformer.Checkpoint) error {
	said, _ := c.Config.Raw[configKey].(map[string]any)
	if said["kind"] != kind || IsEmulator(c.Dir) {
		return nil
	}
	return fmt.Errorf("%s: missing; config.json says that this is an emulator: take a fresh copy of the directory", filepath.Join(c.Dir, manifestFile))
}

// Blame returns why a directory that transformer.Open refused with err is not to be
// opened: the file that is not as its MANIFEST.json has it, if there is one, else err. So
// a changed configuration is called changed, not a model that does not fit.
func Blame(dir string, err error) error {
	if changed := Verify(dir); changed != nil {
		return changed
	}
	return err
}

// Verify holds the files of an emulator against its MANIFEST.json; a directory that is no
// emulator passes, and one without that file if it is of an earlier version.
func Verify(dir string) error {
	if !IsEmulator(dir) {
		return nil
	}
	_, _, err := ReadManifest(dir)
	return err
}

// VerifyPart is Verify for a directory of the hub's cache, of which only the files that
// choose wants were fetched.
func VerifyPart(dir string, choose func(names []string) ([]string, error)) error {
	if !IsEmulator(dir) || !files.HasManifest(dir) {
		return Verify(dir)
	}
	return files.VerifyPart(dir, choose)
}

// Check is Verify and WantPlain for who takes the weights of a checkpoint as they are,
// without Open.
func Check(c *transformer.Checkpoint) error {
	if err := WantPlain(c); err != nil || c.GGUF != nil {
		return err
	}
	return Verify(c.Dir)
}

// ReadManifest returns the lamina.json of a directory whose files are all as they were
// written, and the SHA-256 of its MANIFEST.json, "" of an earlier version without one.
func ReadManifest(dir string) (m Manifest, sent string, err error) {
	return readManifest(dir, files.ReadSent)
}

// Describe is [ReadManifest] of a directory that may lack other files, such as the weights:
// it says what emulator that is, and [Open] wants them all.
func Describe(dir string) (m Manifest, sent string, err error) {
	return readManifest(dir, files.ReadSentAlone)
}

func readManifest(dir string, read func(dir, name string, v any) (string, error)) (m Manifest, sent string, err error) {
	sent, err = read(dir, manifestFile, &m)
	if err == nil {
		err = files.CheckFormat(dir, manifestFile, kind, format, m.Kind, m.Format, sent)
	}
	if err == nil && m.Exchange != "" && !IsExchange(m.Exchange) {
		err = fmt.Errorf("%s: exchange %.40q, want 32 hexadecimal digits", filepath.Join(dir, manifestFile), m.Exchange)
	}
	return m, sent, err
}

// Open loads an exported emulator from its opened checkpoint: places that
// repeat an unstarred layer become one object again, and parameters get back the
// names they have in the full model. First every file is held against MANIFEST.json: an
// error names the one that was changed, added or lost.
func Open(c *transformer.Checkpoint, dev tensor.Device) (*Emulator, Manifest, error) {
	m, sent, err := ReadManifest(c.Dir)
	if err != nil {
		return nil, m, err
	}
	path := filepath.Join(c.Dir, manifestFile)
	if len(m.Plan) != c.Config.Layers {
		return nil, m, fmt.Errorf("%s: plan has %d places, the model %d layers", path, len(m.Plan), c.Config.Layers)
	}
	if err := m.check(c.Config); err != nil {
		return nil, m, fmt.Errorf("%s: %w", path, err)
	}
	d, err := c.Decoder(dev)
	if err != nil {
		return nil, m, err
	}
	join(d, m.Plan, m.Folded)
	e := &Emulator{Plan: m.Plan, Decoder: d, Unsealed: sent == "", Origin: Origin{m.Exchange, sent}, Fits: m.Fits, FittedOn: m.FittedOn, Folded: m.Folded}
	e.collect()
	if got := transformer.Fingerprint(e.Params()); got != m.Base {
		return nil, m, fmt.Errorf("%s: the trainable weights are not the ones this emulator was exported with (%.19q…, want %.19q…)", c.Dir, got, m.Base)
	}
	return e, m, nil
}

// OpenDir is Open of a directory by itself: Close gives back all that was loaded of it.
func OpenDir(dir string, dev tensor.Device) (*Emulator, Manifest, error) {
	c, err := transformer.Open(dir)
	if err != nil {
		return nil, Manifest{}, Blame(dir, err)
	}
	e, m, err := Open(c, dev)
	if err != nil {
		return nil, m, errors.Join(err, c.Close())
	}
	e.opened = c
	return e, m, nil
}

// check returns an error unless the plan is one of the full model that fits the places of
// a directory's configuration.
func (m Manifest) check(c transformer.Config) error {
	for place, s := range m.Plan {
		switch {
		case s.Scale == plan.FitScale:
			return fmt.Errorf("plan: place %d, %s: want the scale that was fitted", place, s)
		case m.Format < formsFormat && !s.Plain():
			return fmt.Errorf("plan: place %d, %s: in format %d each place is a layer as it is: it was changed: take a fresh copy", place, s, m.Format)
		}
	}
	forms := c.Forms
	c.Layers, c.Forms = m.Layers, nil
	return wantForms(c, m.Plan, forms, m.Folded)
}

// join makes the frozen places that have a layer in the same way one object, whatever
// scales stand around it, and gives all parameters the names they have in the full model;
// those of a map keep the name of their place. Folded scales are in the weights, so that
// places which differ in theirs are not one.
func join(d *transformer.Decoder, p plan.Plan, folded bool) {
	first := map[plan.Slot]transformer.Block{}
	for place, s := range p {
		block := d.Blocks[place]
		scaled, isScaled := block.(*transformer.Scaled)
		if isScaled {
			block = scaled.Block
		}
		what := plan.Slot{Layer: s.Layer, Transform: s.Transform}
		if folded {
			what.Scale = s.Scale
		}
		one, again := first[what]
		switch {
		case s.IsMap():
		case again && !s.Trainable && isScaled:
			scaled.Block = one
		case again && !s.Trainable:
			d.Blocks[place] = one
		default:
			nn.Rename(block, d.Config.LayerName(place), d.Config.LayerName(s.Layer))
			if !s.Trainable {
				first[what] = block
			}
		}
	}
}
