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
	direct  bool // weights go through simd.DotRows, with x arranged for it
	order   []float32
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
	v.direct = simd.HasDotRows(v.w.dtype, v.p)
	if v.direct {
		simd.Arrange(grow(&v.order, len(v.x)), v.x, v.w.dtype)
		v.x = v.order[:len(v.x)]
	}
	v.step = max(vecChunk/max(v.p, 1), 1)
	be.each(v.n*v.p, ceilDiv(v.n, v.step), v.run)
	v.y, v.x, v.w, v.bias = nil, nil, weight{}, nil
	be.vectors.put(v)
}

// rows computes outputs [chunk·step, …) for all rows of x. Which way depends on
// the type and length of a row of w alone.
func (v *vector) rows(chunk int) {
	from, to := chunk*v.step, min(v.n, (chunk+1)*v.step)
	for r := range v.r {
		y := v.y[r*v.n+from : r*v.n+to]
		if v.bias != nil {
			copy(y, v.bias[from:to])
		} else {
			clear(y)
		}
		if v.direct {
			simd.DotRows(y, v.x[r*v.p:][:v.p], v.w.bytes[from*v.w.rowBytes:to*v.w.rowBytes], v.w.dtype)
		}
	}
	if v.direct {
		return
	}
	s := v.be.scratch.get()
	for n := from; n < to; n++ {
		for p := 0; p < v.p; p += vecWide {
			q := min(p+vecWide, v.p)
			row := v.w.wideRow(s, n, p, q)
			for r := range v.r {
				v.y[r*v.n+n] += simd.Dot(v.x[r*v.p+p:r*v.p+q], row)
			}
		}
	}
	v.be.scratch.put(s)
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
