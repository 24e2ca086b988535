package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// LayerNorm normalises each row of x [N D] to mean 0 and variance 1, then
// scales and shifts: see [kernels.NormArgs]. Gain and bias may both be absent.
func (p *Pass) LayerNorm(x, gain, bias Var, eps float64) Var {
	return p.norm(layerNormOp{}, kernels.LayerNorm, x, gain, bias, eps)
}

// RMSNorm divides each row of x [N D] by its root mean square and scales it: see
// [kernels.NormArgs].
func (p *Pass) RMSNorm(x, gain Var, eps float64) Var {
	return p.norm(rmsNormOp{}, kernels.RMSNorm, x, gain, Var{}, eps)
}

func (p *Pass) norm(op Op, forward func(kernels.Backend, kernels.NormArgs), x, gain, bias Var, eps float64) Var {
	d := x.T.DType()
	y := Var{T: p.New(d, x.T.Shape()...)}
	args := kernels.NormArgs{Y: y.T, X: x.T, Gain: gain.T, Bias: bias.T, Eps: eps}
	r := p.Record(op, &y, x, gain, bias)
	if r != nil {
		if _, layer := op.(layerNormOp); layer {
			args.Mean = p.New(d, x.T.Rows())
		}
		args.Rstd = p.New(d, x.T.Rows())
		p.Save(r, 0, x.T)
		p.Save(r, 1, gain.T)
		p.Save(r, 2, args.Mean)
		p.Save(r, 3, args.Rstd)
	}
	forward(p.Backend, args)
	return y
}

type layerNormOp struct{}

func (layerNormOp) Name() string { return "layer_norm" }

func (layerNormOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	normBackward(p, r, dY, kernels.LayerNormBackward)
}

type rmsNormOp struct{}

func (rmsNormOp) Name() string { return "rms_norm" }

func (rmsNormOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	normBackward(p, r, dY, kernels.RMSNormBackward)
}

func normBackward(p *Pass, r *Record, dY tensor.Tensor, backward func(kernels.Backend, kernels.NormGrads)) {
	args := kernels.NormGrads{DY: dY, X: r.Saved[0], Gain: r.Saved[1], Mean: r.Saved[2], Rstd: r.Saved[3]}
	switch x := r.In[0]; {
	case !x.Tracked():
	case p.hasGrad(x): // of the residual connection around the norm
		args.DX, args.Accumulate = p.Grad(x, dY.DType(), dY.Shape()...)
	default:
		args.DX = p.overwrite(dY)
	}
	args.DGain = p.addTo(r.In[1], dY)
	args.DBias = p.addTo(r.In[2], dY)
	backward(p.Backend, args)
	if !args.Accumulate {
		p.Give(r.In[0], args.DX)
	}
}

// hasGrad reports whether a tracked v has a gradient that is to be added to.
func (p *Pass) hasGrad(v Var) bool {
	n := &p.tape.nodes[v.node]
	return n.param != nil || !n.grad.IsNone()
}

// addTo returns where the gradient of a vector of dY's width is to be added, or
// none if it is not tracked.
func (p *Pass) addTo(v Var, dY tensor.Tensor) tensor.Tensor {
	if !v.Tracked() {
		return tensor.Tensor{}
	}
	g, add := p.Grad(v, dY.DType(), dY.Cols())
	if !add {
		kernels.Fill(p.Backend, g, 0)
	}
	return g
}
