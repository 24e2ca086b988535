package optim_test

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// Example_multilayerPerceptron learns whether points lie within a circle: two layers,
// mini-batches of 32, Adam.
func Example_multilayerPerceptron() {
	be := ref.New()
	x, inside := points(be, 256)

	w := nn.From(nn.Init{Device: be, Seed: 1})
	hidden, out := nn.NewLinear(w.At("hidden"), 2, 24, true), nn.NewLinear(w.At("out"), 24, 2, true)
	trained := tensor.Must(nn.Trainable(be, nn.Join(hidden.Params(), out.Params())))
	opt := tensor.Must(optim.NewAdamW(be, trained, optim.Config{LR: 0.01}))
	p := autograd.NewTrainingPass(be)
	for step := range 401 {
		from := step * 32 % 256
		scores := out.Forward(p, nn.LinearFunc(p, kernels.ReLU, hidden, p.Input(x.Slice(from, from+32))))
		loss := p.Mean(p.CrossEntropy(scores, inside.Slice(from, from+32)))
		if step%200 == 0 {
			fmt.Printf("step %3d  loss %.2f\n", step, loss.T.Floats()[0])
		}
		p.Backward(loss, 1)
		opt.Step(1)
		p.Reset()
	}
	// Output:
	// step   0  loss 0.63
	// step 200  loss 0.10
	// step 400  loss 0.05
}

// points returns n points [n 2] of a square of side 2, and whether each lies within the
// circle of half its area.
func points(be kernels.Backend, n int) (x, inside tensor.Tensor) {
	at, label := make([]float64, 2*n), make([]int32, n)
	for i := range n {
		_, a := math.Modf(float64(i) * 0.7548776662) // spread evenly: Roberts' R2 sequence
		_, b := math.Modf(float64(i) * 0.5698402910)
		at[2*i], at[2*i+1] = 2*a-1, 2*b-1
		if math.Hypot(at[2*i], at[2*i+1]) < math.Sqrt(2/math.Pi) {
			label[i] = 1
		}
	}
	return tensor.MustFromFloats(be, tensor.F32, at, n, 2), tensor.MustFromInts(be, label, n)
}
