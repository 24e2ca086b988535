// Package nn has the layers that decoders are built from: each holds its
// parameters and says how a pass runs through it. Layers hold no activations
// and no state, so one layer may stand at several places of a model and in
// several passes at once.
//
// Where weights come from is a [Source]: a checkpoint, or a seeded initialiser.
// A layer names its parameters as the checkpoint does, where it is built:
//
//	w := nn.From(source).At("model.layers.0.mlp")
//	up := nn.NewLinear(w.At("up_proj"), 576, 1536, false) // "….up_proj.weight" [1536 576]
//	y := up.Forward(p, x)
//
// The package knows no model and no file.
package nn

import (
	"iter"

	"lamina/autograd"
	"lamina/kernels"
)

// Source gives parameters by name. Parameter returns the named one if it is
// there with exactly this shape; what is missing or misshapen the source
// remembers, returning a placeholder, so that a loader reports every mismatch of
// a checkpoint at once. Each call returns a new Parameter, frozen.
type Source interface {
	Parameter(name string, shape ...int) *autograd.Parameter
}

// Weights is a place in a Source's tree of names.
type Weights struct {
	source Source
	prefix string
}

// From returns the root of a source's names.
func From(s Source) Weights { return Weights{source: s} }

// At returns the names below child.
func (w Weights) At(child string) Weights { return Weights{w.source, w.prefix + child + "."} }

// Get returns the parameter called name at this place.
func (w Weights) Get(name string, shape ...int) *autograd.Parameter {
	return w.source.Parameter(w.prefix+name, shape...)
}

// Params is a list of parameters in a fixed order.
type Params = iter.Seq[*autograd.Parameter]

// Linear is y = x·Wᵀ + b.
type Linear struct {
	Weight *autograd.Parameter // [out in], or [in out] with InOut
	Bias   *autograd.Parameter // [out], or nil
	InOut  bool
}

// NewLinear takes "weight" and, if asked for, "bias".
func NewLinear(w Weights, in, out int, bias bool) Linear {
	l := Linear{Weight: w.Get("weight", out, in)}
	if bias {
		l.Bias = w.Get("bias", out)
	}
	return l
}

// NewConv1D takes "weight" [in out] and "bias": what transformers' Conv1D, the linear
// layer of GPT-2, has.
func NewConv1D(w Weights, in, out int) Linear {
	return Linear{Weight: w.Get("weight", in, out), Bias: w.Get("bias", out), InOut: true}
}

func (l Linear) affine(p *autograd.Pass) autograd.Affine {
	return autograd.Affine{W: p.Param(l.Weight), Bias: p.Param(l.Bias), InOut: l.InOut}
}

// Forward maps x [N in] to [N out].
func (l Linear) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return p.LinearFunc(kernels.Identity, x, l.affine(p))
}

// ForwardFunc maps x [N in] to f(x·Wᵀ + b) in one product.
func (l Linear) ForwardFunc(p *autograd.Pass, f kernels.Func, x autograd.Var) autograd.Var {
	return p.LinearFunc(f, x, l.affine(p))
}

// ForwardAdd maps x [N in] to residual + x·Wᵀ + b in one product.
func (l Linear) ForwardAdd(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	return p.LinearAdd(residual, x, l.affine(p))
}

// Linears maps one x [N in] through several layers in one call.
func Linears(p *autograd.Pass, x autograd.Var, layers ...Linear) []autograd.Var {
	var few [3]autograd.Affine // on the stack: a decoded token is soon done
	terms := few[:0]
	for _, l := range layers {
		terms = append(terms, l.affine(p))
	}
	return p.Linears(x, terms...)
}

// Each yields the layer's parameters and reports whether to go on.
func (l Linear) Each(yield func(*autograd.Parameter) bool) bool {
	return each(yield, l.Weight, l.Bias)
}

// Clone returns a frozen layer over the same values.
func (l Linear) Clone() Linear { return Linear{Clone(l.Weight), Clone(l.Bias), l.InOut} }

// Norm is a layer or root-mean-square normalisation.
type Norm struct {
	Gain *autograd.Parameter // [D], or nil
	Bias *autograd.Parameter // [D], or nil
	Eps  float64
	RMS  bool
}

// NewLayerNorm takes "weight" and "bias" unless affine is false.
func NewLayerNorm(w Weights, d int, eps float64, affine bool) Norm {
	n := Norm{Eps: eps}
	if affine {
		n.Gain, n.Bias = w.Get("weight", d), w.Get("bias", d)
	}
	return n
}

// NewRMSNorm takes "weight".
func NewRMSNorm(w Weights, d int, eps float64) Norm {
	return Norm{Gain: w.Get("weight", d), Eps: eps, RMS: true}
}

// Forward normalises the rows of x [N D].
func (n Norm) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	if n.RMS {
		return p.RMSNorm(x, p.Param(n.Gain), n.Eps)
	}
	return p.LayerNorm(x, p.Param(n.Gain), p.Param(n.Bias), n.Eps)
}

// Each yields the layer's parameters and reports whether to go on.
func (n Norm) Each(yield func(*autograd.Parameter) bool) bool { return each(yield, n.Gain, n.Bias) }

// Clone returns a frozen layer over the same values.
func (n Norm) Clone() Norm {
	n.Gain, n.Bias = Clone(n.Gain), Clone(n.Bias)
	return n
}

// activations maps transformers' ACT2FN names to our functions.
var activations = map[string]kernels.Func{
	"relu":              kernels.ReLU,
	"gelu":              kernels.GELU,
	"gelu_new":          kernels.GELUTanh,
	"gelu_pytorch_tanh": kernels.GELUTanh,
	"silu":              kernels.SiLU,
	"swish":             kernels.SiLU,
	"tanh":              kernels.Tanh,
}

// ParseActivation returns the function that transformers calls name.
func ParseActivation(name string) (kernels.Func, bool) {
	f, ok := activations[name]
	return f, ok
}

func each(yield func(*autograd.Parameter) bool, params ...*autograd.Parameter) bool {
	for _, w := range params {
		if w != nil && !yield(w) {
			return false
		}
	}
	return true
}

// Clone returns a frozen parameter over the same value; nil for nil.
func Clone(w *autograd.Parameter) *autograd.Parameter {
	if w == nil {
		return nil
	}
	return &autograd.Parameter{Name: w.Name, Value: w.Value}
}
