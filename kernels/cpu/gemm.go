package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// The product is the packed, blocked one of Goto and van de Geijn ("Anatomy of
// High-Performance Matrix Multiplication", 2008), with both operands packed for
// everybody before they are multiplied:
//
//	for blocks of rows, of the inner index, of columns          (passes)
//	    pack op(A), unless the pass before has it, and op(B)    (parallel)
//	    for tiles of C                                          (parallel)
//	        for blocks of KC of the inner index, in order
//	            pack op(B) here, if tiles have all rows
//	            simd.GemmBlock
//	        at the end of the inner index: bias, function, residual
//
// An element of C is the sum over blocks of KC, in order, of the micro-kernel's
// sums, whatever tile it lies in. Nothing else reaches its bits.

const (
	// maxPackedA and maxPackedB bound the packed operands: 4 and 2 MiB, a part of the
	// third-level cache that they do not leave.
	maxPackedA, maxPackedB = 1 << 20, 1 << 19
	// passDepth bounds the inner indices of a pass.
	passDepth = 2048
	// stripCols is how many columns of op(B) are packed at once: whole blocks of
	// any storage type and whole panels of any micro-kernel.
	stripCols = 256
	// packPanels is how many panels of A are packed at once.
	packPanels = 16
	// tileRows and tileCols bound a tile of C: KC·tileRows of A, and the tile,
	// stay in the second-level cache.
	tileRows, tileCols = 132, 128
	// manyTiles is how many tiles leave no worker idle for long at the end.
	manyTiles = 16
	// ownTiles is how many tiles of at most ownRows rows make packing op(B) tile by
	// tile better than for everybody.
	ownTiles, ownRows = 12, 4 * tileRows
	// productsPerWork is how many multiplications in registers take the time that
	// smallWork counts as one.
	productsPerWork = 8
)

// product is one call of MatMul or MatMuls. Calls are reused: run functions bound
// once keep For free of allocations.
type product struct {
	be     *Backend
	m, k   int
	a      view
	transA bool
	parts  []part
	work   int
	strips []strip // of all parts

	// The pass at work, and the order of its tiles.
	tile               simd.Tile
	format             format
	i0, rows           int     // rows of C
	p0, depth          int     // inner indices
	now                []strip // columns
	own                bool    // tiles pack their own columns of op(B)
	packedA, packedB   []float32
	chunksA            int // chunks that pack A, before those that pack B
	rowsPerTile, rowTs int // rows of a tile, tiles along the rows
	colsPerTile, colTs int // columns of a tile, tiles along a strip

	pack, run             func(chunk int)
	packNarrow, runNarrow func(chunk int)
}

// part is one of the products.
type part struct {
	c      []float32
	n      int
	b      weight
	transB bool
	epilogue
}

// strip is up to stripCols columns of a part.
type strip struct{ part, j, cols int }

// MatMul implements kernels.Backend.
func (be *Backend) MatMul(args kernels.MatMulArgs) {
	p := be.newProduct()
	p.set("MatMul", args)
	p.compute()
	p.release()
}

// MatMuls implements kernels.Backend.
func (be *Backend) MatMuls(products []kernels.MatMulArgs) {
	p := be.newProduct()
	for _, args := range products {
		p.set("MatMuls", args)
	}
	p.compute()
	p.release()
}

func (be *Backend) newProduct() *product {
	p := be.products.get()
	if p.be == nil {
		p.be = be
		p.pack, p.run = p.packChunk, p.runChunk
		p.packNarrow, p.runNarrow = p.packNarrowChunk, p.runNarrowChunk
	}
	p.parts, p.strips, p.work = p.parts[:0], p.strips[:0], 0
	p.tile, p.format = simd.GemmTile(), be.format()
	return p
}

func (p *product) release() {
	clear(p.parts)
	p.a = view{}
	p.be.products.put(p)
}

