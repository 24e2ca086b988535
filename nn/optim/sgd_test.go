package optim_test

import (
	"fmt"
	"math"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
)

// two returns trainable parameters of 3 and 4 weights.
func two(t *testing.T, be kernels.Backend, start []float64) *nn.Trained {
	t.Helper()
	a := &autograd.Parameter{Name: "a", Value: tensor.MustFromFloats(be, tensor.F32, start[:3], 3)}
	b := &autograd.Parameter{Name: "b", Value: tensor.MustFromFloats(be, tensor.F32, start[3:], 4)}
	trained, err := nn.Trainable(be, nn.List(a, b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(trained.Close)
	return trained
}

// TestSGDEqualsTorch takes ten steps as torch.optim.SGD takes them in float64: a weight is
// rounded some six times a step, to 2⁻²⁴ of the largest number that meets it.
func TestSGDEqualsTorch(t *testing.T) {
	fast := cpu.New(cpu.Options{})
	defer fast.Close()
	for _, be := range []kernels.Backend{ref.New(), fast} {
		for _, c := range read(t).SGD {
			if c.Steps != 10 {
				t.Fatalf("golden of %d steps", c.Steps)
			}
			trained := two(t, be, c.Start)
			opt, err := optim.NewSGD(be, trained, optim.SGDConfig{LR: c.LR, Momentum: c.Momentum, Nesterov: c.Nesterov, WeightDecay: c.WeightDecay, Clip: c.Clip})
			if err != nil {
				t.Fatal(err)
			}
			rate := optim.Schedule{Kind: optim.Linear, Steps: c.Steps}
			for step, want := range c.Weights {
				trained.Grads.SetFloats(c.Grads[step])
				if norm := opt.Step(rate.Factor(step)); math.Abs(norm-c.Norms[step]) > 1e-12*norm {
					t.Errorf("%s: step %d: norm %v, want %v", be.Name(), step, norm, c.Norms[step])
				}
				for i, got := range trained.Values.Floats() {
					if bar := float64(6*(step+1)) * 4 * 0x1p-24; math.Abs(got-want[i]) > bar {
						t.Errorf("%s, nesterov %t, clip %v: step %d: weight %d is %v, want %v", be.Name(), c.Nesterov, c.Clip, step, i, got, want[i])
					}
				}
				for _, g := range trained.Grads.Floats() {
					if g != 0 {
						t.Fatal("a gradient is left")
					}
				}
			}
			opt.Close()
		}
	}
}

// TestSGDGoesOn takes five steps, and five more with an optimiser that was given the state
// of the first: the bits are those of ten.
func TestSGDGoesOn(t *testing.T) {
	c, be := read(t).SGD[0], ref.New()
	run := func(again bool) []float64 {
		trained := two(t, be, c.Start)
		config := optim.SGDConfig{LR: c.LR, Momentum: c.Momentum, Nesterov: true, WeightDecay: c.WeightDecay, Clip: c.Clip}
		opt := tensor.Must(optim.NewSGD(be, trained, config))
		for step := range c.Steps {
			if again && step == 5 {
				next := tensor.Must(optim.NewSGD(be, trained, config))
				for name, s := range opt.State() {
					next.State()[name].SetFloat32s(s.Float32s())
				}
				next.SetSteps(opt.Steps())
				opt.Close()
				opt = next
			}
			trained.Grads.SetFloats(c.Grads[step])
			opt.Step(1)
		}
		defer opt.Close()
		if opt.Steps() != c.Steps {
			t.Errorf("%d steps, want %d", opt.Steps(), c.Steps)
		}
		return trained.Values.Floats()
	}
	if one, two := fmt.Sprint(run(false)), fmt.Sprint(run(true)); one != two {
		t.Errorf("%v and %v", one, two)
	}
}

func TestSGDLeavesOutWhatIsNotFinite(t *testing.T) {
	be := ref.New()
	trained := two(t, be, []float64{1, 2, 3, 4, 5, 6, 7})
	opt := tensor.Must(optim.NewSGD(be, trained, optim.SGDConfig{LR: 1, Momentum: 0.9, Nesterov: true, Clip: 1}))
	defer opt.Close()
	trained.Grads.SetFloats([]float64{1, math.NaN(), 0, 0, 0, 0, 0})
	if norm := opt.Step(1); !math.IsNaN(norm) || opt.Steps() != 0 || trained.Values.Floats()[0] != 1 || trained.Grads.Floats()[0] != 0 {
		t.Errorf("norm %v, %d steps, weights %v, gradients %v", norm, opt.Steps(), trained.Values.Floats(), trained.Grads.Floats())
	}
	for _, bad := range []optim.SGDConfig{{}, {LR: 1, Momentum: 1}, {LR: 1, Nesterov: true}, {LR: 1, WeightDecay: -1}, {LR: 1, Clip: math.NaN()}} {
		if _, err := optim.NewSGD(be, trained, bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
