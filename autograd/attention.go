package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// AttentionShape is the geometry of a batch as attention sees it. One value
// serves all layers of a pass and outlives it. Slopes, nil or a constant for each
// query head, take from a score what lies far: see [kernels.AttentionArgs].
type AttentionShape struct {
	Segments       []kernels.Segment
	Heads, KVHeads int // H, G
	HeadDim        int // K
	Slopes         []float64
}

// Attention is causal grouped-query attention in one call, with scores scale·q·k: q
// [N H·K], k and v [N G·K], and for each segment the keys and values of earlier positions
// (nil if there are none; they get no gradient). See [kernels.AttentionArgs].
func (p *Pass) Attention(q, k, v Var, shape *AttentionShape, scale float64, prefix []kernels.KV) Var {
	y := Var{T: p.New(q.T.DType(), q.T.Shape()...)}
	args := shape.args(scale, y.T, q.T, k.T, v.T)
	args.Prefix = prefix
	r := p.Record(attentionOp{}, &y, q, k, v)
	switch {
	case r != nil:
		if prefix != nil {
			panic("autograd: Attention: no gradient flows into a prefix: train without a cache")
		}
		for i, t := range []tensor.Tensor{q.T, k.T, v.T} {
			p.Save(r, i, t)
		}
		r.Ref, r.Scalar = shape, scale
		kernels.Attention(p.Backend, args)
	case p.Decoding:
		kernels.AttentionDecode(p.Backend, args)
	default:
		kernels.Attention(p.Backend, args)
	}
	return y
}

func (s *AttentionShape) args(scale float64, out, q, k, v tensor.Tensor) kernels.AttentionArgs {
	return kernels.AttentionArgs{
		Out: out, Q: q, K: k, V: v, Segments: s.Segments,
		Heads: s.Heads, KVHeads: s.KVHeads, HeadDim: s.HeadDim, Scale: scale, Slopes: s.Slopes,
	}
}

type attentionOp struct{}

func (attentionOp) Name() string { return "attention" }

func (attentionOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	q, k, v := r.Saved[0], r.Saved[1], r.Saved[2]
	g := kernels.AttentionGrads{
		DQ:   p.New(q.DType(), q.Shape()...),
		DK:   p.New(k.DType(), k.Shape()...),
		DV:   p.New(v.DType(), v.Shape()...),
		DOut: dY, Fwd: r.Ref.(*AttentionShape).args(r.Scalar, tensor.Tensor{}, q, k, v),
	}
	kernels.AttentionBackward(p.Backend, g)
	p.Give(r.In[0], g.DQ)
	p.Give(r.In[1], g.DK)
	p.Give(r.In[2], g.DV)
}

// RoPE rotates the heads of x [N H·K] by each row's angles, cos and sin
// [N R/2]: see [kernels.RoPEArgs]. The gradient is the opposite rotation.
func (p *Pass) RoPE(x Var, cos, sin tensor.Tensor, headDim int) Var {
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.RoPE(p.Backend, kernels.RoPEArgs{Y: y.T, X: x.T, Cos: cos, Sin: sin, HeadDim: headDim})
	if r := p.Record(ropeOp{}, &y, x); r != nil {
		p.Save(r, 0, cos)
		p.Save(r, 1, sin)
		r.Ints[0] = headDim
	}
	return y
}

type ropeOp struct{}

func (ropeOp) Name() string { return "rope" }

func (ropeOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.overwrite(dY)
	kernels.RoPE(p.Backend, kernels.RoPEArgs{Y: dX, X: dY, Cos: r.Saved[0], Sin: r.Saved[1], HeadDim: r.Ints[0], Inverse: true})
	p.Give(r.In[0], dX)
}
