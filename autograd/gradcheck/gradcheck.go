// Package gradcheck compares gradients with central differences in float64.
//
//	worst, err := gradcheck.Check(ref.New(), func(p *autograd.Pass, in []autograd.Var) autograd.Var {
//		return p.Unary(kernels.SiLU, in[0])
//	}, x)
//
// The bar is |analytic - numeric| ≤ 1e-6·max(1, |analytic|) for every element of
// every input, under a random upstream gradient. It is for tests, of this
// module's operations and of anybody's own.
package gradcheck

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/tensor"
)

// Bar is the largest error accepted, relative to max(1, |gradient|).
const Bar = 1e-6

// step is the half width of the difference: its truncation error is about
// step²·f‴/6 and its rounding error ε·|f|/step, both near 1e-10.
const step = 1e-5

// Check differentiates Σ u·f(inputs), u random, with respect to every element of
// the F64 inputs. It returns the worst relative error and, beyond [Bar], an error
// naming input and element. f may be called many times and must be a function
// of its inputs alone; integer inputs are passed through untouched.
func Check(be kernels.Backend, f func(p *autograd.Pass, in []autograd.Var) autograd.Var, inputs ...tensor.Tensor) (worst float64, err error) {
	params := make([]*autograd.Parameter, len(inputs))
	for i, t := range inputs {
		params[i] = &autograd.Parameter{Name: fmt.Sprintf("input %d", i), Value: t}
		if t.DType() == tensor.F64 {
			params[i].Trainable = true
			if params[i].Grad, err = tensor.New(be, tensor.F64, t.Shape()...); err != nil {
				return 0, err
			}
			defer params[i].Grad.Free()
		}
	}
	p := autograd.NewTrainingPass(be)
	p.Arena.Poison = true
	defer p.Close()
	weighted := func(p *autograd.Pass) autograd.Var {
		in := make([]autograd.Var, len(params))
		for i, w := range params {
			in[i] = p.Param(w)
		}
		mark := p.Begin()
		y := f(p, in)
		return p.End(mark, p.Sum(p.Mul(y, p.Input(upstream(be, y.T)))))
	}
	if err := p.Backward(weighted(p), 1); err != nil {
		return 0, err
	}
	p.Reset()

	inference := autograd.NewPass(be)
	inference.Arena.Poison = true
	defer inference.Close()
	value := func() float64 {
		v := weighted(inference).T.Floats()[0]
		inference.Reset()
		return v
	}
	for i, w := range params {
		if !w.Trainable {
			continue
		}
		analytic, at := w.Grad.Floats(), w.Value.Floats()
		for j := range at {
			x := at[j]
			at[j] = x + step
			w.Value.SetFloats(at)
			up := value()
			at[j] = x - step
			w.Value.SetFloats(at)
			down := value()
			at[j] = x
			w.Value.SetFloats(at)
			numeric := (up - down) / (2 * step)
			e := math.Abs(analytic[j]-numeric) / max(1, math.Abs(analytic[j]))
			if !(e <= worst) {
				worst = e
			}
			if !(e <= Bar) && err == nil {
				err = fmt.Errorf("gradcheck: input %d element %d: gradient %.9g, differences %.9g", i, j, analytic[j], numeric)
			}
		}
	}
	return worst, err
}

// upstream is a fixed random tensor of y's shape.
func upstream(be kernels.Backend, y tensor.Tensor) tensor.Tensor {
	return Random(be, 7919, y.Shape()...)
}

// Random returns a fixed F64 tensor of standard normal numbers.
func Random(be kernels.Backend, seed uint64, shape ...int) tensor.Tensor {
	t := tensor.MustNew(be, tensor.F64, shape...)
	values := make([]float64, t.Len())
	rng := philox.New(seed, 0)
	for i := range values {
		values[i] = rng.Normal(uint64(i))
	}
	t.SetFloats(values)
	return t
}
