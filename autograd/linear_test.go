package autograd_test

import (
	"math"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// fused is one way to write a feed-forward layer with three inner widths, and its
// gradients.
type fused struct {
	y, dX []float64
	dW    [][]float64
	alive int // bytes after forward
}

func runFused(be *cpu.Backend, round bool, forward func(p *autograd.Pass, x autograd.Var, w []autograd.Var) autograd.Var) fused {
	shapes := [][]int{{rowsN, width}, {hidden, width}, {hidden}, {width, hidden}, {width}, {hidden, width}}
	var params []*autograd.Parameter
	for i, s := range shapes {
		values := gradcheck.Random(be, uint64(i), s...).Floats()
		for i := range values {
			if round { // to small integers, whose sums are exact in any order
				values[i] = math.Round(values[i])
			}
		}
		params = append(params, &autograd.Parameter{
			Value: tensor.MustFromFloats(be, tensor.F32, values, s...), Grad: tensor.MustNew(be, tensor.F32, s...), Trainable: true,
		})
	}
	p := autograd.NewTrainingPass(be)
	w := make([]autograd.Var, len(params))
	for i := range w {
		w[i] = p.Param(params[i])
	}
	mark := p.Begin()
	y := p.End(mark, forward(p, w[0], w[1:]))
	out := fused{y: y.T.Floats(), alive: p.Arena.InUse()}
	p.Backward(p.Sum(p.Mul(y, y)), 1)
	out.dX = params[0].Grad.Floats()
	for _, w := range params[1:] {
		out.dW = append(out.dW, w.Grad.Floats())
	}
	return out
}

// TestFusedLinears holds activation and residual in the product, and several
// products as one, against the operations one by one: same bits, the residual's
// place in the order of sums apart, and with ReLU the activation's argument is not
// kept.
func TestFusedLinears(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for f := kernels.Func(0); f < kernels.NumFuncs; f++ {
		exact := f == kernels.Identity || f == kernels.ReLU || f == kernels.Neg
		add := (*autograd.Pass).LinearAdd
		if exact {
			add = func(p *autograd.Pass, residual, x autograd.Var, l autograd.Affine) autograd.Var {
				return p.Add(residual, p.Linear(x, l.W, l.Bias))
			}
		}
		plain := runFused(be, exact, func(p *autograd.Pass, x autograd.Var, w []autograd.Var) autograd.Var {
			h := p.Unary(f, p.Linear(x, w[0], w[1]))
			y := add(p, x, h, autograd.Affine{W: w[2], Bias: w[3]})
			gate, up := p.Linear(y, w[0], w[1]), p.Linear(y, w[4], autograd.Var{})
			return p.Mul(gate, up)
		})
		one := runFused(be, exact, func(p *autograd.Pass, x autograd.Var, w []autograd.Var) autograd.Var {
			h := p.LinearFunc(f, x, autograd.Affine{W: w[0], Bias: w[1]})
			y := p.LinearAdd(x, h, autograd.Affine{W: w[2], Bias: w[3]})
			gated := p.Linears(y, autograd.Affine{W: w[0], Bias: w[1]}, autograd.Affine{W: w[4]})
			return p.Mul(gated[0], gated[1])
		})
		if !same(plain.y, one.y) || !same(plain.dX, one.dX) || !slices.EqualFunc(plain.dW, one.dW, same) {
			t.Errorf("%v: fused operations differ from single ones", f)
		}
		if f == kernels.ReLU {
			if want := plain.alive - 4*rowsN*hidden; one.alive != want {
				t.Errorf("%v: %d bytes alive after forward, want %d", f, one.alive, want)
			}
		}
	}
}

// same compares numbers of which NaN equals NaN.
func same(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return x == y || x != x && y != y })
}
