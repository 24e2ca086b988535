package main

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// sample is some rows and columns of a product, evenly chosen, with all their inner
// indices. They have the bits that they have in the whole product: rows do not see each
// other, nor do columns.
type sample struct {
	m, n, k int
	a, b    []float32 // [m k] and [n k]
	exact   []float64 // [m n], Σ a·b
	bound   []float64 // [m n], Σ |a||b|
}

// sampled takes elements of a product whose sums have so many terms together at most.
func sampled(args kernels.MatMulArgs, products int) *sample {
	m, k := args.A.Rows(), args.A.Cols()
	if args.TransA {
		m, k = k, m
	}
	n := args.C.Cols()
	s := &sample{k: k}
	side := int(math.Sqrt(float64(max(products/k, 1))))
	s.m = max(min(m, side), 1)
	s.n = max(min(n, products/k/s.m), 1)
	s.m = max(min(m, products/k/s.n), 1)
	s.a = chosen(tensor.HostFloats[float32](args.A), s.m, m, k, args.TransA)
	s.b = chosen(tensor.HostFloats[float32](args.B), s.n, n, k, !args.TransB)
	return s
}

// chosen copies count of the n rows of x [n k], or of its columns [k n] with across.
func chosen(x []float32, count, n, k int, across bool) []float32 {
	rows := make([]float32, 0, count*k)
	for i := range count {
		at := i * n / count
		for p := range k {
			if across {
				rows = append(rows, x[p*n+at])
			} else {
				rows = append(rows, x[at*k+p])
			}
		}
	}
	return rows
}

// sum computes the sums in float64. Products of two F32 are exact there.
func (s *sample) sum() {
	s.exact, s.bound = make([]float64, s.m*s.n), make([]float64, s.m*s.n)
	for i := range s.m {
		x := s.a[i*s.k:][:s.k]
		for j := range s.n {
			y := s.b[j*s.k:][:s.k]
			sum, bound := 0.0, 0.0
			for p, v := range x {
				t := float64(v) * float64(y[p])
				sum += t
				bound += math.Abs(t)
			}
			s.exact[i*s.n+j], s.bound[i*s.n+j] = sum, bound
		}
	}
}

// errors returns how far a backend is from the exact sums, relative to those of absolute
// products, in units of 2⁻²⁴.
func (s *sample) errors(be *cpu.Backend) (largest, rms float64) {
	a, b, c := tensor.MustNew(be, tensor.F32, s.m, s.k), tensor.MustNew(be, tensor.F32, s.n, s.k), tensor.MustNew(be, tensor.F32, s.m, s.n)
	a.SetFloat32s(s.a)
	b.SetFloat32s(s.b)
	be.MatMul(kernels.MatMulArgs{C: c, A: a, B: b, TransB: true})
	count := 0
	for i, v := range tensor.HostFloats[float32](c) {
		if s.bound[i] == 0 {
			continue
		}
		e := math.Abs(float64(v)-s.exact[i]) / s.bound[i] * (1 << 24)
		largest, rms, count = max(largest, e), rms+e*e, count+1
	}
	return largest, math.Sqrt(rms / float64(max(count, 1)))
}
