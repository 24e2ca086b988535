package simd

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"lamina/tensor"
)

// packedSizes are outer and inner sizes at the edges of tiles.
func packedSizes(f func(n, k int)) {
	for _, n := range []int{1, 2, 15, 16, 17, 31, 32, 33, 50} {
		for _, k := range []int{1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100} {
			f(n, k)
		}
	}
}

// TestPackTilesHasTheBitsOfItsTwin also looks at the neighbours of what is written: of
// the last panel, columns that are not there may hold anything.
func TestPackTilesHasTheBitsOfItsTwin(t *testing.T) {
	if !Has(TileBF16) {
		t.Skip("no AMX: " + NoTiles())
	}
	finite := []float32{0, float32(math.Copysign(0, -1)), 0x1p-126, -0x1p-127, 0x1p-149, 0x1.fep-120, 1.00390625, 1.01171875, 1.999999, 0x1p-118 + 0x1p-133, 3.38e38}
	for _, c := range []struct {
		name    string
		numbers []float32
	}{{"usual", nil}, {"small", finite}, {"edges", edgesOfBF16()}} {
		for parts := 1; parts <= 3; parts++ {
			for bit := range 4 {
				across, side := bit&1 != 0, Side(bit&2 != 0)
				packedSizes(func(n, k int) {
					r := noise(n + k)
					src := TileSource{Across: across, Stride: k + 3}
					rows, cols := n, k
					if across {
						src.Stride, rows, cols = n+3, k, n
					}
					x := newGuarded(&r, span(rows, cols, src.Stride), n%5, 1)
					for i := range x.x {
						if c.numbers != nil && i%3 == 0 {
							x.x[i] = c.numbers[i/3%len(c.numbers)]
						}
					}
					src.Data = x.x
					part := tiledWords(n, k) + 16
					got := newGuarded(&r, part*(parts+1), n%3, 1)
					want := slices.Clone(got.x)
					ok := PackTiles(got.x, part, parts, src, n, k, side)
					if wantOK := packTilesGeneric(want, part, parts, &src, n, k, side); ok != wantOK {
						t.Fatalf("%s n=%d k=%d parts=%d: finite %v, want %v", c.name, n, k, parts, ok, wantOK)
					}
					if !got.intact() || !x.intact() {
						t.Fatalf("n=%d k=%d parts=%d across=%v right=%v: wrote outside", n, k, parts, across, side)
					}
					written := parts
					if !ok {
						written++
					}
					for p := range parts + 1 {
						for i := range part {
							w := p*part + i
							panel, row := i/TileWords/((k+31)/32), i%TileWords/TileWidth
							if side == Right {
								row = i % TileWidth
							}
							if i < tiledWords(n, k) && panel*TileWidth+row >= n {
								continue
							}
							if p < written && math.Float32bits(got.x[w]) != math.Float32bits(want[w]) || p >= written && got.x[w] != want[w] {
								t.Fatalf("%s n=%d k=%d parts=%d across=%v right=%v: part %d word %d is %08x, want %08x", c.name, n, k, parts, across, side, p, i,
									math.Float32bits(got.x[w]), math.Float32bits(want[w]))
							}
						}
					}
				})
			}
		}
	}
}

// TestPartsSumToTheNumber: three parts are a number of ordinary size, two of it but
// 2⁻¹⁷, and none is infinite that is a part of a finite one.
func TestPartsSumToTheNumber(t *testing.T) {
	check := func(x float32) {
		h := splitBF16(x, 3)
		var sum float64
		for i, part := range h {
			v := float64(tensor.BF16ToF32(part))
			sum += v
			left := math.Abs(float64(x) - sum)
			if limit := math.Abs(float64(x)) * []float64{0x1p-7, 0x1p-15, 0}[i]; left > max(limit, 0x1p-126) || left > limit && math.Abs(float64(x)) >= 0x1p-100 {
				t.Fatalf("%g: %d parts leave %g", x, i+1, left)
			}
		}
	}
	r := noise(7)
	for range 1000000 {
		x := math.Float32frombits(uint32(math.Float32bits(r.next())<<7) ^ math.Float32bits(r.next()))
		if x-x == 0 {
			check(x)
		}
	}
	for _, x := range edgesOfBF16() {
		if x-x == 0 {
			check(x)
		}
	}
}

// TestPackTilesBF16MovesHalves: what is stored as BF16 goes to the place where PackTiles
// puts the same numbers.
func TestPackTilesBF16MovesHalves(t *testing.T) {
	withAndWithoutTiles(t, func(t *testing.T) {
		for bit := range 4 {
			across, side := bit&1 != 0, Side(bit&2 != 0)
			packedSizes(func(n, k int) {
				r := noise(n + k)
				rows, cols := n, k
				if across {
					rows, cols = k, n
				}
				src := TileSource{Across: across, Stride: cols + 3}
				stored := make([]uint16, span(rows, cols, src.Stride))
				src.Data = make([]float32, len(stored))
				for i := range stored {
					stored[i] = tensor.F32ToBF16(r.next())
					src.Data[i] = tensor.BF16ToF32(stored[i])
				}
				got := newGuarded(&r, tiledWords(n, k), n%3, 1)
				PackTilesBF16(got.x, stored, src.Stride, across, n, k, side)
				want := make([]float32, len(got.x))
				packTilesGeneric(want, 0, 1, &src, n, k, side)
				if !got.intact() {
					t.Fatal("wrote outside")
				}
				for o := range n {
					for p := range (k + 31) / 32 * 32 {
						word, _ := tileWord(o, p, (k+31)/32, side)
						if math.Float32bits(got.x[word]) != math.Float32bits(want[word]) {
							t.Fatalf("n=%d k=%d across=%v right=%v: word %d is %08x, want %08x", n, k, across, side, word, math.Float32bits(got.x[word]), math.Float32bits(want[word]))
						}
					}
				}
			})
		}
	})
}

func BenchmarkPackTiles(b *testing.B) {
	const n, k = 512, 512
	x, dst := make([]float32, n*k), make([]float32, 4*n*k/2)
	r := noise(1)
	for i := range x {
		x[i] = r.next()
	}
	for parts := 1; parts <= 3; parts++ {
		for bit := range 4 {
			across, side := bit&1 != 0, Side(bit&2 != 0)
			b.Run(fmt.Sprintf("parts=%d/across=%v/right=%v", parts, across, side), func(b *testing.B) {
				b.SetBytes(4 * n * k)
				for b.Loop() {
					PackTiles(dst, n*k/2, parts, TileSource{x, k, across}, n, k, side)
				}
			})
		}
	}
	stored := make([]uint16, n*k)
	for _, across := range []bool{false, true} {
		b.Run(fmt.Sprintf("stored/across=%v", across), func(b *testing.B) {
			b.SetBytes(2 * n * k)
			for b.Loop() {
				PackTilesBF16(dst, stored, k, across, n, k, Right)
			}
		})
	}
}
