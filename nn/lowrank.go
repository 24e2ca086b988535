package nn

import (
	"lamina/autograd"
	"lamina/kernels"
)

// LowRank is y = (x·Vᵀ)·Uᵀ + b: two thin products in place of the one of a [Linear].
// They cost rank·(in + out) multiply-adds a row where it has in·out, and as many
// weights: less below rank in·out/(in + out).
//
// Each factor is a layer of its own, with its own name and storage type, trained or
// frozen by itself. In a group of layers over one x ([Linears]) the first products run
// in the group's call.
type LowRank struct {
	Down *Linear // x [N in] to [N rank]: its weight is V [rank in]
	Up   *Linear // [N rank] to y [N out]: its weight is U [out rank], its bias b
}

// NewLowRank takes "down.weight" [rank in], "up.weight" [out rank] and, if asked for,
// "up.bias" [out].
func NewLowRank(w Weights, in, rank, out int, bias bool) *LowRank {
	return &LowRank{NewLinear(w.At("down"), in, rank, false), NewLinear(w.At("up"), rank, out, bias)}
}

// Sizes returns the width of x, that between the factors, and that of y.
func (l *LowRank) Sizes() (in, rank, out int) {
	in, rank = l.Down.Sizes()
	_, out = l.Up.Sizes()
	return in, rank, out
}

// Forward maps x [N in] to [N out].
func (l *LowRank) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return l.Up.Forward(p, l.Down.Forward(p, x))
}

// ForwardFunc maps x [N in] to f((x·Vᵀ)·Uᵀ + b), f within the second product.
func (l *LowRank) ForwardFunc(p *autograd.Pass, f kernels.Func, x autograd.Var) autograd.Var {
	return l.Up.ForwardFunc(p, f, l.Down.Forward(p, x))
}

// ForwardAdd maps x [N in] to residual + (x·Vᵀ)·Uᵀ + b, added within the second product.
func (l *LowRank) ForwardAdd(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	return l.Up.ForwardAdd(p, residual, l.Down.Forward(p, x))
}

// Params yields V, U and the bias.
func (l *LowRank) Params() Params { return Join(l.Down.Params(), l.Up.Params()) }

// Clone returns a frozen layer over the same values.
func (l *LowRank) Clone() Projection {
	return &LowRank{l.Down.Clone().(*Linear), l.Up.Clone().(*Linear)}
}
