package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestGemmIsWithinTheBoundOfSummation(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		for _, k := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 255, 256, 257} {
			for _, add := range []bool{false, true} {
				r := noise(k + 1)
				ldc := tile.NR + k%3
				c := newGuarded(&r, (tile.MR-1)*ldc+tile.NR, k%5, 1)
				a, b := newGuarded(&r, k*tile.MR, 1, 1), newGuarded(&r, k*tile.NR, 2, 1)
				was := slices.Clone(c.x)
				Gemm(c.x, ldc, a.x, b.x, k, add)
				if !c.intact() {
					t.Fatalf("k=%d: wrote outside", k)
				}
				for at, got := range c.x {
					i, j := at/ldc, at%ldc
					if j >= tile.NR {
						if got != was[at] {
							t.Fatalf("k=%d: wrote beside row %d", k, i)
						}
						continue
					}
					want, abs := 0.0, 0.0
					if add {
						want, abs = float64(was[at]), math.Abs(float64(was[at]))
					}
					for p := range k {
						v := float64(a.x[p*tile.MR+i]) * float64(b.x[p*tile.NR+j])
						want, abs = want+v, abs+math.Abs(v)
					}
					if bound := float64(k+1) * 0x1p-24 * abs; !(math.Abs(float64(got)-want) <= bound) {
						t.Fatalf("k=%d add=%v: c[%d %d] = %v, want %v ± %.2g", k, add, i, j, got, want, bound)
					}
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

func TestGemmInPlaceHasTheBitsOfGemm(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		if !tile.InPlace {
			t.Skipf("%v has no GemmInPlace", Active())
		}
		for _, k := range []int{0, 1, 3, 4, 5, 8, 63, 256} {
			for _, across := range []bool{false, true} {
				for _, add := range []bool{false, true} {
					r := noise(k + 1)
					rowStep, step, n := k+3, 1, (tile.MR-1)*(k+3)+k
					if across {
						rowStep, step, n = 1, tile.MR+2, max(k-1, 0)*(tile.MR+2)+tile.MR
					}
					a, b := newGuarded(&r, n, 1, 1), newGuarded(&r, k*tile.NR, 2, 1)
					packed := make([]float32, k*tile.MR)
					for p := range k {
						for i := range tile.MR {
							packed[p*tile.MR+i] = a.x[i*rowStep+p*step]
						}
					}
					ldc := tile.NR + 1
					got := newGuarded(&r, (tile.MR-1)*ldc+tile.NR, 3, 1)
					want := slices.Clone(got.x)
					GemmInPlace(got.x, ldc, a.x, rowStep, step, b.x, k, add)
					Gemm(want, ldc, packed, b.x, k, add)
					if !got.intact() || !slices.Equal(got.x, want) {
						t.Fatalf("k=%d across=%v add=%v: %v, want %v", k, across, add, got.x, want)
					}
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// TestGemmSumsInOrder tells the order of the inner index from sums that lose
// small terms if added to a large one first.
func TestGemmSumsInOrder(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		const k = 9
		a, b := make([]float32, k*tile.MR), make([]float32, k*tile.NR)
		for i := range a {
			a[i] = 1
		}
		terms := [k]float32{1, 1 << 25, -1 << 25, 1, 1, 1 << 26, 3, -1 << 26, 2}
		var want float32
		for p, v := range terms {
			want += v
			for j := range tile.NR {
				b[p*tile.NR+j] = v
			}
		}
		c := make([]float32, tile.MR*tile.NR)
		Gemm(c, tile.NR, a, b, k, false)
		for i, v := range c {
			if v != want {
				t.Fatalf("element %d is %v, in order it is %v", i, v, want)
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// TestPackingMatchesItsFormula holds Interleave and Gather to their comments,
// for panels of every level's widths.
func TestPackingMatchesItsFormula(t *testing.T) {
	check := func(t *testing.T) {
		for _, width := range []int{4, 6, 8, 12, 16, 32} {
			most := 3*width + 1
			if width == 6 {
				most = 9*width + 1 // more than are gathered at once
			}
			for outer := 1; outer <= most; outer++ {
				for _, k := range []int{0, 1, 7, 8, 9, 16, 29} {
					r := noise(outer + k)
					at := func(what string, i, p int, got, want float32) {
						if got != want {
							t.Fatalf("%s width=%d outer=%d k=%d: element (%d, %d) is %v, want %v", what, width, outer, k, i, p, got, want)
						}
					}
					stride := outer + 3
					src := newGuarded(&r, max(k-1, 0)*stride+outer, 1, 1)
					panels := (outer + width - 1) / width
					dst := newGuarded(&r, panels*width*k, 3, 1)
					Gather(dst.x, width, src.x, stride, outer, k)
					for i := range panels * width {
						for p := range k {
							var want float32
							if i < outer {
								want = src.x[p*stride+i]
							}
							at("Gather", i, p, dst.x[(i/width*k+p)*width+i%width], want)
						}
					}
					if !dst.intact() {
						t.Fatalf("Gather width=%d outer=%d k=%d: wrote outside", width, outer, k)
					}
					if outer > width {
						continue
					}
					stride = k + 2
					src, dst = newGuarded(&r, (outer-1)*stride+k, 1, 1), newGuarded(&r, width*k, 5, 1)
					Interleave(dst.x, width, src.x, stride, outer, k)
					for i := range width {
						for p := range k {
							var want float32
							if i < outer {
								want = src.x[i*stride+p]
							}
							at("Interleave", i, p, dst.x[p*width+i], want)
						}
					}
					if !dst.intact() {
						t.Fatalf("Interleave width=%d outer=%d k=%d: wrote outside", width, outer, k)
					}
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

func TestPeakCounts(t *testing.T) {
	for _, l := range Levels() {
		t.Run(fmt.Sprint(l), func(t *testing.T) {
			was := Active()
			defer Set(was)
			Set(l)
			if one, ten := Peak(1), Peak(10); one <= 0 || ten != 10*one {
				t.Errorf("Peak(1) = %d, Peak(10) = %d", one, ten)
			}
		})
	}
}
