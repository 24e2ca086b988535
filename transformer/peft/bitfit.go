package peft

import (
	"lamina/autograd"
	"lamina/nn"
	"lamina/transformer"
)

// bitfitKind is BitFit (Ben Zaken et al. 2022): every parameter of one axis, biases and the
// gains of norms, is trained, and no other.
var bitfitKind = Kind{
	Name:     "bitfit",
	Help:     "biases and gains of norms",
	Defaults: Config{Kind: "bitfit"},
	Merges:   true,
	params: func(b transformer.Block) nn.Params {
		return func(yield func(*autograd.Parameter) bool) {
			for w := range nn.ParamsOf(b) {
				if w.Value.Rank() == 1 && !yield(w) {
					return
				}
			}
		}
	},
}
