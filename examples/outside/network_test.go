package outside_test

import (
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// Example_network learns the exclusive or of two numbers' signs: two layers,
// mini-batches, Adam.
func Example_network() {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	w := nn.From(nn.Init{Device: be, Seed: 1})
	hidden, out := nn.NewLinear(w.At("hidden"), 2, 16, true), nn.NewLinear(w.At("out"), 16, 2, true)
	trained := tensor.Must(nn.Trainable(be, nn.Join(hidden.Params(), out.Params())))
	defer trained.Close()
	adam := tensor.Must(optim.NewAdamW(be, trained, optim.Config{LR: 0.02}))
	defer adam.Close()
	p := autograd.NewTrainingPass(be)
	defer p.Close()

	loss := 0.0
	for step := range 300 {
		x, labels := batch(be, step)
		scores := out.Forward(p, nn.LinearFunc(p, kernels.ReLU, hidden, p.Input(x)))
		mean := p.Mean(p.CrossEntropy(scores, labels))
		if err := p.Backward(mean, 1); err != nil {
			fmt.Println(err) // of memory, or of the device
			return
		}
		loss = mean.T.Floats()[0]
		adam.Step(1)
		p.Reset()
		x.Free()
		labels.Free()
	}
	fmt.Println("learned:", loss < 0.1)
	// Output: learned: true
}

// batch returns 32 points [32 2] of a square around 0 and, for each, whether its
// coordinates differ in sign.
func batch(be kernels.Backend, step int) (x, labels tensor.Tensor) {
	const n = 32
	at, differ := make([]float32, 2*n), make([]int32, n)
	for i := range n {
		k := uint32(step*n + i)
		at[2*i], at[2*i+1] = float32(k*2654435761>>8%2001)/1000-1, float32(k*2246822519>>8%2001)/1000-1
		if at[2*i]*at[2*i+1] < 0 {
			differ[i] = 1
		}
	}
	return tensor.MustFromFloat32s(be, tensor.F32, at, n, 2), tensor.MustFromInts(be, differ, n)
}
