package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// A product that is small, or has few rows, leaves its operands where they are: packing
// would take a good part of the time, and of few rows more than all the rest. It is cut
// into rows, or into columns where op(B) is stored by columns and is turned on the way.
// Sums are those of a packed product: of an element, over blocks of KC, in order.

const (
	// plainWork is the largest product of many rows: its operands stay in the
	// second-level cache.
	plainWork = 1 << 26
	// plainRows and turnedRows are the rows of any product, with op(B) stored by rows
	// and by columns. Of more, the weight's elements are used often enough to pack them.
	plainRows, turnedRows = 24, 32
	// streamed is the length of a weight that does not stay in the second-level cache:
	// streamDepth rows at a time, it is read in long runs, and the sums wait in C, about
	// streamSums of them.
	streamed, streamDepth, streamSums = 1 << 18, 16, 1 << 13
	// unevenRows, unevenFloats and unevenPart say which products are uneven.
	unevenRows, unevenFloats, unevenPart = 96, 1 << 17, 16
	// turnRows is how many rows make it worth while to turn a panel in memory.
	turnRows = 16
	// plainPieces is how many tiles a worker takes, so that none is idle for long.
	plainPieces = 4
	// plainHeight and plainWidth are the least that a tile should have, turnedHeight
	// where it turns op(B), each for itself.
	plainHeight, plainWidth, turnedHeight = 8, 64, 96
)

// plain reports whether the product is computed that way.
func (p *product) plain() bool {
	if !p.tile.Plain || p.format != wide || p.k == 0 {
		return false
	}
	for i := range p.parts {
		q := &p.parts[i]
		most := plainRows
		if q.transB {
			most = turnedRows
		}
		if !p.uneven() && (!q.transB && q.b.f32 == nil || p.m > most && p.m*q.n*p.k > plainWork) {
			return false
		}
	}
	return true
}

// uneven reports whether a large product's op(A) has so few rows, and stays in the second-level
// cache, that filling its last panel up would be a good part of the work: in place its rows go
// into tiles of like height, and op(B) is packed beside them.
func (p *product) uneven() bool {
	missing := ceilDiv(p.m, p.tile.MR)*p.tile.MR - p.m
	return p.work > plainWork/productsPerWork && p.m > turnedRows && p.m <= unevenRows && p.m*p.k <= unevenFloats && unevenPart*missing > p.m
}

// bareWork is the largest product that is over in the time that setting up its call takes.
const bareWork = 1 << 17

// bare computes a product of F32 by F32 that asks for nothing else and is no larger than
// bareWork, and reports whether it was one.
func (be *Backend) bare(args *kernels.MatMulArgs) bool {
	if args.B.DType() != tensor.F32 || args.Func != kernels.Identity || !args.Bias.IsNone() || !args.Residual.IsNone() {
		return false
	}
	m, n, k := args.C.Rows(), args.C.Cols(), args.A.Len()/max(args.C.Rows(), 1)
	work := m * n * k
	if work == 0 || work > bareWork || work/productsPerWork >= be.small || args.TransB && m <= turnRows {
		return false
	}
	t := simd.GemmTile()
	if !t.Plain || be.format() != wide {
		return false
	}
	mustF32("MatMul", args.C, args.A)
	c, a, b := f32(args.C), simd.Unpacked{Data: f32(args.A), Outer: k, Inner: 1}, f32(args.B)
	if args.TransA {
		a.Outer, a.Inner = 1, m
	}
	into := simd.Fresh
	if args.Accumulate {
		into = simd.Plus
	}
	for k0 := 0; k0 < k; k0 += t.KC {
		kl := min(t.KC, k-k0)
		if args.TransB {
			be.barePanels(c, a, b[k0:], m, n, k, kl, into)
		} else {
			simd.GemmAB(c, n, a, b[k0*n:], n, m, n, kl, into)
		}
		a.Data, into = a.Data[min(kl*a.Inner, len(a.Data)):], simd.Plus
	}
	return true
}

// barePanels multiplies kl inner indices of a weight [n k] stored by columns, a panel of
// which is packed at a time.
func (be *Backend) barePanels(c []float32, a simd.Unpacked, b []float32, m, n, k, kl int, into simd.Into) {
	s, nr := be.scratch.get(), simd.GemmTile().NR
	panel := grow(&s.b, nr*kl)
	for j := 0; j < n; j += nr {
		cols := min(nr, n-j)
		simd.Interleave(panel, nr, b[j*k:], k, cols, kl)
		simd.GemmAB(c[j:], n, a, panel, nr, m, cols, kl, into)
	}
	be.scratch.put(s)
}

func (p *product) computePlain() {
	pieces, n := 1, 0
	if workers := p.be.pool.Workers(); workers > 1 && p.work >= p.be.small {
		pieces = plainPieces * workers
	} else if len(p.parts) == 1 && !p.streams(p.parts[0].n) {
		q := &p.parts[0]
		p.plainTile(&p.own, q, 0, 0, p.m, q.n)
		return
	}
	turned := false
	for i := range p.parts {
		n, turned = n+p.parts[i].n, turned || p.parts[i].transB
	}
	p.tiling = tiling{rows: p.m, cols: n}
	switch {
	case turned:
		beside := max(min(pieces, n/p.tile.NR), 1) // each panel is turned once, or as seldom as can be
		p.tiling.cols = ceilDiv(n, beside)
		p.tiling.rows = ceilDiv(p.m, max(min(ceilDiv(pieces, beside), p.m/turnedHeight), 1))
	case p.uneven():
		p.tiling.cols = ceilDiv(n, pieces)
	case p.streams(n):
		p.tiling.cols = min(ceilDiv(n, ceilDiv(pieces, 2)), max(streamSums/p.m, streamSums/16))
	default:
		across := max(min(pieces, p.m/plainHeight), 1)
		p.tiling.rows = ceilDiv(p.m, across)
		p.tiling.cols = max(ceilDiv(n, ceilDiv(pieces, across)), plainWidth)
	}
	p.cutColumns()
	p.be.each(p.work, ceilDiv(p.m, p.tiling.rows)*len(p.columns), p.runPlain)
}

