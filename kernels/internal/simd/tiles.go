package simd

import "math"

// Tiles of BF16 are what AMX multiplies: 16 rows of A or columns of B, the outer index,
// by 32 inner indices, in 256 words that hold pairs as [PairBF16] makes them. They are
// held as []float32 for their bits alone.
//
//	left:  word 16·r + q is pair q of row r, the inner indices 2q and 2q+1
//	right: word 16·q + j is pair q of column j
//
// A panel is the tiles of 16 outer indices, the inner ones in order, filled up with
// zeros to a whole tile; panels follow each other.
const (
	TileWidth = 16 // outer indices of a tile
	TileDepth = 32 // inner indices of a tile
	TileWords = TileWidth * TileDepth / 2
)

// Tiled is an operand in tiles: panel i begins at word i·Panel of Data. Its parts, if
// there are several, are operands of the same layout in the same words.
type Tiled struct {
	Data  []float32
	Panel int
}

// Pass is a product of two parts: where they begin in the words of the operands.
type Pass struct{ A, B int }

// GemmTiles adds products of parts to m rows and n columns of from, which may be C, or nil
// for zeros, and whose rows lie like C's:
//
//	c(i, j) = from(i, j) + (Σ_q a(i, 2q)·b(2q, j) + Σ_q a(i, 2q+1)·b(2q+1, j))   q = 0..15
//
// for every tile in order, all of a pass before the next. The two sums begin with +0 and
// have each product added in order, rounded once, as is their sum, and its sum with c:
// Intel's definition of TDPBF16PS. Denormal numbers, operands and sums, count as zero.
func GemmTiles(c []float32, ldc int, a, b Tiled, passes []Pass, m, n, tiles int, from []float32) {
	if m == 0 || n == 0 {
		return
	}
	_ = c[(m-1)*ldc+n-1]
	if from != nil {
		_ = from[(m-1)*ldc+n-1]
	}
	if tiles == 0 || len(passes) == 0 {
		for i := range m {
			if from == nil {
				clear(c[i*ldc:][:n])
			} else {
				copy(c[i*ldc:][:n], from[i*ldc:])
			}
		}
		return
	}
	for _, p := range passes {
		_ = a.Data[p.A : p.A+(m-1)/TileWidth*a.Panel+tiles*TileWords]
		_ = b.Data[p.B : p.B+(n-1)/TileWidth*b.Panel+tiles*TileWords]
	}
	if Has(TileBF16) {
		gemmTilesVector(c, ldc, a, b, passes, m, n, tiles, from)
		return
	}
	gemmTilesGeneric(c, ldc, a, b, passes, m, n, tiles, from)
}

func gemmTilesGeneric(c []float32, ldc int, a, b Tiled, passes []Pass, m, n, tiles int, from []float32) {
	for i := range m {
		for j := range n {
			at := &c[i*ldc+j]
			if from != nil {
				*at = from[i*ldc+j]
			} else {
				*at = 0
			}
			for _, p := range passes {
				left := a.Data[p.A+i/TileWidth*a.Panel:][:tiles*TileWords]
				right := b.Data[p.B+j/TileWidth*b.Panel:][:tiles*TileWords]
				for len(left) > 0 {
					*at = addTile(*at, left[i%TileWidth*TileWidth:], right[j%TileWidth:])
					left, right = left[TileWords:], right[TileWords:]
				}
			}
		}
	}
}

// addTile adds to c the products of a row of a left tile and a column of a right one.
func addTile(c float32, row, column []float32) float32 {
	var even, odd float32
	for q := range TileWidth {
		a, b := math.Float32bits(row[q]), math.Float32bits(column[q*TileWidth])
		even = fmaFlushed(even, a<<16, b<<16)
		odd = fmaFlushed(odd, a&^0xffff, b&^0xffff)
	}
	return flushed(flushed(c) + flushed(even+odd))
}

// fmaFlushed returns sum + a·b, rounded once, for BF16 a and b. Both fit float64: the
// product has 16 bits, and a sum with 24 that float64 rounds is not near the middle
// between two float32.
func fmaFlushed(sum float32, a, b uint32) float32 {
	x, y := flushed(math.Float32frombits(a)), flushed(math.Float32frombits(b))
	return flushed(float32(float64(x)*float64(y) + float64(sum)))
}

// flushed returns x, or a zero of its sign where it is denormal.
func flushed(x float32) float32 {
	if bits := math.Float32bits(x); bits&0x7f800000 == 0 {
		return math.Float32frombits(bits & (1 << 31))
	}
	return x
}
