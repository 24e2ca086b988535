package cpu

import "lamina/kernels/internal/simd"

// A product of few rows by a weight [N P] would spend its time packing the weight.
// It is computed the other way around, (op(A)·Wᵀ)ᵀ = W·op(A)ᵀ: the rows of the
// weight, where they are or widened, are what the micro-kernel broadcasts, and
// op(A) is packed as its right operand. Tiles are turned on their way to C. An
// element's sum has the same terms in the same order.

const (
	// narrowRows is how many rows op(A) may have.
	narrowRows = 128
	// narrowCols is how many rows of the weight make a tile.
	narrowCols = 96
)

// narrow reports whether the product is computed that way.
func (p *product) narrow() bool {
	for i := range p.parts {
		if !p.parts[i].transB {
			return false
		}
	}
	return p.tile.Strided && p.format == wide && p.m <= narrowRows && p.m*p.k <= maxPackedA
}

func (p *product) computeNarrow() {
	t := p.tile
	grow(&p.packedA, ceilDiv(p.m, t.NR)*t.NR*p.k)
	p.be.each(p.work, ceilDiv(p.k, t.KC), p.packNarrow)
	p.tiling = tiling{rows: p.m, cols: narrowCols}
	p.cutColumns()
	p.be.each(p.work, len(p.columns), p.runNarrow)
}

// packNarrowChunk packs a block of KC inner indices of op(A).
func (p *product) packNarrowChunk(chunk int) {
	t := p.tile
	k0 := chunk * t.KC
	packPanelsOf(p.narrowBlock(k0), t.NR, p.a, p.transA, 0, p.m, k0, min(t.KC, p.k-k0))
}

func (p *product) narrowBlock(k0 int) []float32 {
	return p.packedA[ceilDiv(p.m, p.tile.NR)*p.tile.NR*k0:]
}

// runNarrowChunk computes all rows and some columns of C.
func (p *product) runNarrowChunk(chunk int) {
	t, at := p.tile, p.columns[chunk]
	q, j, n := &p.parts[at.part], at.j, at.cols
	s := p.be.scratch.get()
	to := q.begin(s, 0, j, p.m, n, true)
	turned := grow(&s.turned, n*p.m)
	if to.add {
		simd.Transpose(turned, p.m, to.data, to.stride, p.m, n)
	}
	for k0 := 0; k0 < p.k; k0 += t.KC {
		kl := min(t.KC, p.k-k0)
		left := q.b.rowsAt(s, t.MR, j, n, k0, kl)
		right := simd.Packed(p.narrowBlock(k0), t.NR, kl)
		simd.GemmBlock(turned, p.m, left, right, n, p.m, kl, to.add || k0 > 0)
	}
	simd.Transpose(to.data, to.stride, turned, p.m, n, p.m)
	q.end(to, 0, j, p.m, n)
	p.be.scratch.put(s)
}

// rowsAt returns n rows from row i on, columns [k0, k0+kl), as the left operand of
// micro-kernels of the given height: in place if they are F32, else widened.
func (w *weight) rowsAt(s *scratch, height, i, n, k0, kl int) simd.Panels {
	if w.f32 != nil {
		return simd.Panels{Data: w.f32[i*w.cols+k0:], Outer: w.cols, Inner: 1, Panel: height * w.cols}
	}
	wide := grow(&s.wide, n*kl)
	for r := range n {
		w.row(wide[r*kl:], i+r, k0, k0+kl)
	}
	return simd.Panels{Data: wide, Outer: kl, Inner: 1, Panel: height * kl}
}
