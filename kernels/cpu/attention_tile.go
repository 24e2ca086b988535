package cpu

import "lamina/kernels/internal/simd"

// multiply computes m rows, at most a micro-kernel's, and n columns of a product:
//
//	c[i·ldc+j] (+)= Σ_p a[i·rowStep+p·step]·b[(j/NR)·NR·depth + p·NR + j%NR]
//
// p = 0..k-1 in order: b is panels of depth rows, of which the first k enter. It
// has the bits of MatMul for k ≤ KC. a may end behind its m-th row.
func (s *scratch) multiply(c []float32, ldc, m, n int, a []float32, rowStep, step int, b []float32, depth, k int, add bool) {
	t := simd.GemmTile()
	left := simd.Panels{Data: a, Outer: rowStep, Inner: step, Panel: t.MR * rowStep}
	if !t.Strided && (!t.InPlace || m < t.MR) {
		packed := grow(&s.a, t.MR*k)
		packRows(packed, t.MR, a, rowStep, step, m, k)
		left = simd.Packed(packed, t.MR, k)
	}
	simd.GemmBlock(c, ldc, left, simd.Panels{Data: b, Outer: 1, Inner: t.NR, Panel: t.NR * depth}, m, n, k, add)
}

// packRows packs m rows of k elements, a[i·rowStep+p·step], as one panel of the
// given width, filled up with zeros. One of the steps is 1.
func packRows(dst []float32, width int, a []float32, rowStep, step, m, k int) {
	if step == 1 {
		simd.Interleave(dst, width, a, rowStep, m, k)
	} else {
		simd.Gather(dst, width, a, step, m, k)
	}
}

// packKeys packs n rows of d elements, stride apart, into panels of the
// micro-kernel's width whose inner index is the element: op(B) of x·rowsᵀ. What
// the last panel holds behind row n is undefined. kept has room for a panel.
func packKeys(dst, rows []float32, stride, n, d int, kept []float32) {
	width := simd.GemmTile().NR
	for i := 0; i < n; i += width {
		from, step := rows[i*stride:], stride
		if n-i < width {
			from, step = gatherRows(kept, from, stride, n-i, d), d
		}
		simd.Interleave(dst[i*d:], width, from, step, width, d)
	}
}

// gatherRows copies n rows of d floats to dst, without gaps, and returns it.
func gatherRows(dst, src []float32, stride, n, d int) []float32 {
	for i := range n {
		copy(dst[i*d:(i+1)*d], src[i*stride:])
	}
	return dst
}

func padded(n, to int) int { return ceilDiv(n, to) * to }
