package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"
)

// tiledNoise returns an operand of n outer indices and some tiles of inner ones in parts,
// whose panels are pad words further from each other than they must.
func tiledNoise(r *noise, n, tiles, parts, pad int, strange []float32) (*guarded, Tiled, []int) {
	panel := tiles*TileWords + pad
	part := (n + TileWidth - 1) / TileWidth * panel
	g := newGuarded(r, parts*part, 0, 1)
	for i := range g.x {
		pair := [2]float32{r.next(), r.next()}
		if strange != nil && i%5 == 0 {
			pair[i/5%2] = strange[i/5%len(strange)]
		}
		PairBF16(g.x[i:i+1], pair[:], 1, 2)
	}
	var at []int
	for p := range parts {
		at = append(at, p*part)
	}
	return g, Tiled{g.x, panel}, at
}

// withAndWithoutTiles runs f with the machine's tiles, if it has them, and by the twin.
func withAndWithoutTiles(t *testing.T, f func(t *testing.T)) {
	t.Run("tiles", func(t *testing.T) {
		if !Has(TileBF16) {
			t.Skip("no AMX: " + NoTiles())
		}
		f(t)
	})
	t.Run("twin", func(t *testing.T) {
		defer Without(TileBF16)()
		f(t)
	})
}

// TestGemmTilesHasTheBitsOfItsTwin: what the processor computes is what Intel's manual
// says, on numbers of all sizes, denormal, infinite and NaN.
func TestGemmTilesHasTheBitsOfItsTwin(t *testing.T) {
	if !Has(TileBF16) {
		t.Skip("no AMX: " + NoTiles())
	}
	small := []float32{0x1p-126, 0x1p-130, 0x1p-70, 0x1.fp-64, -0x1p-63, 0x1p-133, 0, float32(math.Copysign(0, -1))}
	large := []float32{0x1p127, -0x1.8p126, 0x1p64, 0x1p63, -0x1p-30, 3e38}
	sick := []float32{float32(math.Inf(1)), 1, float32(math.NaN()), 0x1p-130, float32(math.Inf(-1)), 0}
	for name, strange := range map[string][]float32{"usual": nil, "small": small, "large": large, "sick": sick} {
		for _, m := range []int{1, 15, 16, 17, 31, 32, 33, 70} {
			for _, n := range []int{1, 15, 16, 17, 32, 33, 50, 64} {
				for tiles := range 4 {
					for bit := range 6 {
						begin, parts := bit%3, 1+bit/3*2
						r := noise(m + n + tiles)
						ga, a, aAt := tiledNoise(&r, m, tiles, parts, 256*(tiles%2), strange)
						gb, b, bAt := tiledNoise(&r, n, tiles, parts, 0, strange)
						var passes []Pass
						for p := range parts {
							passes = append(passes, Pass{aAt[p], bAt[parts-1-p]})
						}
						ldc := n + m%3
						got := newGuarded(&r, (m-1)*ldc+n, m%5, 1)
						if strange != nil {
							for i := range got.x {
								got.x[i] *= strange[i%len(strange)]
							}
						}
						other := newGuarded(&r, len(got.x), m%3, 1)
						want := slices.Clone(got.x)
						gemmTilesGeneric(want, ldc, a, b, passes, m, n, tiles, [][]float32{nil, want, other.x}[begin])
						GemmTiles(got.x, ldc, a, b, passes, m, n, tiles, [][]float32{nil, got.x, other.x}[begin])
						if !other.intact() || !got.intact() || !ga.intact() || !gb.intact() {
							t.Fatal("wrote outside")
						}
						for i, v := range got.x {
							if !sameBits(v, want[i]) {
								t.Fatalf("%s m=%d n=%d tiles=%d parts=%d begin=%d: word %d is %g (%x), want %g (%x)", name, m, n, tiles, parts, begin, i,
									v, math.Float32bits(v), want[i], math.Float32bits(want[i]))
							}
						}
					}
				}
			}
		}
	}
}

// BenchmarkGemmTiles is of operands that begin at a line, as the backend's do.
func BenchmarkGemmTiles(b *testing.B) {
	aligned := func(words int) []float32 {
		x := make([]float32, words+16)
		skip := int(-uintptr(unsafe.Pointer(&x[0]))&63) / 4
		return x[skip:][:words]
	}
	for _, s := range []struct{ m, n, k, parts int }{{128, 128, 256, 1}, {128, 128, 512, 1}, {512, 64, 512, 1}, {128, 128, 256, 2}, {128, 128, 128, 3}, {128, 128, 256, 3}} {
		b.Run(fmt.Sprintf("m=%d/n=%d/k=%d/parts=%d", s.m, s.n, s.k, s.parts), func(b *testing.B) {
			tiles := s.k / TileDepth
			operand := func(n int) (Tiled, int) {
				part := tiledWords(n, s.k)
				r, x := noise(n), make([]float32, n*s.k)
				for i := range x {
					x[i] = r.next()
				}
				data := aligned((s.parts + 1) * part)
				PackTiles(data, part, s.parts, TileSource{x, s.k, false}, n, s.k, Left)
				return Tiled{data, tiles * TileWords}, part
			}
			x, partA := operand(s.m)
			y, partB := operand(s.n)
			var passes []Pass
			for i := range s.parts {
				for j := range s.parts - i {
					passes = append(passes, Pass{i * partA, j * partB})
				}
			}
			ldc := s.n
			c := aligned(s.m * ldc)
			for b.Loop() {
				GemmTiles(c, ldc, x, y, passes, s.m, s.n, tiles, c)
			}
			b.ReportMetric(float64(2*s.m*s.n*s.k*b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
		})
	}
}
