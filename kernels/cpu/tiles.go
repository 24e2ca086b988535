package cpu

import (
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// A product in tiles of BF16 is packed as simd.GemmTiles has it:
//
//	for blocks of rows                                          (usually one)
//	    round and pack op(A)                                    (parallel)
//	    for tiles of C                                          (parallel)
//	        for blocks of KC of the inner index, in order
//	            round and pack op(B) here, unless it is kept packed
//	            simd.GemmTiles, which goes on with the sums in C
//	        bias, function, residual
//
// Each operand is one, two or three parts, as simd.PackTiles makes them. Products of
// parts are passes, over a block of KC each, those of the smallest parts first; a pass
// adds the products of 32 inner indices to an element of C at once. So the order of its
// sum depends on the inner size and the number of parts alone.

const (
	// maxTiledA bounds the words of op(A) in tiles: 8 MiB.
	maxTiledA = 1 << 21
	// unitRows is how many rows of A are packed at once.
	unitRows = 64
	// callRows is how many rows of A are multiplied in one call: with KC of 512 they are
	// 256 KiB, which stay in the second-level cache for all panels of B.
	callRows = 256
	// residentA is how many bytes of op(A), packed by one worker, stay in the second-level cache
	// beside what a tile has there.
	residentA = 1 << 20
)

// What takes how many nanoseconds, about: a product of two numbers, a byte that comes from
// beyond the second-level cache, and packing a number of op(B) by the number of parts.
const (
	productCost = 1. / 1100
	byteCost    = 0.1
)

var packCosts = [...]float64{1: 0.25, 2: 0.4, 3: 0.6}

// tiledDepths is KC by the number of parts: two panels of all parts of B take 40, 32 or 24 of
// the 48 KiB of the first-level cache in processors with AMX. C is read and written once a block
// of KC, which takes as long as multiplying some 400 inner indices where C is beyond the second-level cache.
var tiledDepths = [...]int{1: 640, 2: 256, 3: 128}

// tiledStretch is how many blocks of three parts make a stretch: 256 inner indices, as F32
// kernels sum them. Its sums begin with 0 and are added to C when it is over. In sums that
// have grown the products of small parts would round away.
const tiledStretch = 2

// tiled is what a product in tiles has beside the others.
type tiled struct {
	parts  int    // of an operand
	kc     int    // inner indices of a block
	blocks int    // of kc
	sick   []bool // by block and unit: A has infinities or NaN there
	rows   int    // of a tile of C
	cols   int    // its columns
	across int    // tiles along a strip
	groups int    // tiles below each other, for each of which op(B) is packed anew
	strips []strip

	pack, run func(chunk int)
}

// slots is how many parts there is room for: one more for whole numbers.
func (t *tiled) slots() int {
	if t.parts == 1 {
		return 1
	}
	return t.parts + 1
}

// units is how many units of rows are at work.
func (t *tiled) units() int { return len(t.sick) / t.blocks }

// tiles is a block of an operand: part i lies i·part words further, and the first part with
// its infinities and NaN, if it has any, is number whole.
type tiles struct {
	simd.Tiled
	part, parts, whole int
	sick               bool
}

// first returns where the first part is that goes with the first one of the other operand.
func (t *tiles) first() int {
	if t.sick {
		return t.whole * t.part
	}
	return 0
}

// mark notes whether a further panel was finite: once one is not, all have whole numbers.
func (t *tiles) mark(panel int, finite bool) {
	whole := func(from, to int) {
		copy(t.Data[t.whole*t.part+from*t.Panel:], t.Data[from*t.Panel:to*t.Panel])
	}
	switch {
	case t.sick && finite:
		whole(panel, panel+1)
	case !t.sick && !finite:
		whole(0, panel)
		t.sick = true
	}
}

func tilesOf(k int) int { return ceilDiv(k, simd.TileDepth) }

// tiledWords returns the words of one part of n outer and k inner indices.
func tiledWords(n, k int) int { return ceilDiv(n, simd.TileWidth) * tilesOf(k) * simd.TileWords }

func (p *product) computeTiles() {
	t := &p.tiled
	t.strips = t.strips[:0]
	for i := range p.parts {
		for n, j := p.parts[i].n, 0; j < n; j += stripCols {
			t.strips = append(t.strips, strip{i, j, min(stripCols, n-j)})
		}
	}
	t.parts = p.format.parts()
	t.kc = evenly(p.k, tiledDepths[t.parts], simd.TileDepth)
	t.blocks = ceilDiv(p.k, t.kc)
	p.findPrepacked()
	rows := evenly(p.m, maxTiledA/(t.slots()*tiledWords(unitRows, p.k))*unitRows, unitRows)
	for p.i0 = 0; p.i0 < p.m; p.i0 += rows {
		p.rows = min(rows, p.m-p.i0)
		grow(&p.packedA, t.slots()*tiledWords(p.rows, p.k))
		n := ceilDiv(p.rows, unitRows) * t.blocks
		if cap(t.sick) < n {
			t.sick = make([]bool, n)
		}
		t.sick = t.sick[:n]
		p.be.each(p.work, n, t.pack)
		p.be.each(p.work, p.cutTiles(), t.run)
	}
}

// cutTiles chooses the tiles of C for the rows at work that take the least time on the
// backend's workers, and returns their number. Narrow ones leave no worker idle for long at the
// end, and fetch op(A) often, which does not stay in a cache if it is large.
func (p *product) cutTiles() int {
	t := &p.tiled
	least := 0.
	for cols := stripCols; cols >= 2*simd.TileWidth; cols /= 2 {
		across := 0
		for _, at := range t.strips {
			across += ceilDiv(at.cols, cols)
		}
		for rows, below := p.rows, 0; rows > unitRows || below == 0; rows = ceilDiv(rows, 2) {
			height := evenly(p.rows, rows, unitRows)
			below = ceilDiv(p.rows, height)
			if cost := p.tiledCost(height, cols, across*below); least == 0 || cost < least {
				least, t.rows, t.cols, t.groups = cost, height, cols, below
			}
		}
	}
	t.across = stripCols / t.cols
	return len(t.strips) * t.across * t.groups
}

// tiledCost estimates the nanoseconds that so many tiles of C take.
func (p *product) tiledCost(rows, cols, tiles int) float64 {
	parts, k := p.tiled.parts, float64(p.k)
	tile := float64(rows*cols) * k * float64(parts*(parts+1)/2) * productCost
	if p.parts[0].prepacked != nil {
		tile += float64(2*parts*cols) * k * byteCost
	} else {
		tile += float64(cols) * k * packCosts[parts]
	}
	workers := p.be.Threads()
	if bytes := 2 * parts * p.rows * p.k; workers > 1 || bytes > residentA { // others packed some of it, in their caches
		tile += float64(2*parts*rows) * k * byteCost
	}
	if workers == 1 {
		return float64(tiles) * tile
	}
	return float64(ceilDiv(tiles, workers))*tile + tile/2 // one worker may be twice as slow, beside a neighbour
}

// depthOf returns where a block begins in the inner index, and how long it is.
func (p *product) depthOf(block int) (k0, kl int) {
	k0 = block * p.tiled.kc
	return k0, min(p.tiled.kc, p.k-k0)
}

// leftTiles is a block of op(A) from a unit of the rows at work on.
func (p *product) leftTiles(block, unit int) tiles {
	t := &p.tiled
	k0, kl := p.depthOf(block)
	panel := tilesOf(kl) * simd.TileWords
	data := p.packedA[t.slots()*tiledWords(p.rows, k0)+unit*unitRows/simd.TileWidth*panel:]
	return tiles{
		Tiled: simd.Tiled{Data: data, Panel: panel},
		part:  tiledWords(p.rows, kl), parts: t.parts, whole: t.parts, sick: t.sick[block*t.units()+unit],
	}
}

// packTiles packs a unit of a block.
func (p *product) packTiles(chunk int) {
	t := &p.tiled
	block, unit := chunk/t.units(), chunk%t.units()
	k0, kl := p.depthOf(block)
	i := unit * unitRows
	to := p.leftTiles(block, unit)
	src := sourceOf(p.a, p.transA, p.i0+i, k0)
	t.sick[chunk] = !simd.PackTiles(to.Data, to.part, to.parts, src, min(unitRows, p.rows-i), kl, simd.Left)
}

// sourceOf returns the elements of v from an outer and an inner index on; the outer index
// runs over its rows, or its columns with across.
func sourceOf(v view, across bool, outer, inner int) simd.TileSource {
	if across {
		return simd.TileSource{Data: v.data[inner*v.stride+outer:], Stride: v.stride, Across: true}
	}
	return simd.TileSource{Data: v.data[outer*v.stride+inner:], Stride: v.stride}
}

// runTiles computes a tile of C.
func (p *product) runTiles(chunk int) {
	t := &p.tiled
	i := chunk % t.groups * t.rows // from i0
	chunk /= t.groups
	at := t.strips[chunk/t.across]
	from := chunk % t.across * t.cols
	m, n := min(t.rows, p.rows-i), min(t.cols, at.cols-from)
	if n <= 0 || m <= 0 {
		return
	}
	q, j := &p.parts[at.part], at.j+from
	s := p.be.scratch.get()
	var to sums
	if q.aside || t.parts == 3 {
		to = q.begin(s, p.i0+i, j, m, n, true)
	} else {
		to = q.beginApart(p.i0+i, j, true)
	}
	for block := range t.blocks {
		k0, kl := p.depthOf(block)
		right := q.right(s, t, j, n, k0, kl)
		sum, apart := t.place(s, to, block, m, n)
		for r := 0; r < m; r += callRows {
			rows := min(callRows, m-r)
			c, of := to.row(r), sum.row(r)
			p.multiplyTiles(of, block, i+r, rows, n, &right)
			if apart && (block+1 == t.blocks || (block+1)%tiledStretch == 0) {
				c.grow(of, rows, n)
			}
			if block+1 == t.blocks {
				q.end(c, p.i0+i+r, j, rows, n)
			}
		}
	}
	p.be.scratch.put(s)
}

// place returns where the sums of a block of m rows and n columns grow: to, where those
// before it are, or apart from them, beginning with 0.
func (t *tiled) place(s *scratch, to sums, block, m, n int) (sum sums, apart bool) {
	if t.parts < 3 || block < tiledStretch && !to.add {
		if block > 0 {
			to.add, to.from = true, nil
		}
		return to, false
	}
	return sums{data: grow(&s.turned, m*n), stride: n, add: block%tiledStretch > 0}, true
}

// grow adds m rows and n columns of further sums to those that stand there.
func (to sums) grow(further sums, m, n int) {
	for r := range m {
		simd.AddTo(to.data[r*to.stride:][:n], further.data[r*further.stride:])
	}
}

// multiplyTiles adds a block of the inner index to rows and columns of C, from row i of
// those at work on: at once, or unit by unit if A is not finite somewhere.
func (p *product) multiplyTiles(c sums, block, i, rows, n int, right *tiles) {
	t := &p.tiled
	_, kl := p.depthOf(block)
	sick := false
	for u := i / unitRows; u <= (i+rows-1)/unitRows; u++ {
		sick = sick || t.sick[block*t.units()+u]
	}
	step := rows
	if sick {
		step = unitRows
	}
	for r := 0; r < rows; r += step {
		left := p.leftTiles(block, (i+r)/unitRows)
		var passes [6]simd.Pass
		to := c.row(r)
		simd.GemmTiles(to.data, to.stride, left.Tiled, right.Tiled, passesOf(passes[:0], &left, right), min(step, rows-r), n, tilesOf(kl), to.begins())
	}
}

// passesOf appends the products of parts i and j, from 0, with i + j less than the number
// of parts, the largest of these sums first. Parts of numbers that are not finite are
// zeros but in the product of the first ones.
func passesOf(passes []simd.Pass, a, b *tiles) []simd.Pass {
	for sum := a.parts - 1; sum > 0; sum-- {
		for i := sum; i >= 0; i-- {
			if j := sum - i; j < b.parts {
				passes = append(passes, simd.Pass{A: i * a.part, B: j * b.part})
			}
		}
	}
	return append(passes, simd.Pass{A: a.first(), B: b.first()})
}

// right returns columns [j, j+n) and inner indices [k0, k0+kl) of op(B), packed.
func (q *part) right(s *scratch, t *tiled, j, n, k0, kl int) tiles {
	if q.prepacked != nil {
		return q.prepacked.tiles(t, j, k0, kl)
	}
	return q.b.tiles(s, t, q.transB, j, n, k0, kl)
}

// tiles packs columns [j, j+n) and inner indices [k0, k0+kl) of op(w).
func (w *weight) tiles(s *scratch, t *tiled, trans bool, j, n, k0, kl int) tiles {
	to := tiles{
		Tiled: simd.Tiled{Data: grow(&s.b, t.slots()*tiledWords(n, kl)), Panel: tilesOf(kl) * simd.TileWords},
		part:  tiledWords(n, kl), parts: t.parts, whole: t.parts,
	}
	switch {
	case w.f32 != nil:
		src := sourceOf(view{w.f32, w.rows, w.cols, w.cols}, !trans, j, k0)
		to.sick = !simd.PackTiles(to.Data, to.part, to.parts, src, n, kl, simd.Right)
	case w.dtype == tensor.BF16 && t.parts == 1:
		halves, at := tensor.View[uint16](w.bytes), k0*w.cols+j
		if trans {
			at = j*w.cols + k0
		}
		simd.PackTilesBF16(to.Data, halves[at:], w.cols, !trans, n, kl, simd.Right)
	case trans:
		wide := grow(&s.wide, simd.TileWidth*kl)
		for o := 0; o < n; o += simd.TileWidth {
			rows := min(simd.TileWidth, n-o)
			for r := range rows {
				w.row(wide[r*kl:], j+o+r, k0, k0+kl)
			}
			src, panel := simd.TileSource{Data: wide, Stride: kl}, o/simd.TileWidth
			to.mark(panel, simd.PackTiles(to.Data[panel*to.Panel:], to.part, to.parts, src, rows, kl, simd.Right))
		}
	default:
		wide := grow(&s.wide, n*kl)
		for r := range kl {
			w.row(wide[r*n:], k0+r, j, j+n)
		}
		src := simd.TileSource{Data: wide, Stride: n, Across: true}
		to.sick = !simd.PackTiles(to.Data, to.part, to.parts, src, n, kl, simd.Right)
	}
	return to
}
