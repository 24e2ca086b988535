package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// A product in 8 bits packs its rows for everybody, rounded, in panels of 16. Chunks are
// columns of C: each packs its own rows of the weight, 16 at a time, and multiplies all
// panels by them while they are in the first-level cache:
//
//	for rows                                            (passes)
//	    round and pack A                                (parallel)
//	    for columns of C                                (parallel)
//	        for pieces of the inner index, in order
//	            for 16 columns
//	                pack op(B)
//	                simd.GemmQ8
//	        rows that cannot be rounded: simd.Vector
//	        at the end: bias, function, residual
//
// An element's sum grows block by block in C: how rows, columns and inner index are cut
// does not reach its bits.

const (
	// q8Cols is how many columns a chunk has.
	q8Cols = 64
	// q8Blocks is how many blocks of 32 of 16 columns stay in the first-level cache, 30 KiB.
	q8Blocks = 48
	// maxPackedQ8 bounds the packed rows, in floats: 4 MiB.
	maxPackedQ8 = 1 << 20
)

func (p *q8Product) computeBytes(op string, products []kernels.MatMulArgs) {
	f := p.be.newProduct()
	for i := range products {
		if p.be.inQ8(&products[i]) {
			f.set(op, &products[i])
		}
	}
	p.parts = append(p.parts[:0], f.parts...)
	work := f.work
	f.release()
	chunks := 0
	for i := range p.parts {
		chunks += ceilDiv(p.parts[i].n, q8Cols)
	}
	step := p.panelStep()
	rows := max(min(q8Rows, maxPackedQ8/step*simd.Q8Tile), simd.Q8Tile)
	for p.i0 = 0; p.i0 < p.m && chunks > 0; p.i0 += rows {
		p.rows = min(rows, p.m-p.i0)
		panels := ceilDiv(p.rows, simd.Q8Tile)
		grow(&p.panels, panels*step)
		for len(p.strange) < panels*simd.Q8Tile {
			p.strange = append(p.strange, false)
		}
		p.be.each(work, panels, p.pack)
		p.be.each(work, chunks, p.run)
	}
	clear(p.parts)
}

// panelStep is how many floats a panel of A takes.
func (p *q8Product) panelStep() int { return p.k / 32 * simd.Q8LeftStep }

// packChunk packs a panel of A.
func (p *q8Product) packChunk(panel int) {
	step := p.panelStep()
	dst := p.panels[panel*step:][:step]
	for i := range simd.Q8Tile {
		row := panel*simd.Q8Tile + i
		if row >= p.rows {
			simd.ClearQ8Left(dst, i)
			continue
		}
		p.strange[row] = !simd.PackQ8Left(dst, i, p.a[(p.i0+row)*p.k:][:p.k])
	}
}

// runChunk computes some columns of C.
func (p *q8Product) runChunk(chunk int) {
	i := 0
	for chunk >= ceilDiv(p.parts[i].n, q8Cols) {
		chunk -= ceilDiv(p.parts[i].n, q8Cols)
		i++
	}
	q, j := &p.parts[i], chunk*q8Cols
	n := min(q8Cols, q.n-j)
	s := p.be.scratch.get()
	to := q.begin(s, p.i0, j, p.rows, n, true)
	for k := 0; k < p.k/32; k += q8Blocks {
		p.piece(s, q, to, j, n, k, min(q8Blocks, p.k/32-k))
	}
	for r := range p.rows {
		if p.strange[r] {
			s.vector.Set(p.a[(p.i0+r)*p.k:][:p.k], q.b.dtype)
			s.vector.DotRows(to.data[r*to.stride:][:n], q.b.bytes[j*q.b.rowBytes:(j+n)*q.b.rowBytes])
		}
	}
	q.end(to, p.i0, j, p.rows, n)
	p.be.scratch.put(s)
}

// piece adds blocks [k, k+blocks) of the inner index to columns [j, j+n), whose sums
// begin there if k is 0.
func (p *q8Product) piece(s *scratch, q *part, to sums, j, n, k, blocks int) {
	const tile = simd.Q8Tile
	b := grow(&s.b, blocks*simd.Q8RightStep)
	step, add := p.panelStep(), to.add || k > 0
	a := p.panels[k*simd.Q8LeftStep:]
	from := q.b.dtype.Bytes(k * 32)
	for at := 0; at < n; at += tile {
		cols := min(tile, n-at)
		s.q8Codes.Pack(b, q.b.bytes[(j+at)*q.b.rowBytes+from:], q.b.rowBytes, cols, blocks, q.b.dtype)
		whole := 0
		if cols == tile {
			whole = p.rows / tile
			simd.GemmQ8(to.data[at:], to.stride, a, b, blocks, whole, step, q.b.dtype, add)
		}
		for r := whole * tile; r < p.rows; r += tile { // what is no whole tile grows aside
			edge, rows := grow(&s.turned, tile*tile), min(tile, p.rows-r)
			c := to.data[r*to.stride+at:]
			for i := range rows {
				copy(edge[i*tile:][:cols], c[i*to.stride:])
			}
			simd.GemmQ8(edge, tile, a[r/tile*step:], b, blocks, 1, step, q.b.dtype, add)
			for i := range rows {
				copy(c[i*to.stride:][:cols], edge[i*tile:])
			}
		}
	}
}
