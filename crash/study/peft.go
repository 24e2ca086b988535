package study

import (
	"fmt"

	"lamina/nn"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// attach gives the trainer what it trains: the weights of the part, or what PEFT puts beside
// them or picks of them, in all decoders that have the part's blocks.
func (f *Finetuning) attach() error {
	t, part := f.Trainer, f.Part
	t.Params = part.Params()
	if f.PEFT == nil {
		f.start = values(t.Params)
		return nil
	}
	f.base = transformer.Fingerprint(part.Params())
	t.Drops = f.PEFT.Dropout > 0
	release := t.Release
	t.Release = func(name string) { // also of cells of a grid, which keep theirs here
		if !f.attached.Release(name) && release != nil {
			release(name)
		}
	}
	return f.beside()
}

// beside puts to the part's layers what PEFT says, begun by the seed, in place of what an
// earlier call put there.
func (f *Finetuning) beside() (err error) {
	t := f.Trainer
	if f.attached != nil {
		f.attached.Close()
	}
	f.attached, err = peft.Attach(nn.Init{Device: t.Backend, Seed: t.Settings.Seed}, f.Part.Decoder, f.Part.Trained(), *f.PEFT)
	if err != nil {
		return fmt.Errorf("--peft %s: %w", f.PEFT.Kind, err)
	}
	t.Params = f.attached.Params()
	return nil
}
