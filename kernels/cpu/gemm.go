package cpu

import (
	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// The product is the packed, blocked one of Goto and van de Geijn ("Anatomy of
// High-Performance Matrix Multiplication", 2008), arranged so that each operand
// is packed about once:
//
//	for blocks of rows of op(A) whose packed form stays below packedA floats
//	    pack them, all of the inner index, for everybody          (parallel)
//	    for tiles of MC×NC of C                                   (parallel)
//	        for blocks of KC of the inner index, in order
//	            pack KC×NC of op(B), widened to F32
//	            for its panels, for the tile's panels of A: simd.Gemm
//
// An element of C is the sum over blocks of KC, in order, of the micro-kernel's
// sums, whatever tile it lies in. Nothing else reaches its bits.

// packedA bounds the packed op(A): 8 MiB, a part of the third-level cache.
const packedA = 2 << 20

// productsPerWork is how many multiplications in registers take the time that
// smallWork counts as one.
const productsPerWork = 8

// packPanels is how many panels of A one chunk packs.
const packPanels = 8

// manyTiles is how many tiles of C leave no worker idle for long at the end. With
// fewer, tiles are halved, though op(B) is packed once for every row of tiles.
const manyTiles = 12

// product is one call of MatMul. Calls are reused: run functions bound once
// keep For free of allocations.
type product struct {
	be      *Backend
	m, n, k int
	c       []float32
	a       view
	b       weight
	transA  bool
	transB  bool
	add     bool
	finish  epilogue

	format   format
	tile     simd.Tile
	i0, rows int // the rows of C in work
	packed   []float32
	nTiles   int // tiles along n
	mTile    int // rows of a tile

	pack, run func(chunk int)
}

// MatMul implements kernels.Backend.
func (be *Backend) MatMul(args kernels.MatMulArgs) {
	mustF32("MatMul", args.C, args.A)
	p := be.products.get()
	if p.be == nil {
		p.be = be
		p.pack, p.run = p.packChunk, p.runChunk
	}
	p.set(args)
	p.compute()
	p.c, p.a, p.b, p.finish = nil, view{}, weight{}, epilogue{}
	be.products.put(p)
}

// MatMuls implements kernels.Backend.
func (be *Backend) MatMuls(products []kernels.MatMulArgs) {
	for _, a := range products {
		be.MatMul(a)
	}
}

func (p *product) set(args kernels.MatMulArgs) {
	p.m, p.n = args.C.Rows(), args.C.Cols()
	p.c = tensor.HostFloats[float32](args.C)
	p.a = viewOf(args.A)
	p.b = weightOf(args.B)
	p.transA, p.transB = args.TransA, args.TransB
	p.add = args.Accumulate
	p.finish = epilogueOf(args)
	p.k = p.a.cols
	if p.transA {
		p.k = p.a.rows
	}
	p.tile, p.format = simd.GemmTile(), p.be.format()
}

func (p *product) compute() {
	if p.m == 0 || p.n == 0 {
		return
	}
	t := p.tile
	work := p.m * p.n * p.k / productsPerWork
	if work < p.be.small && p.b.f32 != nil && p.format == wide {
		p.small()
		return
	}
	step := p.m
	if p.m*p.k > packedA {
		step = max(packedA/p.k/t.MC, 1) * t.MC
	}
	p.nTiles = ceilDiv(p.n, t.NC)
	for p.i0 = 0; p.i0 < p.m; p.i0 += step {
		p.rows = min(step, p.m-p.i0)
		p.mTile = 2 * t.MC
		if ceilDiv(p.rows, p.mTile)*p.nTiles < manyTiles {
			p.mTile = t.MC
		}
		panels := ceilDiv(p.rows, t.MR)
		grow(&p.packed, panels*t.MR*p.format.depth(p.k))
		p.be.each(work, ceilDiv(panels, packPanels), p.pack)
		p.be.each(work, ceilDiv(p.rows, p.mTile)*p.nTiles, p.run)
	}
}

// small computes all of C on the caller.
func (p *product) small() {
	add := p.add
	s := p.be.scratch.get()
	residual := p.finish.keep(s, p.c, p.n, p.m, p.n, 0, 0)
	if p.finish.bias != nil {
		p.begin(p.c, p.m, p.n, 0)
		add = true
	}
	s.sgemm(view{p.c, p.m, p.n, p.n}, p.a, p.transA, view{p.b.f32, p.b.rows, p.b.cols, p.b.cols}, p.transB, add)
	p.finish.apply(p.c, p.n, p.m, p.n, residual)
	p.be.scratch.put(s)
}

// packChunk packs packPanels panels of the rows in work, the panels of the
// first block of KC first.
func (p *product) packChunk(chunk int) {
	t := p.tile
	panels := ceilDiv(p.rows, t.MR)
	from, to := chunk*packPanels, min((chunk+1)*packPanels, panels)
	for k0 := 0; k0 < p.k; k0 += t.KC {
		kl := min(t.KC, p.k-k0)
		block, column := p.packed[p.format.depth(k0)*panels*t.MR:], t.MR*p.format.depth(kl)
		p.packLeft(block[from*column:to*column], p.i0+from*t.MR, min(p.i0+p.rows, p.i0+to*t.MR), k0, kl)
	}
}

// runChunk computes one tile of C.
func (p *product) runChunk(chunk int) {
	t := p.tile
	i := chunk / p.nTiles * p.mTile // from i0
	j := chunk % p.nTiles * t.NC
	m, n := min(p.mTile, p.rows-i), min(t.NC, p.n-j)
	c := p.c[(p.i0+i)*p.n+j:]
	add := p.add
	s := p.be.scratch.get()
	residual := p.finish.keep(s, p.c, p.n, m, n, p.i0+i, j)
	if p.finish.bias != nil || p.k == 0 && !add {
		p.begin(c, m, n, j)
		add = true
	}
	panels := ceilDiv(p.rows, t.MR)
	pb := grow(&s.b, ceilDiv(n, t.NR)*t.NR*t.KC)
	for k0 := 0; k0 < p.k; k0 += t.KC {
		kl := min(t.KC, p.k-k0)
		p.packRight(s, pb, j, j+n, k0, kl)
		depth := p.format.depth(kl)
		left := leftRows{packed: p.packed[p.format.depth(k0)*panels*t.MR+i*depth:], pairs: p.format == pairs}
		s.macro(c, p.n, m, n, depth, &left, pb, add || k0 > 0)
	}
	p.finish.apply(c, p.n, m, n, residual)
	p.be.scratch.put(s)
}

// begin sets a tile of C to the bias, or to zero.
func (p *product) begin(c []float32, m, n, j int) {
	for i := range m {
		row := c[i*p.n:][:n]
		if p.finish.bias != nil {
			copy(row, p.finish.bias[j:])
		} else {
			clear(row)
		}
	}
}

// leftRows is how the micro-kernels find m rows and k columns of op(A).
type leftRows struct {
	packed        []float32 // panels one after the other; in place only one, if m < MR
	pairs         bool      // b and packed hold pairs of BF16, and p counts pairs
	place         []float32 // nil, or op(A)[i, p] = place[i·rowStep+p·step]
	rowStep, step int
}

// macro multiplies: c[i·ldc+j] (+)= Σ_p a[i,p]·b[p,j] for i < m, j < n, p < k, b
// packed.
func (s *scratch) macro(c []float32, ldc, m, n, k int, a *leftRows, pb []float32, add bool) {
	t := simd.GemmTile()
	edge := grow(&s.tile, t.MR*t.NR)
	for j := 0; j < n; j += t.NR {
		b := pb[j*k:][:t.NR*k]
		for i := 0; i < m; i += t.MR {
			to, width, sum := c[i*ldc+j:], ldc, add
			full := i+t.MR <= m
			inside := full && j+t.NR <= n
			if !inside {
				to, width, sum = edge, t.NR, false
			}
			switch {
			case a.pairs:
				simd.GemmBF16(to, width, a.packed[i*k:][:t.MR*k], b, k, sum)
			case a.place == nil:
				simd.Gemm(to, width, a.packed[i*k:][:t.MR*k], b, k, sum)
			case full:
				simd.GemmInPlace(to, width, a.place[i*a.rowStep:], a.rowStep, a.step, b, k, sum)
			case m >= t.MR: // the last rows, among some that are done already
				simd.GemmInPlace(to, width, a.place[(m-t.MR)*a.rowStep:], a.rowStep, a.step, b, k, false)
				to = edge[(t.MR-m+i)*t.NR:]
			default:
				simd.Gemm(to, width, a.packed, b, k, false)
			}
			if !inside {
				copyTile(c[i*ldc+j:], ldc, to, t.NR, min(t.MR, m-i), min(t.NR, n-j), add)
			}
		}
	}
}

// copyTile does c[i·ldc+j] (+)= edge[i·width+j] for i < m, j < n.
func copyTile(c []float32, ldc int, edge []float32, width, m, n int, add bool) {
	for i := range m {
		row, from := c[i*ldc:][:n], edge[i*width:][:n]
		if !add {
			copy(row, from)
			continue
		}
		for j, v := range from {
			row[j] += v
		}
	}
}

// sgemm computes c (+)= op(a)·op(b) inside one worker: c, a and b are strided
// matrices as stored, of matching shapes. It has the bits of MatMul. It leaves a
// where it is if it can: for small products packing is a fifth of the time.
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
	for i0 := 0; i0 < c.rows; i0 += t.MC {
		m := min(t.MC, c.rows-i0)
		for k0 := 0; k0 < k; k0 += t.KC {
			kl := min(t.KC, k-k0)
			left := s.left(t, a, transA, i0, m, k0, kl)
			for j0 := 0; j0 < c.cols; j0 += t.NC {
				n := min(t.NC, c.cols-j0)
				pb := grow(&s.b, ceilDiv(n, t.NR)*t.NR*kl)
				packPanelsOf(pb, t.NR, b, !transB, j0, j0+n, k0, kl)
				s.macro(c.data[i0*c.stride+j0:], c.stride, m, n, kl, &left, pb, accumulate || k0 > 0)
			}
		}
	}
}

// left prepares rows [i0, i0+m), inner indices [k0, k0+kl) of op(a).
func (s *scratch) left(t simd.Tile, a view, trans bool, i0, m, k0, kl int) leftRows {
	if !t.InPlace {
		l := leftRows{packed: grow(&s.a, ceilDiv(m, t.MR)*t.MR*kl)}
		packPanelsOf(l.packed, t.MR, a, trans, i0, i0+m, k0, kl)
		return l
	}
	l := leftRows{packed: grow(&s.a, t.MR*kl), rowStep: a.stride, step: 1}
	if trans {
		l.rowStep, l.step = 1, a.stride
	}
	l.place = a.data[i0*l.rowStep+k0*l.step:]
	if m < t.MR {
		packPanelsOf(l.packed, t.MR, a, trans, i0, i0+m, k0, kl)
	}
	return l
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