// streams reports whether a weight of n columns comes from memory and is used so few
// times that this takes the time.
func (p *product) streams(n int) bool { return p.m <= plainRows && p.k*n > streamed }

// runPlainChunk computes one tile of C.
func (p *product) runPlainChunk(chunk int) {
	at := p.columns[chunk%len(p.columns)]
	i := chunk / len(p.columns) * p.tiling.rows
	s := p.be.scratch.get()
	p.plainTile(s, &p.parts[at.part], i, at.j, min(p.tiling.rows, p.m-i), at.cols)
	p.be.scratch.put(s)
}

// plainTile computes m rows from i on, n columns from j on.
func (p *product) plainTile(s *scratch, q *part, i, j, m, n int) {
	to := q.begin(s, i, j, m, n, true)
	switch {
	case p.uneven():
		p.plainPanels(s, q, to, i, j, m, n, groupCols)
	case q.transB && m > turnRows:
		p.plainPanels(s, q, to, i, j, m, n, p.tile.NR)
	case q.transB:
		p.plainTurned(s, q, to, i, j, m, n)
	case p.streams(q.n):
		p.plainStream(s, q, to, i, j, m, n)
	default:
		for k0 := 0; k0 < p.k; k0 += p.tile.KC {
			kl := min(p.tile.KC, p.k-k0)
			simd.GemmAB(to.data, to.stride, p.left(i, k0), q.b.f32[k0*q.n+j:], q.n, m, n, kl, to.into(k0))
		}
	}
	q.end(to, i, j, m, n)
}

// left is op(A) from row i and inner index k0 on.
func (p *product) left(i, k0 int) simd.Unpacked {
	if p.transA {
		return simd.Unpacked{Data: p.a.data[k0*p.a.stride+i:], Outer: 1, Inner: p.a.stride}
	}
	return simd.Unpacked{Data: p.a.data[i*p.a.stride+k0:], Outer: p.a.stride, Inner: 1}
}

// into says what becomes of the sums of a block of KC that begins at k0.
func (to *sums) into(k0 int) simd.Into {
	if to.add || k0 > 0 {
		return simd.Plus
	}
	return simd.Fresh
}

// take adds the sums of a block of KC that begins at k0, or begins with them.
func (to sums) take(block []float32, m, n, k0 int) {
	for r := range m {
		row := to.data[r*to.stride:][:n]
		if to.into(k0) == simd.Plus {
			simd.AddTo(row, block[r*n:])
		} else {
			copy(row, block[r*n:])
		}
	}
}

// plainStream computes a tile from a weight that comes from memory.
func (p *product) plainStream(s *scratch, q *part, to sums, i, j, m, n int) {
	for k0 := 0; k0 < p.k; k0 += p.tile.KC {
		kl := min(p.tile.KC, p.k-k0)
		c, stride := to.data, to.stride
		aside := to.into(k0) == simd.Plus
		if aside {
			c, stride = grow(&s.turned, m*n), n
		}
		for d, into := 0, simd.Fresh; d < kl; d, into = d+streamDepth, simd.More {
			simd.GemmAB(c, stride, p.left(i, k0+d), q.b.f32[(k0+d)*q.n+j:], q.n, m, n, min(streamDepth, kl-d), into)
		}
		if aside {
			to.take(c, m, n, k0)
		}
	}
}

// plainPanels computes a tile from a weight of which so many columns, whole panels, are
// packed at a time.
func (p *product) plainPanels(s *scratch, q *part, to sums, i, j, m, n, group int) {
	nr := p.tile.NR
	group = max(group, q.b.columnUnit(q.transB, nr))
	for k0 := 0; k0 < p.k; k0 += p.tile.KC {
		kl := min(p.tile.KC, p.k-k0)
		panels := grow(&s.b, group*kl)
		for g := 0; g < n; g += group {
			end := min(g+group, n)
			q.b.pack(s, panels, nr, q.transB, j+g, j+end, k0, kl)
			for c := g; c < end; c += nr {
				panel := panels[(c-g)*kl:][:nr*kl]
				simd.GemmAB(to.data[c:], to.stride, p.left(i, k0), panel, nr, m, min(nr, end-c), kl, to.into(k0))
			}
		}
	}
}

// plainTurned computes a tile of few rows from a weight stored by columns, some of
// them at a time, so that they are read in long runs.
func (p *product) plainTurned(s *scratch, q *part, to sums, i, j, m, n int) {
	const width = 16
	for c := 0; c < n; c += width {
		cols := min(width, n-c)
		for k0 := 0; k0 < p.k; k0 += p.tile.KC {
			kl := min(p.tile.KC, p.k-k0)
			a := p.left(i, k0)
			if p.transA {
				rows := grow(&s.a, m*kl)
				simd.Transpose(rows, kl, a.Data, a.Inner, kl, m)
				a = simd.Unpacked{Data: rows, Outer: kl}
			}
			b := q.b.rowsAt(s, 1, j+c, cols, k0, kl)
			simd.GemmABt(to.data[c:], to.stride, a.Data, a.Outer, b.Data, b.Outer, m, cols, kl, to.into(k0))
		}
	}
}
