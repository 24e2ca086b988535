package emulate

import (
	"fmt"

	"lamina/crash/plan"
	"lamina/internal/units"
)

// Text shows the emulator to its owner, in lines: its size, how much of the model it gives
// away, and whether it still computes anything.
func (m Manifest) Text() string {
	text := fmt.Sprintf("%d places of a model of %d layers, plan %s\n", len(m.Plan), m.Layers, m.Plan)
	text += fmt.Sprintf("it gives away %.1f%% of the model's weights exactly; its user holds %s weights (the model has %s)\n",
		100*m.ExactShare, units.Count(m.HeldParams), units.Count(m.ModelParams))
	for _, f := range m.Fits {
		text += f.String() + "\n"
	}
	if n := GapNumbers(m.Fits); n > 0 {
		text += fmt.Sprintf("so it gives away, beside those weights, %s numbers that tell of the layers left out\n", units.Count(n))
	}
	if m.Distilled != nil {
		text += fmt.Sprintf("%s\n", m.Distilled)
	}
	if m.Repaired != nil {
		text += fmt.Sprintf("its starred blocks were trained by the model's owner (%s): the model's own are not in it, and a %s of them is what he wants back\n", m.Repaired.How(), m.Return)
	}
	switch h := m.Health; {
	case h == nil:
		return text + "its loss was not measured: the model has no tokenizer; --check FILE takes documents of token ids\n"
	case !h.Tells():
		return text + fmt.Sprintf("before training, %s: on this text the model is at chance itself, which tells nothing; --check FILE takes another\n", h)
	default:
		return text + fmt.Sprintf("before training, %s\n", h)
	}
}

// Storage says, in half a sentence that begins with "; ", what takes more room than in the
// model and how it takes less; "" for nothing. quantised says that the model's weights are,
// compact that the emulator was written so, typed that somebody chose a storage type, and
// standard that others load it.
func (m Manifest) Storage(quantised, compact, typed, standard bool) string {
	distinct := map[plan.Slot]bool{}
	repeats := 0
	for _, s := range m.Plan {
		what := plan.Slot{Layer: s.Layer, Transform: s.Transform}
		if !s.IsMap() && distinct[what] {
			repeats++
		}
		distinct[what] = true
	}
	why := ""
	if standard {
		why = ", so that transformers loads it"
	}
	quantised = quantised && !typed
	switch {
	case compact:
	case repeats > 0 && quantised:
		return fmt.Sprintf("; quantised ones stand here as F32 and %d places as copies%s: --compact leaves them as they are and stores each layer once, for lamina alone; --dtype f16 takes half", repeats, why)
	case repeats > 0:
		return fmt.Sprintf("; %d places stand here as copies%s: --compact stores each layer once, for lamina alone", repeats, why)
	case quantised:
		return fmt.Sprintf("; quantised ones stand here as F32%s: --compact leaves them as they are, for lamina alone; --dtype f16 takes half", why)
	}
	return ""
}
