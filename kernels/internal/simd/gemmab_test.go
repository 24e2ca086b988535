package simd

import (
	"slices"
	"testing"
)

// TestPlainProductsHaveTheBitsOfGemm holds GemmAB and GemmABt to packed panels.
func TestPlainProductsHaveTheBitsOfGemm(t *testing.T) {
	check := func(t *testing.T) {
		if !GemmTile().Plain {
			t.Skipf("%v has no products of operands where they are", Active())
		}
		for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 25, 29, 65} {
			for n := range 69 {
				for _, k := range []int{0, 1, 3, 15, 16, 17, 40} {
					checkPlain(t, m, n, k)
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// checkPlain tries every way in which operands may lie.
func checkPlain(t *testing.T, m, n, k int) {
	t.Helper()
	tile, r := GemmTile(), noise(m+7*n+k)
	x, y := newGuarded(&r, m*k, 0, 1).x, newGuarded(&r, n*k, 0, 1).x
	a, b := panelsOf(x, tile.MR, m, k), panelsOf(y, tile.NR, n, k)
	ldc, lda, ldx, ldb, ldy := n+3, k+2, m+1, n+n%2, k+1
	rows, across := newGuarded(&r, span(m, k, lda), 3, 1), newGuarded(&r, span(k, m, ldx), 2, 1)
	for i := range m {
		for p := range k {
			rows.x[i*lda+p], across.x[p*ldx+i] = x[i*k+p], x[i*k+p]
		}
	}
	plain, turned := newGuarded(&r, span(k, n, ldb), 1, 1), newGuarded(&r, span(n, k, ldy), 1, 1)
	for j := range n {
		for p := range k {
			plain.x[p*ldb+j], turned.x[j*ldy+p] = y[j*k+p], y[j*k+p]
		}
	}
	was := newGuarded(&r, span(m, n, ldc), 0, 1).x
	try := func(how string, add bool, product func(c []float32)) {
		want, got := slices.Clone(was), newGuarded(&r, len(was), 1, 1)
		blockByTiles(want, ldc, a, b, m, n, k, add)
		copy(got.x, was)
		if product(got.x); !got.intact() || !slices.Equal(got.x, want) {
			t.Fatalf("m=%d n=%d k=%d add=%v, %s: other bits than Gemm", m, n, k, add, how)
		}
	}
	for _, left := range []struct {
		how string
		Unpacked
	}{{"rows of A", Unpacked{rows.x, lda, 1}}, {"columns of A", Unpacked{across.x, 1, ldx}}} {
		for _, into := range []Into{Fresh, Plus} {
			try(left.how, into == Plus, func(c []float32) { GemmAB(c, ldc, left.Unpacked, plain.x, ldb, m, n, k, into) })
		}
		if m*n == 0 || k < 2 {
			continue
		}
		try(left.how+" in two calls", false, func(c []float32) {
			p := k / 2
			GemmAB(c, ldc, left.Unpacked, plain.x, ldb, m, n, p, Fresh)
			left.Data = left.Data[p*left.Inner:]
			GemmAB(c, ldc, left.Unpacked, plain.x[p*ldb:], ldb, m, n, k-p, More)
		})
	}
	for _, into := range []Into{Fresh, Plus} {
		try("B by columns", into == Plus, func(c []float32) { GemmABt(c, ldc, rows.x, lda, turned.x, ldy, m, n, k, into) })
	}
}
