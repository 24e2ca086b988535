package cpu

import "lamina/kernels/internal/simd"

// manyRows is how many rows of op(A) make packing op(B) worth while: below, its
// elements are used too few times.
const manyRows = 64

// unpacked reports whether sgemm can take all weights.
func (p *product) unpacked() bool {
	for i := range p.parts {
		if p.parts[i].b.f32 == nil {
			return false
		}
	}
	return true
}

// small computes one of the products on the caller. It is for small ones, and
// for those with nothing to sum.
func (p *product) small(q *part) {
	s := p.be.scratch.get()
	to := q.begin(s, 0, 0, p.m, q.n, true)
	c := view{to.data, p.m, q.n, to.stride}
	s.sgemm(c, p.a, p.transA, view{q.b.f32, q.b.rows, q.b.cols, q.b.cols}, q.transB, to.add)
	q.end(to, 0, 0, p.m, q.n)
	p.be.scratch.put(s)
}

// sgemm computes c (+)= op(a)·op(b) inside one worker: c, a and b are strided
// matrices as stored, of matching shapes. It has the bits of MatMul. It leaves
// operands where they are if it can: for small products packing is a fifth of the
// time.
func (s *scratch) sgemm(c, a view, transA bool, b view, transB, accumulate bool) {
	t := simd.GemmTile()
	k := a.cols
	if transA {
		k = a.rows
	}
	if k == 0 && !accumulate {
		for i := range c.rows {
			clear(c.data[i*c.stride:][:c.cols])
		}
	}
	strip := max(stripCols/t.NR, 1) * t.NR
	for k0 := 0; k0 < k; k0 += t.KC {
		kl := min(t.KC, k-k0)
		left := s.left(t, a, transA, c.rows, k0, kl)
		for j := 0; j < c.cols; j += strip {
			n := min(strip, c.cols-j)
			inPlace := 0
			if t.Strided && !transB && c.rows <= manyRows {
				inPlace = n / t.NR * t.NR
				right := simd.Panels{Data: b.data[k0*b.stride+j:], Outer: 1, Inner: b.stride, Panel: t.NR}
				simd.GemmBlock(c.data[j:], c.stride, left, right, c.rows, inPlace, kl, accumulate || k0 > 0)
			}
			if inPlace == n {
				continue
			}
			packed := grow(&s.b, strip*kl)
			packPanelsOf(packed, t.NR, b, !transB, j+inPlace, j+n, k0, kl)
			simd.GemmBlock(c.data[j+inPlace:], c.stride, left, simd.Packed(packed, t.NR, kl), c.rows, n-inPlace, kl, accumulate || k0 > 0)
		}
	}
}

// left prepares m rows, inner indices [k0, k0+kl) of op(a).
func (s *scratch) left(t simd.Tile, a view, trans bool, m, k0, kl int) simd.Panels {
	if !t.Strided && (!t.InPlace || m < t.MR) {
		packed := grow(&s.a, ceilDiv(m, t.MR)*t.MR*kl)
		packPanelsOf(packed, t.MR, a, trans, 0, m, k0, kl)
		return simd.Packed(packed, t.MR, kl)
	}
	if trans {
		return simd.Panels{Data: a.data[k0*a.stride:], Outer: 1, Inner: a.stride, Panel: t.MR}
	}
	return simd.Panels{Data: a.data[k0:], Outer: a.stride, Inner: 1, Panel: a.stride * t.MR}
}
