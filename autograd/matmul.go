package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// Linear returns x·wᵀ + bias: x [N P], w [M P] in any storage type if frozen,
// bias [M] or absent; the result is [N M].
//
//	dX = dY·w      dW += dYᵀ·x      dBias += Σ_rows dY
//
// x is saved only if w is trained. In a decoding pass the product is
// [kernels.MatVec].
func (p *Pass) Linear(x, w, bias Var) Var { return p.LinearFunc(kernels.Identity, x, w, bias) }

// LinearFunc returns f(x·wᵀ + bias) as one product; see [Pass.Linear].
//
//	dX = (dY·f')·w      and so on
//
// Where it is recorded and f' does not follow from the result, as ReLU's does,
// it is [Pass.Unary] of [Pass.Linear].
func (p *Pass) LinearFunc(f kernels.Func, x, w, bias Var) Var {
	if p.Tape != nil && f != kernels.Identity && f != kernels.ReLU {
		return p.Unary(f, p.Linear(x, w, bias))
	}
	y := p.linearResult(x, w)
	p.product(linearArgs(y, x, w, bias, f, Var{}))
	p.recordLinear(&y, x, w, bias, f, Var{})
	return y
}

// LinearAdd returns residual + x·wᵀ + bias as one product: residual [N M]; see
// [Pass.Linear]. The gradient of the residual is dY itself.
func (p *Pass) LinearAdd(residual, x, w, bias Var) Var {
	y := p.linearResult(x, w)
	p.product(linearArgs(y, x, w, bias, kernels.Identity, residual))
	p.recordLinear(&y, x, w, bias, kernels.Identity, residual)
	return y
}

// Affine is what a linear layer multiplies by and adds: w [M P], bias [M] or
// absent.
type Affine struct{ W, Bias Var }

// Linears is [Pass.Linear] of one x for each of several layers, as one call of
// the backend: queries, keys and values; gate and up. Their parts of dX are added
// from the last layer to the first.
func (p *Pass) Linears(x Var, layers ...Affine) []Var {
	ys := make([]Var, len(layers))
	for i, l := range layers {
		ys[i] = p.linearResult(x, l.W)
		p.products = append(p.products, linearArgs(ys[i], x, l.W, l.Bias, kernels.Identity, Var{}))
	}
	if p.Decoding {
		kernels.MatVecs(p.Backend, p.products)
	} else {
		kernels.MatMuls(p.Backend, p.products)
	}
	clear(p.products)
	p.products = p.products[:0]
	for i, l := range layers {
		p.recordLinear(&ys[i], x, l.W, l.Bias, kernels.Identity, Var{})
	}
	return ys
}

func (p *Pass) linearResult(x, w Var) Var {
	return Var{T: p.New(x.T.DType(), x.T.Rows(), w.T.Dim(0))}
}

func linearArgs(y, x, w, bias Var, f kernels.Func, residual Var) kernels.MatMulArgs {
	return kernels.MatMulArgs{C: y.T, A: x.T, B: w.T, TransB: true, Bias: bias.T, Func: f, Residual: residual.T}
}

// product runs a Linear's product, by rows of the weight where a decoding pass
// asks for that.
func (p *Pass) product(a kernels.MatMulArgs) {
	if !p.Decoding {
		kernels.MatMul(p.Backend, a)
		return
	}
	kernels.MatVec(p.Backend, a)
}

func (p *Pass) recordLinear(y *Var, x, w, bias Var, f kernels.Func, residual Var) {
	r := p.Record(linearOp{}, y, x, w, bias, residual)
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
	r.Ints = [4]int{x.T.Rows(), w.T.Dim(0), w.T.Dim(1)}
}

type linearOp struct{}

func (linearOp) Name() string { return "linear" }

func (linearOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	n, m, k := r.Ints[0], r.Ints[1], r.Ints[2]
	if y := r.Saved[2]; !y.IsNone() { // y > 0 where its argument is
		g := p.overwrite(dY)
		kernels.UnaryBackward(p.Backend, kernels.ReLU, g, dY, y)
		dY = g
	}
	if x := r.In[0]; x.Tracked() {
		dX, add := p.Grad(x, dY.DType(), n, k)
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: dX, A: dY, B: r.Saved[1], Accumulate: add})
	}
	if w := r.In[1]; w.Tracked() {
		dW, add := p.Grad(w, dY.DType(), m, k)
		kernels.MatMul(p.Backend, kernels.MatMulArgs{C: dW, A: dY, B: r.Saved[0], TransA: true, Accumulate: add})
	}
	if bias := r.In[2]; bias.Tracked() {
		dB := p.New(dY.DType(), 1, m)
		kernels.Reduce(p.Backend, kernels.Sum, dB, dY)
		p.Give(bias, dB.Reshape(m))
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
