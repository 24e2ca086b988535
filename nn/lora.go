package nn

import (
	"lamina/autograd"
)

// LoRA is y = l(x) + Scale·B·A·dropout(x): a plain layer l, frozen as a rule and then of any
// storage type, and a change of low rank beside it (Hu et al. 2021, arXiv 2106.09685). It
// has rank·(in + out) weights, costs as many multiply-adds a row, and is nothing while B is
// 0. The layer may be an nn.Linear or a Conv1D ([Linear.InOut]): A and B are the same.
//
// Dropout is a probability of its own, see [autograd.Pass.ApplyOwnDropout]: two layers of a
// block drop different elements.
type LoRA struct {
	Layer   *Linear
	A       *Linear // x [N in] to [N rank]: its weight is A [rank in]
	B       *Linear // [N rank] to [N out]: its weight is B [out rank]
	Scale   float64
	Dropout float64 // in [0, 1), while training
}

// NewLoRA puts "lora_A.weight" [rank in] and "lora_B.weight" [out rank] beside a layer. New
// ones begin as peft's do: A uniform in ±1/√in (kaiming_uniform with a = √5), B zero.
func NewLoRA(w Weights, layer *Linear, rank int, scale, dropout float64) *LoRA {
	in, out := layer.Sizes()
	return &LoRA{
		Layer:   layer,
		A:       &Linear{Weight: w.Get("lora_A.weight", UniformOf(in), rank, in)},
		B:       &Linear{Weight: w.Get("lora_B.weight", Zeros, out, rank)},
		Scale:   scale,
		Dropout: dropout,
	}
}

// Base returns the plain layer.
func (l *LoRA) Base() *Linear { return l.Layer }

// AddTo returns y + Scale·B·A·dropout(x) for x [N in] and y [N out].
func (l *LoRA) AddTo(p *autograd.Pass, y, x autograd.Var) autograd.Var {
	h := l.A.Forward(p, p.ApplyOwnDropout(x, l.Dropout))
	return l.B.ForwardAdd(p, y, p.Scale(h, l.Scale))
}

// Forward maps x [N in] to [N out].
func (l *LoRA) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return l.AddTo(p, l.Layer.Forward(p, x), x)
}

// Params yields the layer's parameters, A and B.
func (l *LoRA) Params() Params { return Join(l.Layer.Params(), l.Added()) }

// Added yields A and B alone.
func (l *LoRA) Added() Params { return Join(l.A.Params(), l.B.Params()) }

// Clone returns a frozen layer over the same values.
func (l *LoRA) Clone() Projection {
	return &LoRA{l.Layer.Clone().(*Linear), l.A.Clone().(*Linear), l.B.Clone().(*Linear), l.Scale, l.Dropout}
}
