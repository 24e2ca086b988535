package cpu

import (
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// vecChunk is how many elements of the weight one chunk of MatVec reads: one run
// of memory long enough to be worth fetching ahead, short enough to share out.
const vecChunk = 1 << 16

// vecWide is how many elements of a row are widened at a time: 16 KiB of F32
// stay in the first-level cache. Sums of these pieces are added in order.
const vecWide = 4096

// vector is one call of MatVec, reused as product is.
type vector struct {
	be      *Backend
	y, x    []float32
	w       weight
	bias    []float32
	r, p, n int
	step    int // rows of w in a chunk
	run     func(chunk int)
}

// MatVec implements kernels.Backend.
func (be *Backend) MatVec(y, x, w, bias tensor.Tensor) {
	mustF32("MatVec", y, x)
	v := be.vectors.get()
	if v.be == nil {
		v.be, v.run = be, v.rows
	}
	v.y, v.x = tensor.HostFloats[float32](y), tensor.HostFloats[float32](x)
	v.w = weightOf(w)
	v.r, v.p, v.n = x.Rows(), x.Cols(), y.Cols()
	v.bias = nil
	if !bias.IsNone() {
		v.bias = tensor.HostFloats[float32](bias)
	}
	v.step = max(vecChunk/max(v.p, 1), 1)
	be.each(v.n*v.p, ceilDiv(v.n, v.step), v.run)
	v.y, v.x, v.w, v.bias = nil, nil, weight{}, nil
	be.vectors.put(v)
}

// rows computes outputs [chunk·step, …) for all rows of x.
func (v *vector) rows(chunk int) {
	s := v.be.scratch.get()
	for n := chunk * v.step; n < min(v.n, (chunk+1)*v.step); n++ {
		for r := range v.r {
			var sum float32
			if v.bias != nil {
				sum = v.bias[n]
			}
			v.y[r*v.n+n] = sum
		}
		for p := 0; p < v.p; p += vecWide {
			v.piece(s, n, p, min(p+vecWide, v.p))
		}
	}
	v.be.scratch.put(s)
}

// piece adds the products of columns [p, q) to output n of every row of x. A
// weight that one row of x reads is not widened to memory first; the bits are
// the same.
func (v *vector) piece(s *scratch, n, p, q int) {
	if v.r == 1 && v.w.f32 == nil {
		if sum, ok := simd.DotStored(v.x[p:q], v.w.stored(n, p, q), v.w.dtype); ok {
			v.y[n] += sum
			return
		}
	}
	row := v.w.wideRow(s, n, p, q)
	for r := range v.r {
		v.y[r*v.n+n] += simd.Dot(v.x[r*v.p+p:r*v.p+q], row)
	}
}

// wideRow returns columns [from, to) of row i as F32, in place if they are.
func (w *weight) wideRow(s *scratch, i, from, to int) []float32 {
	if w.f32 != nil {
		return w.f32[i*w.cols+from : i*w.cols+to]
	}
	wide := grow(&s.wide, to-from)
	w.row(wide, i, from, to)
	return wide
}
