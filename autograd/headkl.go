package autograd

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// LinearKL returns Σ_r KL(p_r ‖ q_r), one number in nats, of the distributions that a frozen
// head makes of rows x and of given ones:
//
//	log q = log_softmax(x·wᵀ)      KL(p ‖ q) = Σ_v p[v]·(log p[v] - log q[v])
//
// x [R D], w [V D] in any storage type, logP [R V] log-probabilities that get no gradient.
// What distillation, and the tuned lens, minimise. The gradient
//
//	dX = (q - p)·w·dY
//
// is made at once, while the logits are there, and alone is kept: [R D] a call, so that
// many calls over the same logP hold no further [R V]. R is the caller's to bound.
func (p *Pass) LinearKL(x, w Var, logP tensor.Tensor) Var {
	if w.Tracked() {
		panic(fmt.Sprintf("autograd: LinearKL: the head is trained: w %v: it is for a frozen one", w.T))
	}
	d := x.T.DType()
	y := Var{T: p.New(d)}
	dX := tensor.Tensor{}
	if x.Tracked() {
		dX = p.New(d, x.T.Shape()...)
	}
	mark := p.Begin()
	rows, vocab := x.T.Rows(), w.T.Dim(0)
	logQ, part, q := p.New(d, rows, vocab), p.New(d, rows, vocab), p.New(d, rows, vocab)
	sums := p.New(d, rows, 1)
	kernels.MatMul(p.Backend, kernels.MatMulArgs{C: logQ, A: x.T, B: w.T, TransB: true})
	kernels.LogSoftmax(p.Backend, logQ, logQ)
	kernels.Unary(p.Backend, kernels.Exp, part, logP)
	kernels.Binary(p.Backend, kernels.Sub, q, logP, logQ)
	kernels.Binary(p.Backend, kernels.Mul, q, q, part)
	kernels.Reduce(p.Backend, kernels.Sum, sums, q)
	kernels.Reduce(p.Backend, kernels.Sum, y.T, sums)
	if x.Tracked() {
		kernels.Unary(p.Backend, kernels.Exp, q, logQ)
		kernels.AddScaled(p.Backend, q, part, -1)
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: dX, A: q, B: w.T})
	}
	p.End(mark, Var{})
	if r := p.Record(linearKLOp{}, &y, x); r != nil {
		p.Save(r, 0, dX)
	}
	return y
}

type linearKLOp struct{}

func (linearKLOp) Name() string { return "linear_kl" }

func (linearKLOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), r.Saved[0].Shape()...)
	kernels.Binary(p.Backend, kernels.Mul, dX, r.Saved[0], dY.Reshape(1))
	p.Give(r.In[0], dX)
}
