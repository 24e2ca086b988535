package kerneltest

import (
	"math"
	"sync"
	"testing"

	"lamina/kernels"
)

// q8Block is how many neighbours share a scale in PrecisionQ8.
const q8Block = 32

// inQ8 reports whether the product rounds A to 8 bits.
func (p productShape) inQ8() bool { return p.q8 && p.b.IsBlock() && p.transB && !p.transA }

// boundInQ8 adds to the bound of a product of numbers as they are what rounding A [M P] to 8
// bits moves it by: in a block of 32 whose largest magnitude is max, a number moves by half of
// max/127, and by a little for the roundings of the quotients. Sums are then of terms larger
// by as much.
func boundInQ8(p productShape, a, b []float64, plain func(o, i int, want, u float64) float64) func(o, i int, want, u float64) float64 {
	moved := sync.OnceValue(func() []float64 {
		most := make([]float64, len(a))
		for i := range a {
			row, block := i/p.p*p.p, i%p.p/q8Block*q8Block
			for _, v := range a[row+block : row+min(block+q8Block, p.p)] {
				most[i] = max(most[i], math.Abs(v)/254*(1+0x1p-14))
			}
		}
		return gemm(p, most, magnitudes(b), make([]float64, p.m*p.n))
	})
	return func(o, i int, want, u float64) float64 {
		return plain(o, i, want, u) + moved()[i]*(1+gamma(p.p+2, u))
	}
}

// RunQ8 holds the products of a backend opened with PrecisionQ8 against the contracts of
// package kernels: all that round A, with a wider bound, and some of those that do not, whose
// kernels are those of F32.
func RunQ8(t *testing.T, be kernels.Backend, opts Options) {
	defer lessCollection()()
	s := newSuite(be, opts)
	s.q8 = true
	for _, r := range productRows {
		if opts.has(r.name) {
			t.Run(r.name, func(t *testing.T) { r.run(s, t) })
		}
	}
}
