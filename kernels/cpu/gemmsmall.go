package cpu

import "lamina/kernels/internal/simd"

// manyRows is how many rows of op(A) make packing op(B) worth while: below, its
// elements are used too few times.
const manyRows = 64

// A small product is cut for several workers if it has so many rows, and at most so much
// work, in smallWork's unit, by whether op(A) is stored by rows or by columns, whose rows
// then come with a stride. The numbers are those of a Zen 3; below half of smallWork it
// stays on its caller, and below smallWork unless somebody is awake.
const (
	spreadRows                   = 16
	spreadMost, spreadMostTurned = 1 << 21, 1 << 20
	// spreadPieces is into how many tiles a worker's share is cut, so that none waits long.
	spreadPieces = 2
)

// fewRows is how many rows of op(A) a worker alone multiplies by weights in place, of
// fewWeights elements at most: those stay in the third-level cache, while long rows from
// memory are read in longer runs by what packs them.
const fewRows, fewWeights = 24, 1 << 20

// few reports whether packing the weights would cost more than it gains, and nobody else
// could take a part of the product.
func (p *product) few() bool {
	if !p.tile.Strided || p.m > fewRows || p.be.pool.Workers() > 1 {
		return false
	}
	for i := range p.parts {
		if q := &p.parts[i]; q.transB || p.k*q.n > fewWeights {
			return false
		}
	}
	return true
}

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

// spread reports whether several workers compute the product each as if its part were a
// small product: where it is, packing for everybody, and waiting for that, takes longer than
// packing a few columns of op(B) more than once.
func (p *product) spread() bool {
	if !p.tile.Strided || p.tile.Plain || p.format != wide || p.k == 0 || p.m < spreadRows || p.be.pool.Workers() == 1 {
		return false
	}
	most := spreadMost
	if p.transA {
		most = spreadMostTurned
	}
	if p.work > most || p.work < p.be.small/2 || !p.unpacked() {
		return false
	}
	return p.work >= p.be.small || p.be.pool.Awake()
}

// computeSpread cuts C into columns, whole panels, so that nobody packs what another does;
// into rows too where there are few.
func (p *product) computeSpread() {
	n := 0
	for i := range p.parts {
		n += p.parts[i].n
	}
	pieces := spreadPieces * p.be.pool.Workers()
	cols := max(n/pieces/p.tile.NR, 1) * p.tile.NR
	across := max(pieces/ceilDiv(n, cols), 1)
	p.tiling = tiling{rows: ceilDiv(ceilDiv(p.m, across), p.tile.MR) * p.tile.MR, cols: cols}
	p.cutColumns()
	p.be.pool.For(ceilDiv(p.m, p.tiling.rows)*len(p.columns), p.runSpread)
}

// runSpreadChunk computes one tile of C.
func (p *product) runSpreadChunk(chunk int) {
	at := p.columns[chunk%len(p.columns)]
	i := chunk / len(p.columns) * p.tiling.rows
	m, n := min(p.tiling.rows, p.m-i), at.cols
	q := &p.parts[at.part]
	a, b := p.a, view{q.b.f32, p.k, n, q.b.cols}
	if p.transA {
		a.data, a.cols = a.data[i:], m
	} else {
		a.data, a.rows = a.data[i*a.stride:], m
	}
	if q.transB {
		b.data, b.rows, b.cols = b.data[at.j*b.stride:], n, p.k
	} else {
		b.data = b.data[at.j:]
	}
	s := p.be.scratch.get()
	to := q.begin(s, i, at.j, m, n, true)
	s.sgemm(view{to.data, m, n, to.stride}, a, p.transA, b, q.transB, to.add)
	q.end(to, i, at.j, m, n)
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
