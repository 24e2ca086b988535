package simd

import (
	"slices"
	"testing"
)

// panelsOf packs outer·k numbers into whole panels of the given width.
func panelsOf(x []float32, width, outer, k int) []float32 {
	packed := make([]float32, (outer+width-1)/width*width*k)
	for o := range outer {
		for p := range k {
			packed[(o/width*k+p)*width+o%width] = x[o*k+p]
		}
	}
	return packed
}

// blockByTiles is GemmBlock on packed panels by Gemm alone.
func blockByTiles(c []float32, ldc int, a, b []float32, m, n, k int, add bool) {
	t := GemmTile()
	edge := make([]float32, t.MR*t.NR)
	for i := 0; i < m; i += t.MR {
		for j := 0; j < n; j += t.NR {
			clear(edge)
			Gemm(edge, t.NR, a[i*k:][:t.MR*k], b[j*k:][:t.NR*k], k, false)
			copyTile(c[i*ldc+j:], ldc, edge, t.NR, min(t.MR, m-i), min(t.NR, n-j), add)
		}
	}
}

func TestGemmBlockHasTheBitsOfGemm(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 17, 29} {
			for n := 0; n <= 2*tile.NR+3; n++ {
				for _, k := range []int{0, 1, 2, 3, 4, 7, 9, 32} {
					for _, add := range []bool{false, true} {
						checkBlock(t, m, n, k, add)
					}
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// checkBlock tries every way in which operands may lie.
func checkBlock(t *testing.T, m, n, k int, add bool) {
	t.Helper()
	tile, r := GemmTile(), noise(m+7*n+k)
	x, y := newGuarded(&r, m*k, 0, 1).x, newGuarded(&r, n*k, 0, 1).x
	a, b := panelsOf(x, tile.MR, m, k), panelsOf(y, tile.NR, n, k)
	ldc := n + 3
	c := newGuarded(&r, m*ldc, 0, 1).x
	want := slices.Clone(c)
	blockByTiles(want, ldc, a, b, m, n, k, add)
	try := func(how string, a, b Panels) {
		got := newGuarded(&r, len(c), 1, 1)
		copy(got.x, c)
		GemmBlock(got.x, ldc, a, b, m, n, k, add)
		if !got.intact() || !slices.Equal(got.x, want) {
			t.Fatalf("m=%d n=%d k=%d add=%v %s: other bits than Gemm", m, n, k, add, how)
		}
	}
	packedA, packedB := Packed(a, tile.MR, k), Packed(b, tile.NR, k)
	try("packed", packedA, packedB)
	if m == 0 || n == 0 || k == 0 || !tile.InPlace || !tile.Strided && m < tile.MR {
		return
	}
	rows := newGuarded(&r, (m-1)*(k+2)+k, 3, 1)
	across := newGuarded(&r, (k-1)*(m+1)+m, 2, 1)
	for i := range m {
		for p := range k {
			rows.x[i*(k+2)+p], across.x[p*(m+1)+i] = x[i*k+p], x[i*k+p]
		}
	}
	try("rows of A", Panels{rows.x, k + 2, 1, tile.MR * (k + 2)}, packedB)
	try("columns of A", Panels{across.x, 1, m + 1, tile.MR}, packedB)
	if !tile.Strided {
		return
	}
	wide := (n+tile.NR-1)/tile.NR*tile.NR + 5
	inPlace := newGuarded(&r, (k-1)*wide+wide-5, 1, 1)
	for j := range n {
		for p := range k {
			inPlace.x[p*wide+j] = y[j*k+p]
		}
	}
	try("B in place", packedA, Panels{inPlace.x, 1, wide, tile.NR})
	try("both in place", Panels{rows.x, k + 2, 1, tile.MR * (k + 2)}, Panels{inPlace.x, 1, wide, tile.NR})
}
