package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
)

// The product is the packed, blocked one of Goto and van de Geijn ("Anatomy of
// High-Performance Matrix Multiplication", 2008):
//
//	for blocks of rows and of the inner index                    (passes)
//	    pack op(A) for everybody, unless tiles pack their own    (parallel)
//	    for tiles of C                                           (parallel)
//	        for blocks of KC of the inner index, in order
//	            pack the tile's rows of op(A), if they are its own
//	            for groups of the tile's columns
//	                pack op(B)
//	                simd.GemmBlock
//	        at the end of the inner index: bias, function, residual
//
// What a tile packs stays in its worker's second-level cache, where packing takes
// half the time of that for everybody and multiplying does not wait for memory. So
// tiles pack their own, and some of it several times over, unless they are narrow.
// op(A) of a tile stays in the cache while op(B) and C pass by.
//
// An element of C is the sum over blocks of KC, in order, of the micro-kernel's
// sums, whatever tile it lies in. Nothing else reaches its bits: tiles may follow
// the number of workers.

const (
	// maxPackedA bounds what is packed for everybody: 4 MiB.
	maxPackedA = 1 << 20
	// passDepth bounds the inner indices of a pass that packs for everybody.
	passDepth = 2048
	// stripCols is how many columns of op(B) a narrow product takes at once, and what
	// columns of a tile are packed at once where a block of storage lies across them:
	// whole blocks of any storage type and whole panels of any micro-kernel.
	stripCols = 256
	// groupCols is how many columns of a tile are packed at once: half a KiB of each
	// row, and with KC of them 128 KiB.
	groupCols = 128
	// packPanels is how many panels of A are packed at once for everybody.
	packPanels = 16
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
	own    scratch // of a call that stays on its caller

	// The pass at work, and its tiles.
	tile      simd.Tile
	format    format
	tiling    tiling
	columns   []strip // the columns of tiles
	i0, rows  int     // rows of C
	p0, depth int     // inner indices
	packedA   []float32
	tiled     tiled

	pack, run             func(chunk int)
	packNarrow, runNarrow func(chunk int)
	runPlain              func(chunk int)
	runSpread             func(chunk int)
	runScarce             func(chunk int)
}

// part is one of the products.
type part struct {
	c      []float32
	n      int
	b      weight
	transB bool
	epilogue

	prepacked *prepacked // or nil: tiles pack b
}

// strip is some columns of a part.
type strip struct{ part, j, cols int }

// MatMul implements kernels.Backend.
func (be *Backend) MatMul(args kernels.MatMulArgs) {
	if be.inQ8(&args) {
		be.matMulQ8(args)
		return
	}
	if be.bare(&args) {
		return
	}
	p := be.newProduct()
	p.set("MatMul", &args)
	p.compute()
	p.release()
}

// MatMuls implements kernels.Backend.
func (be *Backend) MatMuls(products []kernels.MatMulArgs) {
	p := be.newProduct()
	inQ8 := 0
	for i := range products {
		if be.inQ8(&products[i]) {
			inQ8++
		} else {
			p.set("MatMuls", &products[i])
		}
	}
	if inQ8 < len(products) {
		p.compute()
	}
	p.release()
	if inQ8 > 0 {
		be.matMulsQ8(products)
	}
}

func (be *Backend) newProduct() *product {
	p := be.products.get()
	if p.be == nil {
		p.be = be
		p.pack, p.run = p.packChunk, p.runChunk
		p.packNarrow, p.runNarrow = p.packNarrowChunk, p.runNarrowChunk
		p.runPlain = p.runPlainChunk
		p.runSpread = p.runSpreadChunk
		p.runScarce = p.runScarceChunk
		p.tiled.pack, p.tiled.run = p.packTiles, p.runTiles
	}
	p.parts, p.work = p.parts[:0], 0
	p.tile, p.format = simd.GemmTile(), be.format()
	return p
}

func (p *product) release() {
	clear(p.parts)
	p.a = view{}
	p.be.products.put(p)
}

// set adds a product. All have the same op(A).
func (p *product) set(op string, args *kernels.MatMulArgs) {
	mustF32(op, args.C)
	mustF32(op, args.A)
	p.a.data, p.a.rows, p.a.cols, p.a.stride = f32(args.A), args.A.Rows(), args.A.Cols(), args.A.Cols()
	p.transA = args.TransA
	p.m, p.k = p.a.rows, p.a.cols
	if p.transA {
		p.m, p.k = p.k, p.m
	}
	n := args.C.Cols()
	if p.m == 0 || n == 0 {
		return
	}
	p.parts = append(p.parts, part{})
	q := &p.parts[len(p.parts)-1]
	q.c, q.n, q.b, q.transB = f32(args.C), n, weightOf(args.B), args.TransB
	q.epilogue.set(args)
	q.growInC(args)
	p.work += p.m * q.n * p.k / productsPerWork
}

