package nn

import (
	"lamina/autograd"
	"lamina/kernels"
)

// Projection is what may stand where a linear layer stands: it maps rows x [N in] to
// [N out]. The usual one is [*Linear]; others are a low-rank pair, a layer with an
// adapter beside it, a pruned one.
//
// These three methods are all it needs. Models call it through [LinearFunc],
// [LinearAdd] and [Linears], which work for every Projection and save products and
// copies where it is [Fused] or an [Addition].
type Projection interface {
	Forward(p *autograd.Pass, x autograd.Var) autograd.Var
	// Params yields the parameters, in the order of the forward pass.
	Params() Params
	// Clone returns a frozen copy over the same values.
	Clone() Projection
}

// Fused is a Projection whose product can apply a function, or add a residual [N out],
// while its result is made.
type Fused interface {
	Projection
	ForwardFunc(p *autograd.Pass, f kernels.Func, x autograd.Var) autograd.Var
	ForwardAdd(p *autograd.Pass, residual, x autograd.Var) autograd.Var
}

// Addition is a Projection that adds something to the result of a plain layer, as LoRA
// does. AddTo returns y plus that for x: Forward is AddTo of what Base makes of x.
type Addition interface {
	Projection
	Base() *Linear
	AddTo(p *autograd.Pass, y, x autograd.Var) autograd.Var
}

// Sizes returns the widths of x and y of a layer that says them: a [*Linear], a [*LowRank],
// an [Addition], a [*IA3], or a [*Bottleneck] behind one. ok is false of any other.
func Sizes(l Projection) (in, out int, ok bool) {
	switch l := l.(type) {
	case *Linear:
		in, out = l.Sizes()
	case *LowRank:
		in, _, out = l.Sizes()
	case Addition:
		in, out = l.Base().Sizes()
	case *IA3:
		in, out = l.Layer.Sizes()
	case *Bottleneck:
		return Sizes(l.Layer)
	default:
		return 0, 0, false
	}
	return in, out, true
}

// LinearFunc returns f(l(x)) for x [N in].
func LinearFunc(p *autograd.Pass, f kernels.Func, l Projection, x autograd.Var) autograd.Var {
	if l, ok := l.(Fused); ok {
		return l.ForwardFunc(p, f, x)
	}
	return p.Unary(f, l.Forward(p, x))
}

// LinearAdd returns residual + l(x) for x [N in] and residual [N out].
func LinearAdd(p *autograd.Pass, residual autograd.Var, l Projection, x autograd.Var) autograd.Var {
	switch l := l.(type) {
	case Fused:
		return l.ForwardAdd(p, residual, x)
	case Addition:
		return l.AddTo(p, l.Base().ForwardAdd(p, residual, x), x)
	}
	return p.Add(residual, l.Forward(p, x))
}

// Linears maps one x [N in] through several layers: queries, keys and values; gate and
// up. That is one call of the backend if each is a [*Linear], or an [Addition] to one, or
// a [*LowRank], whose first product is in it; a call for each layer otherwise.
func Linears(p *autograd.Pass, x autograd.Var, layers ...Projection) []autograd.Var {
	var few [3]autograd.Affine // on the stack: a decoded token is soon done
	terms := few[:0]
	for _, l := range layers {
		switch l := l.(type) {
		case *Linear:
			terms = append(terms, l.affine(p))
		case *LowRank:
			terms = append(terms, l.Down.affine(p))
		case Addition:
			terms = append(terms, l.Base().affine(p))
		default:
			return oneByOne(p, x, layers)
		}
	}
	ys := p.Linears(x, terms...)
	for i, l := range layers {
		switch l := l.(type) {
		case *LowRank:
			ys[i] = l.Up.Forward(p, ys[i])
		case Addition:
			ys[i] = l.AddTo(p, ys[i], x)
		}
	}
	return ys
}

func oneByOne(p *autograd.Pass, x autograd.Var, layers []Projection) []autograd.Var {
	ys := make([]autograd.Var, len(layers))
	for i, l := range layers {
		ys[i] = l.Forward(p, x)
	}
	return ys
}

// Linear is y = x·Wᵀ + b.
type Linear struct {
	Weight *autograd.Parameter // [out in], or [in out] with InOut
	Bias   *autograd.Parameter // [out], or nil
	InOut  bool
}

// NewLinear takes "weight" [out in] and, if asked for, "bias" [out].
func NewLinear(w Weights, in, out int, bias bool) *Linear {
	l := &Linear{Weight: w.Get("weight", NormalOf(in), out, in)}
	if bias {
		l.Bias = w.Get("bias", Zeros, out)
	}
	return l
}

// NewConv1D takes "weight" [in out] and "bias" [out]: what transformers' Conv1D, the
// linear layer of GPT-2, has.
func NewConv1D(w Weights, in, out int) *Linear {
	return &Linear{Weight: w.Get("weight", NormalOf(in), in, out), Bias: w.Get("bias", Zeros, out), InOut: true}
}

// Sizes returns the width of x and of y.
func (l *Linear) Sizes() (in, out int) {
	if l.InOut {
		return l.Weight.Value.Dim(0), l.Weight.Value.Dim(1)
	}
	return l.Weight.Value.Dim(1), l.Weight.Value.Dim(0)
}

func (l *Linear) affine(p *autograd.Pass) autograd.Affine {
	return autograd.Affine{W: p.Param(l.Weight), Bias: p.Param(l.Bias), InOut: l.InOut}
}

// Forward maps x [N in] to [N out].
func (l *Linear) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return p.LinearFunc(kernels.Identity, x, l.affine(p))
}

// ForwardFunc maps x [N in] to f(x·Wᵀ + b) in one product.
func (l *Linear) ForwardFunc(p *autograd.Pass, f kernels.Func, x autograd.Var) autograd.Var {
	return p.LinearFunc(f, x, l.affine(p))
}

// ForwardAdd maps x [N in] to residual + x·Wᵀ + b in one product.
func (l *Linear) ForwardAdd(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	return p.LinearAdd(residual, x, l.affine(p))
}

// Params yields weight and bias.
func (l *Linear) Params() Params { return List(l.Weight, l.Bias) }

// Clone returns a frozen layer over the same values.
func (l *Linear) Clone() Projection { return &Linear{Clone(l.Weight), Clone(l.Bias), l.InOut} }
