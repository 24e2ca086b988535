// Spirals tells two interleaved spirals apart with a small network: tensors,
// training and an operation of its own, and no language model.
//
//	go run ./examples/spirals
package main

import (
	"fmt"
	"math"
	"os"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

const (
	points = 200 // in each of the two sets, half of them on either spiral
	hidden = 64
	steps  = 300
)

func main() {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	net, err := train(be, func(step int, loss float64) {
		if step%100 == 0 {
			fmt.Printf("step %3d  loss %.1f\n", step, loss)
		}
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("right on %.0f%% of the points between\n", 100*net.accuracy(be))
}

// network is two linear layers with a bump between them.
type network struct{ in, out *nn.Linear }

// newNetwork takes its first weights from a seed; wide ones in front, so that
// the bumps stand at many angles and places.
func newNetwork(be kernels.Backend) network {
	return network{
		in:  nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 1, Std: 4}).At("in"), 2, hidden, true),
		out: nn.NewLinear(nn.From(nn.Init{Device: be, Seed: 1, Std: 0.5}).At("out"), hidden, 2, true),
	}
}

// Params yields the parameters.
func (n network) Params() nn.Params { return nn.Join(n.in.Params(), n.out.Params()) }

// Forward maps points [N 2] to the scores of the two spirals [N 2].
func (n network) Forward(p *autograd.Pass, x autograd.Var) autograd.Var {
	return n.out.Forward(p, bump(p, n.in.Forward(p, x)))
}

// train runs full-batch AdamW and reports the mean loss before each step.
func train(be kernels.Backend, report func(step int, loss float64)) (network, error) {
	net := newNetwork(be)
	trained, err := nn.Trainable(be, net.Params())
	if err != nil {
		return net, err
	}
	opt, err := optim.NewAdamW(be, trained, optim.Config{LR: 0.1, Clip: 1})
	if err != nil {
		return net, err
	}
	defer opt.Close()
	rate := optim.Schedule{Kind: optim.Cosine, Warmup: 10, Steps: steps}
	x, labels := spirals(be, 0)

	p := autograd.NewTrainingPass(be)
	defer p.Close()
	for step := range steps {
		loss := p.Mean(p.CrossEntropy(net.Forward(p, p.Input(x)), labels))
		report(step, loss.T.Floats()[0])
		if err := p.Backward(loss, 1); err != nil {
			return net, err
		}
		opt.Step(rate.Factor(step))
		p.Reset()
	}
	trained.Freeze()
	return net, nil
}

// accuracy is the share of right answers half-way between the training points.
func (n network) accuracy(be kernels.Backend) float64 {
	x, labels := spirals(be, 0.5)
	p := autograd.NewPass(be)
	defer p.Close()
	scores := n.Forward(p, p.Input(x))
	best := p.New(tensor.I32, labels.Len())
	kernels.ArgMax(p.Backend, best, scores.T)
	right := 0
	want := labels.Ints()
	for i, got := range best.Ints() {
		if got == want[i] {
			right++
		}
	}
	return float64(right) / float64(len(want))
}

// spirals returns points [points 2] and the spiral, 0 or 1, that each lies on,
// moved by shift steps along it.
func spirals(be kernels.Backend, shift float64) (x, labels tensor.Tensor) {
	xs := make([]float64, 0, 2*points)
	which := make([]int32, points)
	for i := range which {
		which[i] = int32(i % 2)
		along := (float64(i/2) + shift) / (points / 2)
		angle := 1.5*2*math.Pi*along + math.Pi*float64(which[i])
		radius := 0.1 + 0.9*along
		xs = append(xs, radius*math.Cos(angle), radius*math.Sin(angle))
	}
	return tensor.MustFromFloats(be, tensor.F32, xs, points, 2), tensor.MustFromInts(be, which, points)
}
