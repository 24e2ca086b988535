package main

import (
	_ "embed"
	"math"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// bump is an operation that the framework does not have: y = exp(-x²), a hill of width
// 1. It brings code for the host and for NVIDIA's GPUs, and is made of kernels that the
// framework has everywhere else, and backward.
//
//	dX = -2·x·y·dY
//
// Composed of Square, Neg and Exp it would be three records; as one it saves x
// and y only, and only where something beneath is trained.
func bump(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := autograd.Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	if x.T.DType() != tensor.F32 || !kernels.Custom(p.Backend, bumpKernel{y.T, x.T}) {
		kernels.Unary(p.Backend, kernels.Square, y.T, x.T)
		kernels.Unary(p.Backend, kernels.Neg, y.T, y.T)
		kernels.Unary(p.Backend, kernels.Exp, y.T, y.T)
	}
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

// bumpKernel is one call of bump, of F32 tensors of equal shape: one loop over memory in
// place of three. On the host it is a kernels.HostKernel. To the backend for GPUs its
// further methods say what to run there, and nothing of that backend is imported for it.
type bumpKernel struct{ y, x tensor.Tensor }

// Name is how profiles call the kernel.
func (bumpKernel) Name() string { return "bump" }

// Len returns the number of elements.
func (k bumpKernel) Len() int { return k.x.Len() }

// Run computes the elements [from, to).
func (k bumpKernel) Run(from, to int) {
	y, x := tensor.HostFloats[float32](k.y), tensor.HostFloats[float32](k.x)
	for i := from; i < to; i++ {
		v := float64(x[i])
		y[i] = float32(math.Exp(-v * v))
	}
}

//go:embed bump.ptx
var bumpPTX string

// PTX returns the text for a GPU, and the entry in it.
func (bumpKernel) PTX() (text, entry string) { return bumpPTX, "bump" }

// Arguments returns the entry's parameters.
func (k bumpKernel) Arguments() []any { return []any{k.y, k.x, uint32(k.x.Len())} }

// Grid returns the blocks, and the threads of each, that have a thread for each element.
func (k bumpKernel) Grid() (blocks, threads [3]int, shared int) {
	const each = 256
	return [3]int{(k.x.Len() + each - 1) / each, 1, 1}, [3]int{each, 1, 1}, 0
}