func (p *product) compute() {
	if len(p.parts) == 0 {
		return
	}
	if p.plain() {
		p.computePlain()
		return
	}
	if p.scarce() {
		p.computeScarce()
		return
	}
	if p.spread() {
		p.computeSpread()
		return
	}
	if p.k == 0 || (p.work < p.be.small || p.few()) && p.unpacked() && p.format == wide {
		for i := range p.parts {
			p.small(&p.parts[i])
		}
		return
	}
	if p.narrow() {
		p.computeNarrow()
		return
	}
	if p.format.parts() > 0 {
		p.computeTiles()
		return
	}
	p.tiling = p.chooseTiling()
	p.cutColumns()
	t, rows, depth := p.tile, p.m, p.k
	if !p.tiling.own {
		depth = evenly(p.k, passDepth, t.KC)
		for i := range p.parts {
			if p.parts[i].aside {
				depth = p.k
			}
		}
		rows = evenly(p.m, max(maxPackedA/depth/p.tiling.rows, 1)*p.tiling.rows, p.tiling.rows)
	}
	for p.i0 = 0; p.i0 < p.m; p.i0 += rows {
		p.rows = min(rows, p.m-p.i0)
		for p.p0 = 0; p.p0 < p.k; p.p0 += depth {
			p.depth = min(depth, p.k-p.p0)
			p.pass()
		}
	}
}

// cutColumns cuts the columns of all parts into those of tiles.
func (p *product) cutColumns() {
	p.columns = p.columns[:0]
	for i := range p.parts {
		n := p.parts[i].n
		width := evenly(n, p.tiling.cols, p.parts[i].b.columnUnit(p.parts[i].transB, p.tile.NR))
		for j := 0; j < n; j += width {
			p.columns = append(p.columns, strip{i, j, min(width, n-j)})
		}
	}
}

// evenly returns a length of pieces, a multiple of unit and at most about limit,
// that n is cut into with little left over.
func evenly(n, limit, unit int) int {
	pieces := ceilDiv(n, max(limit, unit))
	return ceilDiv(ceilDiv(n, max(pieces, 1)), unit) * unit
}

// pass multiplies the rows and inner indices at work by all columns.
func (p *product) pass() {
	work := p.work // of all passes: each is large, or the only one
	if !p.tiling.own {
		panels := ceilDiv(p.rows, p.tile.MR)
		grow(&p.packedA, panels*p.tile.MR*p.depth)
		p.be.each(work, ceilDiv(panels, packPanels), p.pack)
	}
	p.be.each(work, ceilDiv(p.rows, p.tiling.rows)*len(p.columns), p.run)
}

// packChunk packs some panels of the rows at work: the panels of the first block of
// KC first.
func (p *product) packChunk(chunk int) {
	t := p.tile
	panels := ceilDiv(p.rows, t.MR)
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

// runChunk computes one tile of C.
func (p *product) runChunk(chunk int) {
	at := p.columns[chunk%len(p.columns)]
	i := chunk / len(p.columns) * p.tiling.rows // from i0
	m := min(p.tiling.rows, p.rows-i)
	q := &p.parts[at.part]
	s := p.be.scratch.get()
	to := q.begin(s, p.i0+i, at.j, m, at.cols, p.p0 == 0)
	for k0 := 0; k0 < p.depth; k0 += p.tile.KC {
		kl := min(p.tile.KC, p.depth-k0)
		d := p.format.depth(kl)
		var left []float32
		if p.tiling.own {
			left = grow(&s.a, ceilDiv(m, p.tile.MR)*p.tile.MR*d)
			p.packLeft(left, p.i0+i, p.i0+i+m, p.p0+k0, kl)
		} else {
			left = p.blockA(k0)[i*d:]
		}
		p.multiply(s, to, left, at, m, k0, kl)
	}
	if p.p0+p.depth == p.k {
		q.end(to, p.i0+i, at.j, m, at.cols)
	}
	p.be.scratch.put(s)
}

// multiply adds the products of a block of KC to a tile of m rows: left are its
// packed rows, at its columns.
func (p *product) multiply(s *scratch, to sums, left []float32, at strip, m, k0, kl int) {
	t, q, d := p.tile, &p.parts[at.part], p.format.depth(kl)
	group := max(groupCols, q.b.columnUnit(q.transB, t.NR))
	rows := min(m, blockRows())
	for j := 0; j < at.cols; j += group {
		n := min(group, at.cols-j)
		right := grow(&s.b, ceilDiv(n, t.NR)*t.NR*kl)
		p.packRight(s, q, right, at.j+j, at.j+j+n, p.p0+k0, kl)
		b := simd.Packed(right, t.NR, d)
		for r := 0; r < m; r += rows {
			a, c := simd.Packed(left[r*d:], t.MR, d), to.data[r*to.stride+j:]
			if p.format == pairs {
				simd.GemmBlockBF16(c, to.stride, a, b, min(rows, m-r), n, d, to.add || k0 > 0)
			} else {
				simd.GemmBlock(c, to.stride, a, b, min(rows, m-r), n, d, to.add || k0 > 0)
			}
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
