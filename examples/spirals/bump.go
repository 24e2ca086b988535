package main

import (
	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// bump is an operation that the framework does not have, made of kernels that it
// has: y = exp(-x²), a hill of width 1.
//
//	dX = -2·x·y·dY
//
// Composed of Square, Neg and Exp it would be three records; as one it saves x
// and y only, and only where something beneath is trained.
func bump(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := autograd.Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Unary(p.Backend, kernels.Square, y.T, x.T)
	kernels.Unary(p.Backend, kernels.Neg, y.T, y.T)
	kernels.Unary(p.Backend, kernels.Exp, y.T, y.T)
	if r := p.Record(bumpOp{}, &y, x); r != nil {
		p.Save(r, 0, x.T)
		p.Save(r, 1, y.T)
	}
	return y
}

type bumpOp struct{}

// Name is how tapes and gradient checks call the operation.
func (bumpOp) Name() string { return "bump" }

// Backward hands -2·x·y·dY to the input.
func (bumpOp) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	x, y := r.Saved[0], r.Saved[1]
	dX := p.New(dY.DType(), dY.Shape()...)
	kernels.Fill(p.Backend, dX, 0)
	kernels.AddScaled(p.Backend, dX, x, -2)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, y)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, dY)
	p.Give(r.In[0], dX)
}
