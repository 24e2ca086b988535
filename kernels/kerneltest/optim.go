package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var updateRows = []row{
	{"SumSquares", (*suite).sumSquares},
	{"ClipCoefficient", (*suite).clipCoefficient},
	{"AdamW", (*suite).adamW},
}

// sumSquares is float64 whatever the type of x: the bound is γ_n of float64.
func (s *suite) sumSquares(t *testing.T) {
	for _, n := range append(sizes(), 4095, 4096, 4097, 100003) {
		src := newSource(uint64(n))
		x := src.normal(n, 1)
		s.check(t, testCase{
			name:     named("SumSquares %d", n),
			operands: []operand{inOut("sum", []float64{3.25}, 1).as(tensor.F64), in("x", x, n)},
			run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.SumSquares(be, o[0], o[1]) },
			bound:    func(_, _ int, want, _ float64) float64 { return 2 * gamma(n+2, 0x1p-53) * want },
		})
	}
	s.check(t, testCase{
		name:     "SumSquares of large numbers", // beyond float32, within float64
		operands: []operand{inOut("sum", []float64{0}, 1).as(tensor.F64), in("x", rounded([]float64{1e30, -3e38, 1}, tensor.F32), 3)},
		run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.SumSquares(be, o[0], o[1]) },
		bound:    func(_, _ int, want, _ float64) float64 { return 4 * 0x1p-53 * want },
	})
}

func (s *suite) clipCoefficient(t *testing.T) {
	for _, sum := range []float64{0, 1e-20, 0.5, 1, 1.0001, 4, 1e10, 1e60, math.Inf(1), math.NaN()} {
		for _, maxNorm := range []float64{1, 0.1, 5} {
			s.check(t, testCase{
				name:     named("ClipCoefficient(%v, %v)", sum, maxNorm),
				operands: []operand{out("coef", 1), in("sum", []float64{sum}, 1).as(tensor.F64)},
				run:      func(be kernels.Backend, o []tensor.Tensor) { kernels.ClipCoefficient(be, o[0], o[1], maxNorm) },
				bound:    ulps(2),
			})
		}
	}
}

func (s *suite) adamW(t *testing.T) {
	for _, n := range sizes() {
		for i, step := range []int{1, 2, 1000} {
			src := newSource(uint64(n) + uint64(i))
			a := adamRow{
				w: src.normal(n, 1), grad: src.normal(n, 0.1), m: src.normal(n, 0.01), v: src.normal(n, 0.01), coef: 1,
				args: kernels.AdamWArgs{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: []float64{0, 0.1, 0.01}[i], Step: step},
			}
			for j, v := range a.v {
				a.v[j] = float64(float32(v * v))
				if step == 1 {
					a.m[j], a.v[j] = 0, 0
				}
			}
			s.check(t, a.testCase(false))
			a.coef = 0.3125
			s.check(t, a.testCase(true))
			a.args.ZeroGrad = true
			s.check(t, a.testCase(true))
		}
	}
}

// adamRow is one step of AdamW.
type adamRow struct {
	w, grad, m, v []float64
	coef          float64
	args          kernels.AdamWArgs
}

func (a adamRow) testCase(withCoef bool) testCase {
	n := len(a.w)
	c := testCase{
		name:     named("AdamW %d step %d coef %v zeroing %t", n, a.args.Step, a.coef, a.args.ZeroGrad),
		operands: []operand{inOut("W", a.w, n, 1).rows(), inOut("M", a.m, n, 1).rows(), inOut("V", a.v, n, 1).rows(), in("Grad", a.grad, n, 1).rows()},
		bound:    a.bound,
		poison:   []int{0, 1, 2, 3},
	}
	if a.args.ZeroGrad {
		c.operands[3] = inOut("Grad", a.grad, n, 1).rows()
	}
	if withCoef {
		c.operands = append(c.operands, in("Coef", []float64{a.coef}, 1))
	}
	c.run = func(be kernels.Backend, o []tensor.Tensor) {
		args := a.args
		args.W, args.M, args.V, args.Grad = o[0], o[1], o[2], o[3]
		if withCoef {
			args.Coef = o[4]
		}
		kernels.AdamW(be, args)
	}
	return c
}

// bound allows a few roundings of each term. The update m̂/(√v̂+ε) is off by that
// of m relative to its terms, and by half that of v.
func (a adamRow) bound(o, i int, want, u float64) float64 {
	p := a.args
	g := math.Abs(a.coef * a.grad[i])
	mSize := math.Abs(a.m[i]) + 3*(1-p.Beta1)*(g+math.Abs(a.m[i]))
	v := p.Beta2*a.v[i] + (1-p.Beta2)*g*g
	switch o {
	case 1:
		return 3 * u * mSize
	case 2:
		return 6 * u * v
	case 3:
		return 0 // the gradient, set to 0
	}
	t := float64(p.Step)
	denominator := math.Sqrt(v)/math.Sqrt(1-math.Pow(p.Beta2, t)) + p.Eps
	update := p.LR / (1 - math.Pow(p.Beta1, t)) * mSize / denominator
	return u * (3*math.Abs(a.w[i]) + 12*update)
}
