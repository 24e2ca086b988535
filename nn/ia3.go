package nn

import "lamina/autograd"

// IA3 is a plain layer l with a learned factor for each channel, of its result or of what it
// is given (Liu et al. 2022, arXiv 2205.05638):
//
//	y = g ⊙ l(x)      g [out], the bias of l included
//	y = l(g ⊙ x)      g [in], with OfInput
//
// It is l while g is 1.
type IA3 struct {
	Layer   *Linear // frozen as a rule
	Gain    *autograd.Parameter
	OfInput bool
}

// NewIA3 puts "ia3_l" [out], or [in] with ofInput, on a layer. A new one begins with ones.
func NewIA3(w Weights, layer *Linear, ofInput bool) *IA3 {
	in, n := layer.Sizes()
	if ofInput {
		n = in
	}
	return &IA3{layer, w.Get("ia3_l", Ones, n), ofInput}
}

// Forward maps x [N in] to [N out].
func (l *IA3) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	if l.OfInput {
		return l.Layer.Forward(p, p.Mul(x, p.Param(l.Gain)))
	}
	return p.Mul(l.Layer.Forward(p, x), p.Param(l.Gain))
}

// Params yields the layer's parameters and the factors.
func (l *IA3) Params() Params { return Join(l.Layer.Params(), l.Added()) }

// Added yields the factors alone.
func (l *IA3) Added() Params { return List(l.Gain) }

// Clone returns a frozen layer over the same values.
func (l *IA3) Clone() Projection { return &IA3{l.Layer.Clone().(*Linear), Clone(l.Gain), l.OfInput} }
