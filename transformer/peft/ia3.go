package peft

import (
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
	takes:    []string{"targets"},
	peftType: "IA3",
	standard: func(l layer) bool { return l.keysValues || l.narrow },
	put: func(w nn.Weights, l layer, plain *nn.Linear, _ Config) added {
		return nn.NewIA3(w, plain, l.narrow)
	},
	merged: func(l added) []folded { return foldIA3(l.(*nn.IA3)) },
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
// columns; each product is rounded once.
func foldIA3(l *nn.IA3) []folded {
	in, out := l.Layer.Sizes()
	w, gain := l.Layer.Weight.Value.Float32s(), l.Gain.Value.Float32s()
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
	all := []folded{{l.Layer.Weight, w}}
	if l.OfInput || l.Layer.Bias == nil {
		return all
	}
	bias := l.Layer.Bias.Value.Float32s()
	for o := range bias {
		bias[o] *= gain[o]
	}
	return append(all, folded{l.Layer.Bias, bias})
}
