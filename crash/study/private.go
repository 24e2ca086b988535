package study

import (
	"fmt"

	"lamina/crash/corpus"
	"lamina/crash/train"
)

// checkPrivate refuses rows of which (ε, δ) of DP-SGD would not speak: what it promises is
// of one example more or less, and each is to come of one row alone.
func (f *Finetuning) checkPrivate() error {
	if f.Trainer.Settings.Private != nil && f.Rows.Pack != corpus.PackNone {
		return fmt.Errorf("--pack %s with --dp-sgd: a text more or less changes every block behind it, and the guarantee is of one example: leave out --pack", f.Rows.Pack)
	}
	return nil
}

// privateWarnings tell what a guarantee does not cover.
func (f *Finetuning) privateWarnings() (warnings []string) {
	if f.Trainer.Settings.Private == nil {
		return nil
	}
	if valid := f.Data.Valid.Path; valid != "" {
		warnings = append(warnings, fmt.Sprintf("--valid %s with --dp-sgd: which weights are kept, and with --patience when training ends, depends on its rows: the guarantee speaks of --data alone; name rows that may be known", valid))
	}
	if f.texts {
		warnings = append(warnings, fmt.Sprintf("%s with --dp-sgd: a text of more than %d tokens is several examples, and the guarantee is of one: cut it to what one person may have written", f.Data.Train.Path, f.Data.MaxLength))
	}
	return warnings
}

// claim is what the adapter says was spent.
func (f *Finetuning) claim(o train.Outcome) string {
	claim := o.Private.Claim()
	if claim != train.NoClaim && f.Trainer.Valid != nil {
		claim += ", of what was trained on; the weights were chosen by other rows, which it does not cover"
	}
	return claim
}
