package autograd

import (
	"lamina/kernels"
	"lamina/tensor"
)

// Reshape returns x with other axes of equal product: no copy, and no record
// of its own kind beyond the shape of the gradient.
func (p *Pass) Reshape(x Var, shape ...int) Var {
	y := Var{T: x.T.Reshape(shape...)}
	if r := p.Record(reshapeOp{}, &y, x); r != nil {
		r.In[0].T = x.T // shape
	}
	return y
}

type reshapeOp struct{}

func (reshapeOp) Name() string { return "reshape" }

func (reshapeOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	p.Give(r.In[0], dY.Reshape(r.In[0].T.Shape()...))
}

// Transpose returns x with axis i of the result being axis perm[i] of x.
func (p *Pass) Transpose(x Var, perm ...int) Var {
	shape := make([]int, len(perm))
	for i, a := range perm {
		shape[i] = x.T.Dim(a)
	}
	y := Var{T: p.New(x.T.DType(), shape...)}
	kernels.Transpose(p.Backend, y.T, x.T, perm...)
	if r := p.Record(transposeOp{}, &y, x); r != nil {
		r.In[0].T = x.T // shape
		for i, a := range perm {
			r.Ints[a] = i // the inverse permutation
		}
	}
	return y
}

type transposeOp struct{}

func (transposeOp) Name() string { return "transpose" }

func (transposeOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), r.In[0].T.Shape()...)
	kernels.Transpose(p.Backend, dX, dY, r.Ints[:dY.Rank()]...)
	p.Give(r.In[0], dX)
}

// Slice returns elements [from, to) of one axis, copied.
func (p *Pass) Slice(x Var, axis, from, to int) Var {
	shape := x.T.Shape()
	shape[axis] = to - from
	y := Var{T: p.New(x.T.DType(), shape...)}
	kernels.CopyAxis(p.Backend, y.T, x.T, axis, 0, from, to-from, false)
	if r := p.Record(sliceOp{}, &y, x); r != nil {
		r.In[0].T = x.T // shape
		r.Ints = [4]int{axis, from, to - from}
	}
	return y
}

type sliceOp struct{}

func (sliceOp) Name() string { return "slice" }

func (sliceOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX, add := p.Grad(r.In[0], dY.DType(), r.In[0].T.Shape()...)
	if !add {
		kernels.Fill(p.Backend, dX, 0)
	}
	kernels.CopyAxis(p.Backend, dX, dY, r.Ints[0], r.Ints[1], 0, r.Ints[2], true)
}

// Concat joins a and b along one axis; longer lists are joined in turn.
func (p *Pass) Concat(axis int, a, b Var) Var {
	na, nb := a.T.Dim(axis), b.T.Dim(axis)
	shape := a.T.Shape()
	shape[axis] = na + nb
	y := Var{T: p.New(a.T.DType(), shape...)}
	kernels.CopyAxis(p.Backend, y.T, a.T, axis, 0, 0, na, false)
	kernels.CopyAxis(p.Backend, y.T, b.T, axis, na, 0, nb, false)
	if r := p.Record(concatOp{}, &y, a, b); r != nil {
		r.In[0].T, r.In[1].T = a.T, b.T // shapes
		r.Ints[0] = axis
	}
	return y
}

type concatOp struct{}

func (concatOp) Name() string { return "concat" }

func (concatOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	axis, from := r.Ints[0], 0
	for _, v := range r.In[:2] {
		n := v.T.Dim(axis)
		if v.Tracked() {
			d := p.New(dY.DType(), v.T.Shape()...)
			kernels.CopyAxis(p.Backend, d, dY, axis, 0, from, n, false)
			p.Give(v, d)
		}
		from += n
	}
}

// Gather returns rows ids [N] (I32) of a table [V D]: an embedding, or a choice
// of rows. The table may have any storage type; the result has type d. Its
// gradient touches only the rows that were used.
func (p *Pass) Gather(table Var, ids tensor.Tensor, d tensor.DType) Var {
	y := Var{T: p.New(d, ids.Len(), table.T.Cols())}
	kernels.Gather(p.Backend, y.T, table.T, ids)
	if r := p.Record(gatherOp{}, &y, table); r != nil {
		r.In[0].T = table.T // shape
		p.Save(r, 0, ids)
	}
	return y
}

type gatherOp struct{}

func (gatherOp) Name() string { return "gather" }

func (gatherOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	table := r.In[0]
	dTable, add := p.Grad(table, dY.DType(), table.T.Shape()...)
	if !add {
		kernels.Fill(p.Backend, dTable, 0)
	}
	kernels.ScatterAdd(p.Backend, dTable, r.Saved[0], dY)
}

// Sum returns the sum of all elements, or over the given axes, which stay with
// size 1.
func (p *Pass) Sum(x Var, axes ...int) Var {
	var shape []int
	if len(axes) > 0 {
		shape = x.T.Shape()
		for _, a := range axes {
			shape[a] = 1
		}
	}
	y := Var{T: p.New(x.T.DType(), shape...)}
	kernels.Reduce(p.Backend, kernels.Sum, y.T, x.T)
	if r := p.Record(sumOp{}, &y, x); r != nil {
		r.In[0].T = x.T // shape
	}
	return y
}

// Mean is Sum divided by the number of elements folded into each result.
func (p *Pass) Mean(x Var, axes ...int) Var {
	y := p.Sum(x, axes...)
	return p.Scale(y, float64(y.T.Len())/float64(x.T.Len()))
}

type sumOp struct{}

func (sumOp) Name() string { return "sum" }

func (sumOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	dX := p.New(dY.DType(), r.In[0].T.Shape()...)
	kernels.Fill(p.Backend, dX, 0)
	kernels.Binary(p.Backend, kernels.Add, dX, dX, dY)
	p.Give(r.In[0], dX)
}
