package cpu

import (
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// vecRows is how many rows of the weight one chunk of MatVec takes: enough that
// each worker reads one long run of memory.
const vecRows = 64

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
	v.be.pool.For(ceilDiv(v.n, vecRows), v.run)
	v.y, v.x, v.w, v.bias = nil, nil, weight{}, nil
	be.vectors.put(v)
}

// rows computes outputs [chunk·vecRows, …) for all rows of x.
func (v *vector) rows(chunk int) {
	s := v.be.scratch.get()
	for n := chunk * vecRows; n < min(v.n, (chunk+1)*vecRows); n++ {
		for r := range v.r {
			var sum float32
			if v.bias != nil {
				sum = v.bias[n]
			}
			v.y[r*v.n+n] = sum
		}
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