// set adds a product. All have the same op(A).
func (p *product) set(op string, args kernels.MatMulArgs) {
	mustF32(op, args.C, args.A)
	p.a, p.transA = viewOf(args.A), args.TransA
	p.m, p.k = p.a.rows, p.a.cols
	if p.transA {
		p.m, p.k = p.k, p.m
	}
	q := part{c: f32(args.C), n: args.C.Cols(), b: weightOf(args.B), transB: args.TransB, epilogue: epilogueOf(args)}
	q.growInC(args.Residual.SameMemory(args.C))
	if p.m == 0 || q.n == 0 {
		return
	}
	for j := 0; j < q.n; j += stripCols {
		p.strips = append(p.strips, strip{len(p.parts), j, min(stripCols, q.n-j)})
	}
	p.parts = append(p.parts, q)
	p.work += p.m * q.n * p.k / productsPerWork
}

func (p *product) compute() {
	if p.k == 0 || p.work < p.be.small && p.unpacked() && p.format == wide {
		for i := range p.parts {
			p.small(&p.parts[i])
		}
		return
	}
	if p.narrow() {
		p.computeNarrow()
		return
	}
	t := p.tile
	depth := evenly(p.k, passDepth, t.KC)
	for i := range p.parts {
		if p.parts[i].aside {
			depth = p.k
		}
	}
	rows := evenly(p.m, max(maxPackedA/depth/t.MR, 1)*t.MR, t.MR)
	strips := evenly(len(p.strips), max(maxPackedB/depth/stripCols, 1), 1)
	if p.own = p.hasOwnTiles(rows); p.own {
		strips = len(p.strips)
	}
	for p.i0 = 0; p.i0 < p.m; p.i0 += rows {
		p.rows = min(rows, p.m-p.i0)
		for p.p0 = 0; p.p0 < p.k; p.p0 += depth {
			p.depth = min(depth, p.k-p.p0)
			for s := 0; s < len(p.strips); s += strips {
				p.pass(p.strips[s:min(s+strips, len(p.strips))], s == 0)
			}
		}
	}
}

// hasOwnTiles reports whether there are enough tiles of all rows: then each packs its
// columns of op(B) itself, into memory that stays in its worker's second-level
// cache. It chooses their width.
func (p *product) hasOwnTiles(rows int) bool {
	if rows > ownRows {
		return false
	}
	for p.colsPerTile = tileCols; p.colsPerTile >= tileCols/2; p.colsPerTile /= 2 {
		n := 0
		for _, at := range p.strips {
			n += ceilDiv(at.cols, p.colsPerTile)
		}
		if n >= ownTiles {
			return true
		}
	}
	return false
}

// evenly returns a length of pieces, a multiple of unit and at most about limit,
// that n is cut into with little left over.
func evenly(n, limit, unit int) int {
	pieces := ceilDiv(n, max(limit, unit))
	return ceilDiv(ceilDiv(n, max(pieces, 1)), unit) * unit
}

// pass multiplies the rows and inner indices at work by some strips.
func (p *product) pass(strips []strip, packA bool) {
	t := p.tile
	p.now = strips
	work := p.work // of all passes: each is large, or the only one
	panels := ceilDiv(p.rows, t.MR)
	grow(&p.packedA, panels*t.MR*p.depth)
	if !p.own {
		grow(&p.packedB, len(strips)*stripCols*p.depth)
	}
	p.chunksA = 0
	if packA {
		p.chunksA = ceilDiv(panels, packPanels)
	}
	if p.own {
		p.be.each(work, p.chunksA, p.pack)
		p.rowsPerTile, p.rowTs, p.colTs = p.rows, 1, ceilDiv(stripCols, p.colsPerTile)
		p.be.each(work, p.colTs*len(strips), p.run)
		return
	}
	p.be.each(work, p.chunksA+len(strips), p.pack)
	p.rowsPerTile, p.colsPerTile = evenly(p.rows, tileRows, t.MR), tileCols
	cols := 0
	for _, at := range strips {
		cols = max(cols, at.cols)
	}
	tiles := func() int {
		p.rowTs, p.colTs = ceilDiv(p.rows, p.rowsPerTile), ceilDiv(cols, p.colsPerTile)
		return p.rowTs * p.colTs * len(strips)
	}
	for tiles() < manyTiles && p.colsPerTile > 2*t.NR {
		p.colsPerTile /= 2
	}
	for tiles() < manyTiles && p.rowsPerTile > 4*t.MR {
		p.rowsPerTile = ceilDiv(p.rowsPerTile/2, t.MR) * t.MR
	}
	p.be.each(work, tiles(), p.run)
}

