package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// epilogue is what a product does with finished sums, while their part of C is
// in the cache.
type epilogue struct {
	bias     []float32
	f        func(dst, x []float32) // nil for the identity
	residual []float32              // [M N] or nil
}

func epilogueOf(a kernels.MatMulArgs) epilogue {
	e := epilogue{bias: f32(a.Bias), residual: f32(a.Residual)}
	if a.Func != kernels.Identity {
		e.f = functionOf(a.Func)
	}
	return e
}

// keep returns the residual of rows [i, i+m), columns [j, j+n) of C and its
// stride: a copy in s if it lies in C, where partial sums take its place.
func (e *epilogue) keep(s *scratch, c []float32, stride, m, n, i, j int) view {
	if e.residual == nil {
		return view{}
	}
	at := i*stride + j
	if &e.residual[0] != &c[0] {
		return view{e.residual[at:], m, n, stride}
	}
	kept := view{s.floats(m * n), m, n, n}
	for r := range m {
		copy(kept.data[r*n:(r+1)*n], e.residual[at+r*stride:])
	}
	return kept
}

// apply does c = f(c) + residual for m rows of n columns.
func (e *epilogue) apply(c []float32, ldc, m, n int, residual view) {
	if e.f == nil && e.residual == nil {
		return
	}
	for i := range m {
		row := c[i*ldc:][:n]
		if e.f != nil {
			e.f(row, row)
		}
		if e.residual != nil {
			simd.Add(row, row, residual.data[i*residual.stride:])
		}
	}
}
