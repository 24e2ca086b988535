package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// Affine is what a linear layer multiplies by and adds: W [M P] in any storage type
// if frozen, bias [M] or absent. With InOut W is stored the other way around, [P M].
type Affine struct {
	W, Bias Var
	InOut   bool
}

// width returns M.
func (l Affine) width() int {
	if l.InOut {
		return l.W.T.Dim(1)
	}
	return l.W.T.Dim(0)
}

// Linear returns x·wᵀ + bias: x [N P], w [M P] in any storage type if frozen,
// bias [M] or absent; the result is [N M].
//
//	dX = dY·w      dW += dYᵀ·x      dBias += Σ_rows dY
//
// x is saved only if w is trained. In a decoding pass the product is
// [kernels.MatVec].
func (p *Pass) Linear(x, w, bias Var) Var {
	return p.LinearFunc(kernels.Identity, x, Affine{W: w, Bias: bias})
}

// LinearFunc returns f(x·Wᵀ + bias) as one product; see [Pass.Linear].
//
//	dX = (dY·f')·W      and so on
//
// Where it is recorded and f' does not follow from the result, as ReLU's does,
// it is [Pass.Unary] of [Pass.Linear].
func (p *Pass) LinearFunc(f kernels.Func, x Var, l Affine) Var {
	if p.tape != nil && f != kernels.Identity && f != kernels.ReLU {
		return p.Unary(f, p.LinearFunc(kernels.Identity, x, l))
	}
	y := p.linearResult(x, l)
	p.product(linearArgs(y, x, l, f, Var{}))
	p.recordLinear(&y, x, l, f, Var{})
	return y
}

// LinearAdd returns residual + x·Wᵀ + bias as one product: residual [N M]; see
// [Pass.Linear]. The gradient of the residual is dY itself.
func (p *Pass) LinearAdd(residual, x Var, l Affine) Var {
	y := p.linearResult(x, l)
	p.product(linearArgs(y, x, l, kernels.Identity, residual))
	p.recordLinear(&y, x, l, kernels.Identity, residual)
	return y
}

// Linears is [Pass.Linear] of one x for each of several layers, as one call of
// the backend: queries, keys and values; gate and up. Their parts of dX are added
// from the last layer to the first.
func (p *Pass) Linears(x Var, layers ...Affine) []Var {
	ys := make([]Var, len(layers))
	for i, l := range layers {
		ys[i] = p.linearResult(x, l)
		p.products = append(p.products, linearArgs(ys[i], x, l, kernels.Identity, Var{}))
	}
	if p.Decoding {
		kernels.MatVecs(p.Backend, p.products)
	} else {
		kernels.MatMuls(p.Backend, p.products)
	}
	clear(p.products)
	p.products = p.products[:0]
	for i, l := range layers {
		p.recordLinear(&ys[i], x, l, kernels.Identity, Var{})
	}
	return ys
}

func (p *Pass) linearResult(x Var, l Affine) Var {
	return Var{T: p.New(x.T.DType(), x.T.Rows(), l.width())}
}

func linearArgs(y, x Var, l Affine, f kernels.Func, residual Var) kernels.MatMulArgs {
	return kernels.MatMulArgs{C: y.T, A: x.T, B: l.W.T, TransB: !l.InOut, Bias: l.Bias.T, Func: f, Residual: residual.T}
}

// product runs a Linear's product, in the order of sums of decoding where the pass
// asks for that.
func (p *Pass) product(a kernels.MatMulArgs) {
	if !p.Decoding {
		kernels.MatMul(p.Backend, a)
		return
	}
	kernels.MatVec(p.Backend, a)
}

func (p *Pass) recordLinear(y *Var, x Var, l Affine, f kernels.Func, residual Var) {
	w := l.W
	r := p.Record(linearOp{}, y, x, w, l.Bias, residual)
	if r == nil {
		return
	}
	if w.Tracked() {
		p.Save(r, 0, x.T)
	}
	if x.Tracked() {
		p.Save(r, 1, w.T)
	}
	if f == kernels.ReLU {
		p.Save(r, 2, y.T)
	}
	r.Ints = [4]int{x.T.Rows(), l.width(), x.T.Cols(), bit(l.InOut)}
}