// packChunk packs some panels of the rows, or a strip, at work: the panels of the
// first block of KC first.
func (p *product) packChunk(chunk int) {
	t := p.tile
	panels := ceilDiv(p.rows, t.MR)
	if chunk >= p.chunksA {
		p.packStrip(chunk - p.chunksA)
		return
	}
	from, to := chunk*packPanels, min((chunk+1)*packPanels, panels)
	for k0 := 0; k0 < p.depth; k0 += t.KC {
		kl := min(t.KC, p.depth-k0)
		dst := p.blockA(k0)[from*t.MR*p.format.depth(kl):]
		p.packLeft(dst[:(to-from)*t.MR*p.format.depth(kl)], p.i0+from*t.MR, min(p.i0+p.rows, p.i0+to*t.MR), p.p0+k0, kl)
	}
}

// blockA returns the packed panels of the rows at work from inner index k0 on, a
// multiple of KC; all panels of a block of KC follow each other.
func (p *product) blockA(k0 int) []float32 {
	return p.packedA[ceilDiv(p.rows, p.tile.MR)*p.tile.MR*p.format.depth(k0):]
}

// blockB is the same of a strip.
func (p *product) blockB(strip, k0 int) []float32 {
	return p.packedB[stripCols*(strip*p.format.depth(p.depth)+p.format.depth(k0)):]
}

func (p *product) packStrip(i int) {
	at := p.now[i]
	q := &p.parts[at.part]
	s := p.be.scratch.get()
	for k0 := 0; k0 < p.depth; k0 += p.tile.KC {
		kl := min(p.tile.KC, p.depth-k0)
		p.packRight(s, q, p.blockB(i, k0), at.j, at.j+at.cols, p.p0+k0, kl)
	}
	p.be.scratch.put(s)
}

// runChunk computes one tile of C.
func (p *product) runChunk(chunk int) {
	t := p.tile
	i := chunk % p.rowTs * p.rowsPerTile // from i0
	chunk /= p.rowTs
	strip, from := chunk/p.colTs, chunk%p.colTs*p.colsPerTile
	at := p.now[strip]
	m, n := min(p.rowsPerTile, p.rows-i), min(p.colsPerTile, at.cols-from)
	if n <= 0 {
		return
	}
	q := &p.parts[at.part]
	s := p.be.scratch.get()
	to := q.begin(s, p.i0+i, at.j+from, m, n, p.p0 == 0)
	rows := evenly(m, tileRows, t.MR)
	for k0 := 0; k0 < p.depth; k0 += t.KC {
		kl := min(t.KC, p.depth-k0)
		d := p.format.depth(kl)
		var panels []float32
		if p.own {
			panels = grow(&s.b, ceilDiv(n, t.NR)*t.NR*kl)
			p.packRight(s, q, panels, at.j+from, at.j+from+n, p.p0+k0, kl)
		} else {
			panels = p.blockB(strip, k0)[from*d:]
		}
		b := simd.Packed(panels, t.NR, d)
		for r := 0; r < m; r += rows {
			a := simd.Packed(p.blockA(k0)[(i+r)*d:], t.MR, d)
			c := to.data[r*to.stride:]
			if p.format == pairs {
				simd.GemmBlockBF16(c, to.stride, a, b, min(rows, m-r), n, d, to.add || k0 > 0)
			} else {
				simd.GemmBlock(c, to.stride, a, b, min(rows, m-r), n, d, to.add || k0 > 0)
			}
		}
	}
	if p.p0+p.depth == p.k {
		q.end(to, p.i0+i, at.j+from, m, n)
	}
	p.be.scratch.put(s)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
