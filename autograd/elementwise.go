package autograd

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// Unary returns f(x) element by element; dX = dY·f'(x).
func (p *Pass) Unary(f kernels.Func, x Var) Var {
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Unary(p.Backend, f, y.T, x.T)
	if r := p.Record(unaryOp{}, &y, x); r != nil {
		p.Save(r, 0, x.T)
		r.Func = f
	}
	return y
}

type unaryOp struct{}

func (unaryOp) Name() string { return "unary" }

func (unaryOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.overwrite(dY)
	kernels.UnaryBackward(p.Backend, r.Func, dX, dY, r.Saved[0])
	p.Give(r.In[0], dX)
}

// Gated returns f(gate)·up, the middle of a gated feed-forward layer (SwiGLU: f = SiLU).
func (p *Pass) Gated(f kernels.Func, gate, up Var) Var {
	y := Var{T: p.New(gate.T.DType(), gate.T.Shape()...)}
	kernels.Gated(p.Backend, f, y.T, gate.T, up.T)
	if r := p.Record(gatedOp{}, &y, gate, up); r != nil {
		p.Save(r, 0, gate.T)
		p.Save(r, 1, up.T)
		r.Func = f
	}
	return y
}

type gatedOp struct{}

func (gatedOp) Name() string { return "gated" }

func (gatedOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dGate, dUp := p.New(dY.DType(), dY.Shape()...), p.New(dY.DType(), dY.Shape()...)
	kernels.GatedBackward(p.Backend, r.Func, dGate, dUp, dY, r.Saved[0], r.Saved[1])
	p.Give(r.In[0], dGate)
	p.Give(r.In[1], dUp)
}

// Add returns a + b with broadcasting.
func (p *Pass) Add(a, b Var) Var { return p.binary(kernels.Add, a, b) }

// Sub returns a - b with broadcasting.
func (p *Pass) Sub(a, b Var) Var { return p.binary(kernels.Sub, a, b) }

// Mul returns the element-wise product with broadcasting.
func (p *Pass) Mul(a, b Var) Var { return p.binary(kernels.Mul, a, b) }

// Div returns the element-wise quotient with broadcasting.
func (p *Pass) Div(a, b Var) Var { return p.binary(kernels.Div, a, b) }

func (p *Pass) binary(op kernels.BinaryOp, a, b Var) Var {
	y := Var{T: p.New(a.T.DType(), broadcast(op, a.T, b.T)...)}
	kernels.Binary(p.Backend, op, y.T, a.T, b.T)
	if r := p.Record(binaryOp{}, &y, a, b); r != nil {
		r.In[0].T, r.In[1].T = a.T, b.T // shapes
		r.Ints[0] = int(op)
		if op == kernels.Mul && a.Tracked() || op == kernels.Div {
			p.Save(r, 1, b.T)
		}
		if op == kernels.Mul && b.Tracked() || op == kernels.Div && b.Tracked() {
			p.Save(r, 0, a.T)
		}
	}
	return y
}

// broadcast returns the common shape by numpy's rule: axes are matched from
// the last, and a missing axis or one of size 1 stretches.
func broadcast(op kernels.BinaryOp, a, b tensor.Tensor) []int {
	rank := max(a.Rank(), b.Rank())
	shape := make([]int, rank)
	for i := range shape {
		da, db := 1, 1
		if j := i - (rank - a.Rank()); j >= 0 {
			da = a.Dim(j)
		}
		if j := i - (rank - b.Rank()); j >= 0 {
			db = b.Dim(j)
		}
		switch {
		case da == db || db == 1:
			shape[i] = da
		case da == 1:
			shape[i] = db
		default:
			panic(fmt.Sprintf("autograd: %s: shapes do not broadcast: %v · %v", op, a, b))
		}
	}
	return shape
}

type binaryOp struct{}

func (binaryOp) Name() string { return "binary" }

//	Add: dA = dY            dB = dY
//	Sub: dA = dY            dB = -dY
//	Mul: dA = dY·b          dB = dY·a
//	Div: dA = dY/b          dB = -dY·((a/b)/b), in this order, as torch has it
//
// each summed over the axes it was stretched along.
func (binaryOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	op := kernels.BinaryOp(r.Ints[0])
	if a := r.In[0]; a.Tracked() {
		g := dY
		if op == kernels.Mul || op == kernels.Div {
			g = p.New(dY.DType(), dY.Shape()...)
			kernels.Binary(p.Backend, op, g, dY, r.Saved[1])
		}
		p.Give(a, p.sumTo(g, a.T))
	}
	b := r.In[1]
	if !b.Tracked() {
		return
	}
	g := dY
	switch op {
	case kernels.Sub:
		g = p.New(dY.DType(), dY.Shape()...)
		kernels.Unary(p.Backend, kernels.Neg, g, dY)
	case kernels.Mul:
		g = p.New(dY.DType(), dY.Shape()...)
		kernels.Binary(p.Backend, kernels.Mul, g, dY, r.Saved[0])
	case kernels.Div:
		g = p.New(dY.DType(), dY.Shape()...)
		kernels.Binary(p.Backend, kernels.Div, g, r.Saved[0], r.Saved[1])
		kernels.Binary(p.Backend, kernels.Div, g, g, r.Saved[1])
		kernels.Binary(p.Backend, kernels.Mul, g, g, dY)
		kernels.Unary(p.Backend, kernels.Neg, g, g)
	}
	p.Give(b, p.sumTo(g, b.T))
}

// sumTo sums g over the axes along which a tensor of shape like was stretched.
func (p *Pass) sumTo(g, like tensor.Tensor) tensor.Tensor {
	if g.SameShape(like) {
		return g
	}
	shape := make([]int, g.Rank())
	for i := range shape {
		shape[i] = 1
		if j := i - (g.Rank() - like.Rank()); j >= 0 {
			shape[i] = like.Dim(j)
		}
	}
	out := p.New(g.DType(), shape...)
	kernels.Reduce(p.Backend, kernels.Sum, out, g)
	return out.Reshape(like.Shape()...)
}

// Scale returns s·x.
func (p *Pass) Scale(x Var, s float64) Var {
	y := Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	p.scaled(y.T, x.T, s)
	if r := p.Record(scaleOp{}, &y, x); r != nil {
		r.Scalar = s
	}
	return y
}

func (p *Pass) scaled(y, x tensor.Tensor, s float64) {
	kernels.Fill(p.Backend, y, 0)
	kernels.AddScaled(p.Backend, y, x, s)
}

type scaleOp struct{}

func (scaleOp) Name() string { return "scale" }

func (scaleOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), dY.Shape()...)
	p.scaled(dX, dY, r.Scalar)
	p.Give(r.In[0], dX)
}
