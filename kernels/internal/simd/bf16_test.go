package simd

import (
	"math"
	"slices"
	"testing"

	"lamina/tensor"
)

// edgesOfBF16 are numbers at and beside the middle between two BF16, the largest
// ones, and NaN whose payload lies in the half that is cut off.
func edgesOfBF16() []float32 {
	var x []float32
	for _, bits := range []uint32{
		0x3f808000, 0x3f807fff, 0x3f808001, 0x3f818000, 0x3f817fff, 0x3f818001, 0x3fffffff,
		0x7f7f7fff, 0x7f7f8000, 0x7f7fffff, 0x7f800001, 0x7f80ffff, 0x7fbf0000, 0x7fffffff,
		0x00008000, 0x00007fff, 0x00018000, 0x007fffff, 0x00800000,
	} {
		x = append(x, math.Float32frombits(bits), math.Float32frombits(bits|1<<31))
	}
	return append(x, specials...)
}

func TestRoundBF16HasTheBitsOfStorage(t *testing.T) {
	check := func(t *testing.T) {
		edges := edgesOfBF16()
		for _, n := range lengths() {
			r := noise(n)
			x := newGuarded(&r, n, n%5, 3)
			for i := range x.x {
				if i%3 == 0 {
					x.x[i] = edges[(n+i)%len(edges)]
				}
			}
			from := slices.Clone(x.x)
			RoundBF16(x.x)
			if !x.intact() {
				t.Fatalf("n=%d: wrote outside", n)
			}
			for i, v := range x.x {
				if want := tensor.BF16ToF32(tensor.F32ToBF16(from[i])); math.Float32bits(v) != math.Float32bits(want) {
					t.Fatalf("n=%d: %x became %x, want %x", n, math.Float32bits(from[i]), math.Float32bits(v), math.Float32bits(want))
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// TestRoundBF16x2HasTheBitsOfItsTwin, which is held to the sum of two parts where numbers
// are of ordinary size.
func TestRoundBF16x2HasTheBitsOfItsTwin(t *testing.T) {
	check := func(t *testing.T) {
		edges := edgesOfBF16()
		for _, n := range lengths() {
			r := noise(n)
			x := newGuarded(&r, n, n%5, 3)
			for i := range x.x {
				if i%3 == 0 {
					x.x[i] = edges[(n+i)%len(edges)]
				}
			}
			from, want := slices.Clone(x.x), slices.Clone(x.x)
			RoundBF16x2(x.x)
			roundBF16x2Generic(want)
			if !x.intact() {
				t.Fatalf("n=%d: wrote outside", n)
			}
			for i, v := range x.x {
				if math.Float32bits(v) != math.Float32bits(want[i]) {
					t.Fatalf("n=%d: %x became %x, want %x", n, math.Float32bits(from[i]), math.Float32bits(v), math.Float32bits(want[i]))
				}
				if h := splitBF16(from[i], 2); from[i]-from[i] == 0 && math.Abs(float64(from[i])) >= 0x1p-100 && v != tensor.BF16ToF32(h[0])+tensor.BF16ToF32(h[1]) {
					t.Fatalf("%x became %x, not the sum of its parts", math.Float32bits(from[i]), math.Float32bits(v))
				}
				if off := math.Abs(float64(v) - float64(from[i])); from[i]-from[i] == 0 && off > 0x1p-16*math.Abs(float64(from[i])) && off > 0x1p-134 {
					t.Fatalf("%x became %x", math.Float32bits(from[i]), math.Float32bits(v))
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

func TestPairBF16MatchesItsFormula(t *testing.T) {
	check := func(t *testing.T) {
		edges := edgesOfBF16()
		for _, width := range []int{1, 4, 6, 8, 12, 15, 16, 17, 31, 32, 33} {
			for _, k := range []int{0, 1, 2, 3, 8, 9} {
				for _, inPlace := range []bool{false, true} {
					r := noise(width + k)
					src := newGuarded(&r, width*k, 1, 1)
					for i := range src.x {
						if i%2 == 0 {
							src.x[i] = edges[(k+i)%len(edges)]
						}
					}
					from := slices.Clone(src.x)
					dst := src
					if !inPlace {
						dst = newGuarded(&r, (k+1)/2*width, 3, 1)
					}
					PairBF16(dst.x[:(k+1)/2*width], src.x, width, k)
					if !dst.intact() || !src.intact() {
						t.Fatalf("width=%d k=%d: wrote outside", width, k)
					}
					for at := range (k + 1) / 2 * width {
						p, i := at/width*2, at%width
						want := uint32(tensor.F32ToBF16(from[p*width+i]))
						if p+1 < k {
							want |= uint32(tensor.F32ToBF16(from[(p+1)*width+i])) << 16
						}
						if got := math.Float32bits(dst.x[at]); got != want {
							t.Fatalf("width=%d k=%d inPlace=%v: word %d is %08x, want %08x", width, k, inPlace, at, got, want)
						}
					}
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// bf16Panels returns panels of k pairs for the active level's tile.
func bf16Panels(r *noise, k int) (a, b *guarded) {
	tile := GemmTile()
	panel := func(width, offset int) *guarded {
		g := newGuarded(r, k*width, offset, 1)
		wide := make([]float32, 2*k*width)
		for i := range wide {
			wide[i] = r.next()
		}
		PairBF16(g.x, wide, width, 2*k)
		return g
	}
	return panel(tile.MR, 1), panel(tile.NR, 2)
}

func TestGemmBF16HasTheBitsOfItsTwin(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		for _, k := range []int{0, 1, 2, 3, 4, 5, 8, 31, 128} {
			for _, add := range []bool{false, true} {
				r := noise(k + 1)
				ldc := tile.NR + k%3
				got := newGuarded(&r, (tile.MR-1)*ldc+tile.NR, k%5, 1)
				a, b := bf16Panels(&r, k)
				want := slices.Clone(got.x)
				GemmBF16(got.x, ldc, a.x, b.x, k, add)
				gemmBF16Generic(want, ldc, a.x, b.x, k, add)
				if !got.intact() || !slices.Equal(got.x, want) {
					t.Fatalf("k=%d add=%v: %v, want %v", k, add, got.x, want)
				}
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

// TestGemmBF16SumsInOrder holds the twin to the order of its comment by sums that
// lose small terms if added to a large one first.
func TestGemmBF16SumsInOrder(t *testing.T) {
	check := func(t *testing.T) {
		tile := GemmTile()
		terms := []float32{1, 1 << 25, 1, -1 << 25, 1, 1, 3, 1 << 26, 2, -1 << 26}
		a, b := make([]float32, len(terms)*tile.MR), make([]float32, len(terms)*tile.NR)
		var want float32
		for p, v := range terms {
			want += terms[p^1] // the second of a pair first
			for i := range tile.MR {
				a[p*tile.MR+i] = 1
			}
			for j := range tile.NR {
				b[p*tile.NR+j] = v
			}
		}
		PairBF16(a, a, tile.MR, len(terms))
		PairBF16(b, b, tile.NR, len(terms))
		c := make([]float32, tile.MR*tile.NR)
		GemmBF16(c, tile.NR, a, b, len(terms)/2, false)
		for i, v := range c {
			if v != want {
				t.Fatalf("element %d is %v, in order it is %v", i, v, want)
			}
		}
	}
	t.Run("generic", func(t *testing.T) { generic(func() { check(t) }) })
	vectorLevels(t, check)
}

func BenchmarkPairBF16(b *testing.B) {
	x := make([]float32, 32*256)
	b.SetBytes(4 * int64(len(x)))
	for b.Loop() {
		PairBF16(x[:len(x)/2], x, 32, 256)
	}
}

func BenchmarkRoundBF16(b *testing.B) {
	x := make([]float32, 32*256)
	b.SetBytes(4 * int64(len(x)))
	for b.Loop() {
		RoundBF16(x)
	}
}
