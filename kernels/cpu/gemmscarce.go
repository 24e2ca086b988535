package cpu

import "lamina/kernels/internal/simd"

// A product of one row or two by a weight that comes from memory takes the time of reading it.
// With AVX2, whose micro-kernels want it packed or read it in short pieces, it is read once, in
// long runs, and the sums of the rows go along: over blocks of KC, in order, from 0, as
// everywhere. With AVX-512 that is plainStream.

const (
	// scarceRows is how many rows are so few.
	scarceRows = 2
	// scarceCols is how many columns are read side by side of a weight that is stored by
	// them; nearDepth is how many rows of one that is stored by rows, and farDepth of one of
	// more than nearFloats, which the third-level cache does not hold: the fewer, the longer are
	// the runs that are fetched ahead, and farCols columns are so long that more gain nothing.
	scarceCols, nearDepth, farDepth, nearFloats, farCols = 16, 16, 4, 1 << 22, 1 << 13
)

// scarce reports whether the product is computed that way.
func (p *product) scarce() bool {
	if !p.tile.Strided || p.tile.Plain || p.format != wide || p.k == 0 || p.m > scarceRows {
		return false
	}
	for i := range p.parts {
		if q := &p.parts[i]; q.b.f32 == nil || p.k*q.n <= streamed {
			return false
		}
	}
	return true
}

func (p *product) computeScarce() {
	n, pieces, far := 0, 1, false
	for i := range p.parts {
		q := &p.parts[i]
		n += q.n
		far = far || !q.transB && p.k*q.n > nearFloats
	}
	if workers := p.be.pool.Workers(); p.work >= p.be.small {
		pieces = plainPieces * workers
		if far {
			pieces = min(max(n/farCols, workers), pieces)
		}
	}
	p.tiling = tiling{rows: p.m, cols: ceilDiv(n, pieces)}
	p.cutColumns()
	p.be.each(p.work, len(p.columns), p.runScarce)
}

// runScarceChunk computes some columns of C.
func (p *product) runScarceChunk(chunk int) {
	at := p.columns[chunk]
	q := &p.parts[at.part]
	s := p.be.scratch.get()
	to := q.begin(s, 0, at.j, p.m, at.cols, true)
	a, stride := p.a.data, p.a.stride
	if p.transA { // its columns side by side
		a, stride = grow(&s.a, p.m*p.k), p.k
		simd.Transpose(a, stride, p.a.data, p.a.stride, p.k, p.m)
	}
	if q.transB {
		p.scarceColumns(s, q, to, a, stride, at)
	} else {
		p.scarceRows(s, q, to, a, stride, at)
	}
	q.end(to, 0, at.j, p.m, at.cols)
	p.be.scratch.put(s)
}

// scarceRows computes them from a weight stored by rows.
func (p *product) scarceRows(s *scratch, q *part, to sums, a []float32, stride int, at strip) {
	n, side := at.cols, nearDepth
	if p.k*q.n > nearFloats {
		side = farDepth
	}
	block := grow(&s.turned, p.m*n)
	for k0 := 0; k0 < p.k; k0 += p.tile.KC {
		kl := min(p.tile.KC, p.k-k0)
		clear(block)
		for d := 0; d < kl; d += side {
			depth := min(side, kl-d)
			for r := range p.m {
				simd.AddRows(block[r*n:][:n], a[r*stride+k0+d:][:depth], q.b.f32[(k0+d)*q.n+at.j:], q.n)
			}
		}
		to.take(block, p.m, n, k0)
	}
}

// scarceColumns computes them from a weight stored by columns, some of them at a time.
func (p *product) scarceColumns(s *scratch, q *part, to sums, a []float32, stride int, at strip) {
	for j := 0; j < at.cols; j += scarceCols {
		n := min(scarceCols, at.cols-j)
		block := grow(&s.turned, p.m*n)
		for k0 := 0; k0 < p.k; k0 += p.tile.KC {
			kl := min(p.tile.KC, p.k-k0)
			clear(block)
			for r := range p.m {
				simd.AddColumns(block[r*n:][:n], a[r*stride+k0:][:kl], q.b.f32[(at.j+j)*p.k+k0:], p.k)
			}
			sums{data: to.data[j:], stride: to.stride, add: to.add}.take(block, p.m, n, k0)
		}
	}
}
