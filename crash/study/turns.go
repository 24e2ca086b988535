package study

import (
	"fmt"

	"lamina/autograd"
	"lamina/crash/exchange"
	"lamina/crash/train"
	"lamina/nn"
	"lamina/transformer"
)

// Other is a further emulator that a fine-tuning trains in, in turn with its own.
type Other struct {
	Model *exchange.Model
	Name  string // as config.json states it
}

// turns lets the training objective take turns, and counts what all decoders hold.
func (f *Finetuning) turns(o *train.NextToken) error {
	if len(f.Also) == 0 {
		return nil
	}
	var decoders []*transformer.Decoder
	held := f.Part.Decoder.Params()
	for _, other := range f.Also {
		if other.Model.Emulator == nil {
			return fmt.Errorf("--also %s: is no emulator: want directories that lamina emulate wrote", other.Name)
		}
		d, err := f.Part.Within(other.Model.Emulator)
		if err != nil {
			return fmt.Errorf("--also %s: %w", other.Name, err)
		}
		decoders, held = append(decoders, d), nn.Join(held, d.Params())
	}
	o.InTurns(decoders...)
	f.Trainer.Held = once(held)
	if err := o.Adjust(f.Trainer.Settings); err != nil {
		return fmt.Errorf("--also: %w", err)
	}
	return nil
}

// once yields each parameter once.
func once(params nn.Params) nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		seen := map[*autograd.Parameter]bool{}
		for w := range params {
			if !seen[w] {
				seen[w] = true
				if !yield(w) {
					return
				}
			}
		}
	}
}

// alsoNames lists the further emulators.
func (f *Finetuning) alsoNames() (names []string) {
	for _, other := range f.Also {
		names = append(names, other.Name)
	}
	return names
}

// optionWarnings tell of options that change nothing in this training.
func (f *Finetuning) optionWarnings() (warnings []string) {
	o, valid := f.Trainer.Settings.Options, f.Data.Valid.Path
	if o.Patience > 0 && valid == "" {
		warnings = append(warnings, fmt.Sprintf("--patience %d changes nothing without --valid", o.Patience))
	}
	stands := f.Part.Plan != nil && len(f.Part.Plan.TrainablePlaces()) < len(f.Part.Plan)
	if o.DropSpan > 0 && !stands {
		warnings = append(warnings, fmt.Sprintf("--drop-span %v changes nothing: every block trains", o.DropSpan))
	}
	if o.GapNoise > 0 && !stands {
		warnings = append(warnings, fmt.Sprintf("--gap-noise %v changes nothing: every block trains", o.GapNoise))
	}
	return warnings
}
