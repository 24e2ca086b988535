package peft

import (
	"lamina/autograd"
	"lamina/nn"
)

// ia3Kind is (IA)³ (Liu et al. 2022): a factor for each channel of keys and values, and of
// what the last layer of the feed-forward part is given. Targets that are such a last layer
// have it of their input, the others of their output, as the library's feedforward_modules.
var ia3Kind = Kind{
	Name:     "ia3",
	Help:     "a factor for each channel of keys, values and the feed-forward part",
	Defaults: Config{Kind: "ia3"},
	Merges:   true,
	takes:    []string{Targets},
	parts:    []string{"ia3_l"},
	peftType: "IA3",
	standard: func(l layer) bool { return l.keysValues || l.narrow },
	put: func(w nn.Weights, l layer, plain *nn.Linear, _ Config) added {
		return nn.NewIA3(w, plain, l.narrow)
	},
	fold: func(l added, w *autograd.Parameter) Folded { return Folded{Values: foldIA3(l.(*nn.IA3), w)} },
	keys: func(a *Attached) map[string]any {
		inputs := []string{}
		for _, p := range a.put {
			if p.narrow {
				inputs = append(inputs, p.name)
			}
		}
		return map[string]any{"feedforward_modules": inputs, "init_ia3_weights": true}
	},
	read: func(k *keys, s *Saved) {
		s.rules.inputs = k.names("feedforward_modules", &s.rules.inputsNamed)
		k.oneOf("init_ia3_weights", "true", "false")
	},
}

// foldIA3 returns W with its rows, and the bias, multiplied by the factors, or with its
// columns; each product is rounded once. nil is the bias of a layer with factors of its input.
func foldIA3(l *nn.IA3, weight *autograd.Parameter) []float32 {
	w, gain := weight.Value.Float32s(), l.Gain.Value.Float32s()
	if weight.Value.Rank() == 1 {
		if l.OfInput {
			return nil
		}
		for o := range w {
			w[o] *= gain[o]
		}
		return w
	}
	in, out := l.Layer.Sizes()
	for at := range w {
		o, i := at/in, at%in
		if l.Layer.InOut {
			i, o = at/out, at%out
		}
		if l.OfInput {
			o = i
		}
		w[at] *= gain[o]
	}
	return w
}
