package gradcheck_test

import (
	"fmt"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// square is x², an operation of our own; dX = 2·x·dY.
type square struct{}

func (square) Name() string { return "square" }

func (square) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	giveSlope(p, r, dY, 2)
}

// careless forgot the 2.
type careless struct{ square }

func (careless) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	giveSlope(p, r, dY, 1)
}

// forward is the half that both have.
func forward(p *autograd.Pass, op autograd.Op, x autograd.Var) autograd.Var {
	y := autograd.Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Binary(p.Backend, kernels.Mul, y.T, x.T, x.T)
	if r := p.Record(op, &y, x); r != nil {
		p.Save(r, 0, x.T)
	}
	return y
}

// giveSlope hands factor·x·dY to the input.
func giveSlope(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor, factor float64) {
	dX, slope := p.New(dY.DType(), dY.Shape()...), p.New(dY.DType(), dY.Shape()...)
	kernels.Binary(p.Backend, kernels.Mul, dX, r.Saved[0], dY)
	kernels.Fill(p.Backend, slope, factor)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, slope)
	p.Give(r.In[0], dX)
}

// An operation of our own is right if its gradient is that of its values. Inputs are in
// float64, of few elements, and away from where the operation has an edge.
func ExampleCheck() {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F64, []float64{-1.5, 0.2, 3}, 3)
	for name, op := range map[string]autograd.Op{"square": square{}, "careless": careless{}} {
		_, err := gradcheck.Check(be, func(p *autograd.Pass, in []autograd.Var) autograd.Var {
			return forward(p, op, in[0])
		}, x)
		fmt.Println(name, "is right:", err == nil)
	}
	// Unordered output:
	// square is right: true
	// careless is right: false
}
