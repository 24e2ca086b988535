package outside_test

import (
	"fmt"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// cube is an operation of our own, y = x³, made of kernels that every backend has:
//
//	dX = 3·x²·dY
func cube(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := autograd.Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Binary(p.Backend, kernels.Mul, y.T, x.T, x.T)
	kernels.Binary(p.Backend, kernels.Mul, y.T, y.T, x.T)
	if r := p.Record(cubeOp{}, &y, x); r != nil { // nil where nothing beneath is trained
		p.Save(r, 0, x.T)
	}
	return y
}

type cubeOp struct{}

func (cubeOp) Name() string { return "cube" }

func (cubeOp) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	x, three := r.Saved[0], p.New(dY.DType(), dY.Shape()...)
	dX := p.New(dY.DType(), dY.Shape()...)
	kernels.Fill(p.Backend, three, 3)
	kernels.Binary(p.Backend, kernels.Mul, dX, x, x)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, three)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, dY)
	p.Give(r.In[0], dX)
}

// Example_operation holds the gradient of an operation of our own against differences of
// its values, in float64.
func Example_operation() {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F64, []float64{-1.5, 0.2, 3, 0.7}, 2, 2)
	_, err := gradcheck.Check(be, func(p *autograd.Pass, in []autograd.Var) autograd.Var {
		return p.LogSoftmax(cube(p, in[0]))
	}, x)
	fmt.Println("right:", err == nil)
	// Output: right: true
}
