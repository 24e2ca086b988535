// Package nn has the layers that models are built from: each holds its parameters
// and says how a pass runs through it. Layers hold no activations and no state, so
// one layer may stand at several places of a model and in several passes at once.
//
// Where weights come from is a [Source]: a checkpoint, or a seeded initialiser. Each
// layer asks for its parameters by the names that the checkpoint has. Two layers from
// a seed, trained on batches of points [32 2] and labels [32]:
//
//	w := nn.From(nn.Init{Device: be, Seed: 1})
//	hidden, out := nn.NewLinear(w.At("hidden"), 2, 24, true), nn.NewLinear(w.At("out"), 24, 2, true)
//	trained, err := nn.Trainable(be, nn.Join(hidden.Params(), out.Params()))
//	opt, err := optim.NewAdamW(be, trained, optim.Config{LR: 0.01})
//	p := autograd.NewTrainingPass(be)
//	for step := range 400 {
//		x, labels := batch(step)
//		scores := out.Forward(p, nn.LinearFunc(p, kernels.ReLU, hidden, p.Input(x)))
//		p.Backward(p.Mean(p.CrossEntropy(scores, labels)), 1)
//		opt.Step(1)
//		p.Reset()
//	}
//
// Something larger names its parts once, in a method Parts ([Module]); from that
// follow how it is built, its parameters, a copy of it, and the list of its linear
// layers ([Build], [ParamsOf], [CloneOf], [ProjectionsOf]).
//
// A field for a linear layer has the type [Projection]: a low-rank pair, an adapter or
// a quantised layer can be put there, and the code that calls it stays as it is.
//
// The package knows no model and no file.
package nn

import (
	"iter"

	"lamina/autograd"
	"lamina/kernels"
)

// Params is a list of parameters in a fixed order.
type Params = iter.Seq[*autograd.Parameter]

// Join returns the parameters of several lists, one list after the other.
func Join(lists ...Params) Params {
	return func(yield func(*autograd.Parameter) bool) {
		for _, list := range lists {
			for w := range list {
				if !yield(w) {
					return
				}
			}
		}
	}
}

// List returns the given parameters, without those that are nil.
func List(params ...*autograd.Parameter) Params {
	return func(yield func(*autograd.Parameter) bool) {
		for _, w := range params {
			if w != nil && !yield(w) {
				return
			}
		}
	}
}

// Count returns the number of weights of the parameters.
func Count(params Params) (n int) {
	for w := range params {
		n += w.Value.Len()
	}
	return n
}

// Bytes returns the storage of the parameters' values, in bytes.
func Bytes(params Params) (n int) {
	for w := range params {
		n += w.Value.Bytes()
	}
	return n
}

// Clone returns a frozen parameter over the same value; nil for nil.
func Clone(w *autograd.Parameter) *autograd.Parameter {
	if w == nil {
		return nil
	}
	return &autograd.Parameter{Name: w.Name, Value: w.Value}
}

// activations maps transformers' ACT2FN names to our functions.
var activations = map[string]kernels.Func{
	"relu":              kernels.ReLU,
	"gelu":              kernels.GELU,
	"gelu_new":          kernels.GELUTanh,
	"gelu_python":       kernels.GELU,
	"gelu_pytorch_tanh": kernels.GELUTanh,
	"gelu_fast":         kernels.GELUTanh, // with √(2/π) in ten digits
	"silu":              kernels.SiLU,
	"swish":             kernels.SiLU,
	"tanh":              kernels.Tanh,
}

// ParseActivation returns the function that transformers calls name.
func ParseActivation(name string) (kernels.Func, bool) {
	f, ok := activations[name]
	return f, ok
}
