package cpu

import (
	"unsafe"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// format is how a product's operands are packed.
type format uint8

const (
	wide     format = iota // F32
	rounded                // F32 that are BF16 numbers: the same result, without the speed
	rounded2               // F32 that are sums of two BF16
	pairs                  // pairs of BF16, for simd.GemmBF16
	tiles1                 // tiles of BF16, for simd.GemmTiles
	tiles2                 // the same in two parts
	tiles3                 // in three
)

// format is that of the backend's products on this machine. Without tiles, numbers in
// two or three parts are multiplied at once, in F32: that takes no longer than half of
// their products in any instruction there is. Three parts are the number itself.
func (be *Backend) format() format {
	if be.precision == kernels.PrecisionF32 {
		return wide
	}
	tiles := simd.Has(simd.TileBF16) || be.tilesInGo
	switch be.precision {
	case kernels.PrecisionBF16:
		switch {
		case tiles:
			return tiles1
		case inPairs():
			return pairs
		}
		return rounded
	case kernels.PrecisionBF16x3:
		if tiles {
			return tiles2
		}
		return rounded2
	case kernels.PrecisionBF16x6:
		if tiles {
			return tiles3
		}
	}
	return wide
}

// inPairs reports whether products in BF16 go through the instruction for pairs. Tests
// replace it.
var inPairs = simd.FastBF16

// parts is how many parts of BF16 an operand in tiles has, 0 of one that is not in tiles.
func (f format) parts() int {
	if f < tiles1 {
		return 0
	}
	return 1 + int(f-tiles1)
}

// round rounds packed numbers in place.
func (f format) round(x []float32) {
	switch f {
	case rounded:
		simd.RoundBF16(x)
	case rounded2:
		simd.RoundBF16x2(x)
	}
}

// depth is how many floats of a packed panel's column k inner indices take. A
// block of KC of them is an even number.
func (f format) depth(k int) int {
	if f == pairs {
		return (k + 1) / 2
	}
	return k
}

// packLeft packs rows [from, to) and inner indices [k0, k0+kl) of op(A). dst is
// exactly as long as that takes.
func (p *product) packLeft(dst []float32, from, to, k0, kl int) {
	width := p.tile.MR
	if p.format != pairs {
		packPanelsOf(dst, width, p.a, p.transA, from, to, k0, kl)
		p.format.round(dst)
		return
	}
	s := p.be.scratch.get()
	panels := grow(&s.a, ceilDiv(to-from, width)*width*kl)
	packPanelsOf(panels, width, p.a, p.transA, from, to, k0, kl)
	pairPanels(dst, panels, width, kl)
	p.be.scratch.put(s)
}

// packRight packs columns [j0, j1) and inner indices [k0, k0+kl) of a part's op(B).
func (p *product) packRight(s *scratch, q *part, dst []float32, j0, j1, k0, kl int) {
	width := p.tile.NR
	if v, ok := q.b.pairs(); ok && q.transB && p.format == pairs {
		packPanelsOf(dst, width, v, false, j0, j1, k0/2, kl/2)
		return
	}
	if p.format == pairs { // dst has room for pairs alone, and its neighbour may be another worker's
		panels := grow(&s.unpaired, ceilDiv(j1-j0, width)*width*kl)
		q.b.pack(s, panels, width, q.transB, j0, j1, k0, kl)
		pairPanels(dst, panels, width, kl)
		return
	}
	q.b.pack(s, dst, width, q.transB, j0, j1, k0, kl)
	if q.b.dtype != tensor.BF16 {
		p.format.round(dst[:ceilDiv(j1-j0, width)*width*kl])
	}
}

// pairPanels turns panels of k inner indices into panels of pairs, one after the
// other.
func pairPanels(dst, src []float32, width, k int) {
	for to := 0; len(src) > 0; src = src[width*k:] {
		n := (k + 1) / 2 * width
		simd.PairBF16(dst[to:to+n], src[:width*k], width, k)
		to += n
	}
}

// pairs returns a BF16 matrix as pairs of neighbours in its rows, if it is one of
// even rows at an address that a float may have.
func (w *weight) pairs() (view, bool) {
	if w.dtype != tensor.BF16 || w.cols == 0 || w.cols%2 != 0 || uintptr(unsafe.Pointer(unsafe.SliceData(w.bytes)))%4 != 0 {
		return view{}, false
	}
	return view{tensor.View[float32](w.bytes), w.rows, w.cols / 2, w.cols / 2}, true
}
