package autograd_test

import (
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// One step of logistic regression: two rows of three features, two classes.
func Example() {
	be := ref.New()
	w := &autograd.Parameter{
		Name:      "w",
		Value:     tensor.MustNew(be, tensor.F32, 2, 3),
		Grad:      tensor.MustNew(be, tensor.F32, 2, 3),
		Trainable: true,
	}
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 0, 0, 1, 4}, 2, 3)
	targets := tensor.MustFromInts(be, []int32{0, 1}, 2)

	p := autograd.NewTrainingPass(be)
	logits := p.Linear(p.Input(x), p.Param(w), autograd.Var{})
	loss := p.Sum(p.CrossEntropy(logits, targets))
	fmt.Printf("loss %.4f\n", loss.T.Floats()[0]/2)
	p.Backward(loss, 0.5) // of the mean over the rows
	p.Reset()
	fmt.Printf("%.2f\n", w.Grad.Floats())
	// Output:
	// loss 0.6931
	// [-0.25 -0.25 1.00 0.25 0.25 -1.00]
}

// cube is x³: the backward half of an operation of our own. It has no state, so
// that a record of it costs nothing.
type cube struct{}

func (cube) Name() string { return "cube" }

// Backward hands x its gradient 3·x²·dY.
func (cube) Backward(p *autograd.Pass, r *autograd.Record, dY tensor.Tensor) {
	x := r.Saved[0]
	dX := p.New(dY.DType(), dY.Shape()...)
	kernels.Binary(p.Backend, kernels.Mul, dX, x, x)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, dY)
	three := p.New(dY.DType(), dY.Shape()...)
	kernels.Fill(p.Backend, three, 3)
	kernels.Binary(p.Backend, kernels.Mul, dX, dX, three)
	p.Give(r.In[0], dX)
}

// Cube is the forward half.
func Cube(p *autograd.Pass, x autograd.Var) autograd.Var {
	y := autograd.Var{T: p.New(x.T.DType(), x.T.Shape()...)}
	kernels.Binary(p.Backend, kernels.Mul, y.T, x.T, x.T)
	kernels.Binary(p.Backend, kernels.Mul, y.T, y.T, x.T)
	if r := p.Record(cube{}, &y, x); r != nil {
		p.Save(r, 0, x.T)
	}
	return y
}

// An operation of one's own: forward computes with kernels and asks for a
// record, a stateless type computes backward.
func ExampleOp() {
	be := ref.New()
	w := &autograd.Parameter{
		Value:     tensor.MustFromFloats(be, tensor.F32, []float64{1, -2, 3}, 3),
		Grad:      tensor.MustNew(be, tensor.F32, 3),
		Trainable: true,
	}
	p := autograd.NewTrainingPass(be)
	y := Cube(p, p.Param(w))
	loss := p.Sum(y)
	fmt.Println(y.T.Floats(), p.Ops())
	p.Backward(loss, 1)
	p.Reset()
	fmt.Println(w.Grad.Floats())

	Cube(p, p.Input(w.Value)) // nothing trainable beneath: no record
	fmt.Println(len(p.Ops()))
	// Output:
	// [1 -8 27] [cube sum]
	// [3 12 27]
	// 0
}
