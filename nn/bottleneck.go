package nn

import (
	"lamina/autograd"
	"lamina/kernels"
)

// Bottleneck is an adapter behind a layer l: z + W_up·dropout(ReLU(W_down·z + b_down)) + b_up
// with z = l(x) (Houlsby et al. 2019, arXiv 1902.00751). It is the identity behind l while
// W_up and b_up are 0, has width·2·out + width + out weights, and cannot be folded into l,
// since ReLU stands between its factors.
type Bottleneck struct {
	Layer   Projection // frozen as a rule
	Down    *Linear    // z [N out] to [N width], with a bias
	Up      *Linear    // [N width] to [N out], with a bias
	Dropout float64    // in [0, 1), while training: of the values in between
}

// NewBottleneck puts an adapter of a width behind a layer that maps to [N out]:
// "adapter.down.weight" [width out], "adapter.down.bias" [width], "adapter.up.weight"
// [out width] and "adapter.up.bias" [out]. Of new ones the first is uniform in ±1/√out and
// the rest zero.
func NewBottleneck(w Weights, layer Projection, out, width int, dropout float64) *Bottleneck {
	w = w.At("adapter")
	down, up := w.At("down"), w.At("up")
	return &Bottleneck{
		Layer:   layer,
		Down:    &Linear{Weight: down.Get("weight", UniformOf(out), width, out), Bias: down.Get("bias", Zeros, width)},
		Up:      &Linear{Weight: up.Get("weight", Zeros, out, width), Bias: up.Get("bias", Zeros, out)},
		Dropout: dropout,
	}
}

// Width returns the width between the factors.
func (l *Bottleneck) Width() int {
	_, width := l.Down.Sizes()
	return width
}

// Forward maps x [N in] to [N out].
func (l *Bottleneck) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	z := l.Layer.Forward(p, x)
	h := p.ApplyOwnDropout(l.Down.ForwardFunc(p, kernels.ReLU, z), l.Dropout)
	return l.Up.ForwardAdd(p, z, h)
}

// Params yields the layer's parameters and the adapter's.
func (l *Bottleneck) Params() Params { return Join(l.Layer.Params(), l.Added()) }

// Added yields the adapter's parameters alone.
func (l *Bottleneck) Added() Params { return Join(l.Down.Params(), l.Up.Params()) }

// Clone returns a frozen layer over the same values.
func (l *Bottleneck) Clone() Projection {
	return &Bottleneck{l.Layer.Clone(), l.Down.Clone().(*Linear), l.Up.Clone().(*Linear), l.Dropout}
}
