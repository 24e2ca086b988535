package autograd_test

import (
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// backends are those whose gradients must be the same at the ends of float32's range.
func backends(t *testing.T) []kernels.Backend {
	be := cpu.New(cpu.Options{})
	t.Cleanup(func() { be.Close() })
	return []kernels.Backend{be, ref.New()}
}

func parameter(be kernels.Backend, values []float64, shape ...int) *autograd.Parameter {
	return &autograd.Parameter{
		Value: tensor.MustFromFloats(be, tensor.F32, values, shape...), Grad: tensor.MustNew(be, tensor.F32, shape...), Trainable: true,
	}
}

// A quotient's gradients are torch's where a product of two of its numbers is beyond
// float32 and they are not.
func TestDivisionKeepsItsRange(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct{ a, b, dY, dA, dB float64 }{
		{1e30, 1e30, 1e10, 1e-20, -1e-20},
		{-1e25, 1e20, 1e20, 1, 1e5},
		{3e38, 2, 2, 1, -1.5e38},
		{1e-30, 1e-30, 1e-20, 1e10, -1e10},
		{3, -2, 1, -0.5, -0.75},
		{1, 0, 1, inf, -inf},
		{1, inf, 1, 0, 0},
		{inf, 2, 1, 0.5, -inf},
		{nan, 2, 1, 0.5, nan},
	} {
		for _, be := range backends(t) {
			p := autograd.NewTrainingPass(be)
			a, b := parameter(be, []float64{c.a}, 1), parameter(be, []float64{c.b}, 1)
			y := p.Div(p.Param(a), p.Param(b))
			if err := p.Backward(y, c.dY); err != nil {
				t.Fatal(err)
			}
			got, want := append(a.Grad.Floats(), b.Grad.Floats()...), []float64{c.dA, c.dB}
			for i, v := range got {
				if !(v == want[i] || v != v && want[i] != want[i] || math.Abs(v-want[i]) <= 4*0x1p-24*math.Abs(want[i])) {
					t.Errorf("%s: gradients of %v/%v at %v are %v, want %v", be.Name(), c.a, c.b, c.dY, got, want)
					break
				}
			}
		}
	}
}

// Adding one number to all logits of a row, exactly, changes neither loss nor gradient.
func TestCrossEntropyDoesNotSeeAnOffset(t *testing.T) {
	const rows, vocab = 3, 4100 // more than one piece
	logits := make([]float64, rows*vocab)
	for i := range logits {
		logits[i] = float64(i*7919%33)/4 - 3
	}
	for _, be := range backends(t) {
		run := func(offset float64) (loss, grad []float64) {
			moved := slices.Clone(logits)
			for i := range moved {
				moved[i] += offset
			}
			x := parameter(be, moved, rows, vocab)
			p := autograd.NewTrainingPass(be)
			y := p.CrossEntropy(p.Param(x), tensor.MustFromInts(be, []int32{5, 0, vocab - 1}, rows))
			loss = y.T.Floats()
			if err := p.Backward(p.Sum(y), 1); err != nil {
				t.Fatal(err)
			}
			return loss, x.Grad.Floats()
		}
		loss, grad := run(0)
		for _, offset := range []float64{1000, -1000, 1 << 20, -(1 << 21)} {
			if l, g := run(offset); !slices.Equal(l, loss) || !slices.Equal(g, grad) {
				t.Errorf("%s: with %v added to all logits the loss is %v, not %v, or the gradient another", be.Name(), offset, l, loss)
			}
		}
	}
}

// ReLU, alone and inside a product, passes a gradient on where its input is NaN, and
// nothing where it is not positive, whatever the gradient is.
func TestReLUOfNaN(t *testing.T) {
	nan := math.NaN()
	for _, be := range backends(t) {
		for name, relu := range map[string]func(p *autograd.Pass, x autograd.Var) autograd.Var{
			"alone": func(p *autograd.Pass, x autograd.Var) autograd.Var { return p.Unary(kernels.ReLU, x) },
			"in a product": func(p *autograd.Pass, x autograd.Var) autograd.Var {
				one := p.Input(tensor.MustFromFloats(be, tensor.F32, []float64{1}, 1, 1))
				return p.LinearFunc(kernels.ReLU, x, autograd.Affine{W: one})
			},
		} {
			x := parameter(be, []float64{nan, -1, 0, 2, math.Inf(1), math.Inf(-1)}, 6, 1)
			p := autograd.NewTrainingPass(be)
			if err := p.Backward(p.Sum(relu(p, p.Param(x))), 3); err != nil {
				t.Fatal(err)
			}
			if got, want := x.Grad.Floats(), []float64{3, 0, 0, 3, 3, 0}; !slices.Equal(got, want) {
				t.Errorf("%s: ReLU %s: gradient %v, want %v", be.Name(), name, got, want)
			}
		}
	}
}
