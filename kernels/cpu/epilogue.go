package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// epilogue is what becomes of a product's sums, tile by tile, while they are in
// the cache. A residual that no function keeps apart from the sums is where they
// begin; else it is added at the end, and where C is the residual the sums grow
// aside of it.
type epilogue struct {
	add      bool
	bias     []float32
	f        func(dst, x []float32) // nil for the identity
	residual []float32              // [M N] or nil
	aside    bool
}

// set makes e, which is zero, what a call asks for.
func (e *epilogue) set(a *kernels.MatMulArgs) {
	e.add = a.Accumulate
	if !a.Bias.IsNone() {
		e.bias = f32(a.Bias)
	}
	if !a.Residual.IsNone() {
		e.residual = f32(a.Residual)
	}
	if a.Func != kernels.Identity {
		e.f = functionOf(a.Func)
	}
}

// growInC arranges that sums grow in C: if it is the residual, they begin with
// it, or grow aside of it.
func (e *epilogue) growInC(a *kernels.MatMulArgs) {
	if e.residual == nil || !a.Residual.SameMemory(a.C) {
		return
	}
	e.aside = e.f != nil
	if !e.aside {
		e.add, e.residual = true, nil
	}
}

// sums is where the sums of a tile grow, and whether to what stands there.
type sums struct {
	data   []float32
	stride int
	add    bool
	from   []float32 // with add: what they begin with, where it stands elsewhere, in rows as long
}

// begins returns what they begin with, or nil for zeros.
func (s *sums) begins() []float32 {
	if s.add && s.from == nil {
		return s.data
	}
	return s.from
}

// row returns the sums from a row on.
func (s sums) row(i int) sums {
	s.data = s.data[i*s.stride:]
	if s.from != nil {
		s.from = s.from[i*s.stride:]
	}
	return s
}

// begin returns the place for the sums of rows [i, i+m), columns [j, j+n) of C,
// first if no part of them is there yet.
func (q *part) begin(s *scratch, i, j, m, n int, first bool) sums {
	if q.aside {
		return sums{data: grow(&s.tile, m*n), stride: n}
	}
	to := q.beginApart(i, j, first)
	if to.from != nil {
		for r := range m {
			copy(to.data[r*q.n:][:n], to.from[r*q.n:])
		}
		to.from = nil
	}
	return to
}

// beginApart is begin in C, where sums may begin with what stands elsewhere.
func (q *part) beginApart(i, j int, first bool) sums {
	at := i*q.n + j
	to := sums{data: q.c[at:], stride: q.n, add: q.add || !first}
	if first && q.residual != nil && q.f == nil {
		to.add, to.from = true, q.residual[at:]
	}
	return to
}

// end finishes the sums of rows [i, i+m), columns [j, j+n) of C.
func (q *part) end(at sums, i, j, m, n int) {
	late := q.residual != nil && q.f != nil
	if q.bias == nil && q.f == nil {
		return
	}
	for r := range m {
		sum := at.data[r*at.stride:][:n]
		if q.bias != nil {
			simd.Add(sum, sum, q.bias[j:])
		}
		if q.f != nil {
			q.f(sum, sum)
		}
		if late {
			place := (i+r)*q.n + j
			simd.Add(q.c[place:place+n], sum, q.residual[place:])
		}
	}
}