type linearOp struct{}

func (linearOp) Name() string { return "linear" }

func (linearOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	n, m, k, inOut := r.Ints[0], r.Ints[1], r.Ints[2], r.Ints[3] == 1
	if y := r.Saved[2]; !y.IsNone() { // y > 0 where its argument is
		g := p.overwrite(dY)
		kernels.UnaryBackward(p.Backend, kernels.ReLU, g, dY, y)
		dY = g
	}
	if x := r.In[0]; x.Tracked() {
		dX, add := p.Grad(x, dY.DType(), n, k)
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: dX, A: dY, B: r.Saved[1], TransB: inOut, Accumulate: add})
	}
	if w := r.In[1]; w.Tracked() {
		args := kernels.MatMulArgs{A: dY, B: r.Saved[0], TransA: true}
		if inOut {
			m, k, args.A, args.B = k, m, args.B, args.A
		}
		args.C, args.Accumulate = p.Grad(w, dY.DType(), m, k)
		kernels.MatMul(p.Backend, args)
	}
	if bias := r.In[2]; bias.Tracked() {
		dB := p.New(dY.DType(), 1, dY.Cols())
		kernels.Reduce(p.Backend, kernels.Sum, dB, dY)
		p.Give(bias, dB.Reshape(dY.Cols()))
	}
	p.Give(r.In[3], dY)
}

// MatMul returns op(a)·op(b) of two matrices, op transposing where asked.
//
//	dA = dY·bᵀ      dB = aᵀ·dY      (with op taken into account)
func (p *Pass) MatMul(a, b Var, transA, transB bool) Var {
	m, n := a.T.Dim(0), b.T.Dim(1)
	if transA {
		m = a.T.Dim(1)
	}
	if transB {
		n = b.T.Dim(0)
	}
	y := Var{T: p.New(a.T.DType(), m, n)}
	kernels.MatMul(p.Backend, kernels.MatMulArgs{C: y.T, A: a.T, B: b.T, TransA: transA, TransB: transB})
	if r := p.Record(matmulOp{}, &y, a, b); r != nil {
		if b.Tracked() {
			p.Save(r, 0, a.T)
		}
		if a.Tracked() {
			p.Save(r, 1, b.T)
		}
		r.Ints = [4]int{bit(transA), bit(transB)}
		r.In[0].T, r.In[1].T = a.T, b.T // shapes
	}
	return y
}

type matmulOp struct{}

func (matmulOp) Name() string { return "matmul" }

func (matmulOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	ta, tb := r.Ints[0] == 1, r.Ints[1] == 1
	if a := r.In[0]; a.Tracked() {
		dA, add := p.Grad(a, dY.DType(), a.T.Shape()...)
		args := kernels.MatMulArgs{C: dA, A: dY, B: r.Saved[1], TransB: !tb, Accumulate: add}
		if ta { // stored transposed: dA = op(b)·dYᵀ
			args = kernels.MatMulArgs{C: dA, A: r.Saved[1], B: dY, TransA: tb, TransB: true, Accumulate: add}
		}
		kernels.MatMul(p.Backend, args)
	}
	if b := r.In[1]; b.Tracked() {
		dB, add := p.Grad(b, dY.DType(), b.T.Shape()...)
		args := kernels.MatMulArgs{C: dB, A: r.Saved[0], B: dY, TransA: !ta, Accumulate: add}
		if tb { // stored transposed: dB = dYᵀ·op(a)
			args = kernels.MatMulArgs{C: dB, A: dY, B: r.Saved[0], TransA: true, TransB: ta, Accumulate: add}
		}
		kernels.MatMul(p.Backend, args)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
