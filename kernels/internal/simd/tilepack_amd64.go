//go:build !noasm

package simd

import (
	"math"
	"unsafe"
)

// splitRows is what the functions below round: rows of vectors of 32 numbers, the first
// 16 of a vector from src on and the others second bytes further. Of the last vector of a
// row the masks say which numbers there are; of the others all are, but for the second
// 16 where tail is set. Parts are stored part bytes from each other, the halves of a
// vector as they are or, with pairs, in turn.
type splitRows struct {
	dst             *float32
	dstStep, dstRow int // bytes from vector to vector and from row to row
	src             *float32
	srcStep, srcRow int
	second          int
	rows, vectors   int // > 0
	part            int
	index           *[32]uint16
	low, high, tail uint32
	largest         uint32 // of the bits of all numbers without their signs; with parts
}

// asTheyAre and inTurn are orders of the halves of a vector.
var asTheyAre, inTurn = func() (a, b [32]uint16) {
	for i := range 16 {
		a[2*i], a[2*i+1] = uint16(2*i), uint16(2*i+1)
		b[2*i], b[2*i+1] = uint16(i), uint16(16+i)
	}
	return a, b
}()

// packTilesVector reports whether all numbers have parts that are their own.
func packTilesVector(dst []float32, part, parts int, src *TileSource, n, k int, side Side) bool {
	tiles := (k + TileDepth - 1) / TileDepth
	panel := tiles * TileWords
	r := splitRows{part: 4 * part, index: &asTheyAre}
	split := func(dst []float32, from int) {
		r.dst, r.src = &dst[0], &src.Data[from]
		switch parts {
		case 1:
			split1AVX512(&r)
		case 2:
			split2AVX512(&r)
		case 3:
			split3AVX512(&r)
		}
	}
	if src.Across {
		r.index = &inTurn
		r.dstStep, r.dstRow = 4*panel, 64
		r.srcStep, r.second, r.srcRow = 64, 4*src.Stride, 8*src.Stride
		r.vectors = (n + TileWidth - 1) / TileWidth
		r.low = ones(n - (r.vectors-1)*TileWidth)
		r.high, r.tail = r.low, ones(16)
		if r.rows = k / 2; r.rows > 0 {
			split(dst, 0)
		}
		if k%2 != 0 {
			r.rows, r.high, r.tail = 1, 0, 0
			split(dst[k/2*TileWidth:], (k-1)*src.Stride)
		}
		for p := range parts {
			for at := p * part; at < p*part+tiledWords(n, k); at += panel {
				clear(dst[at+(k+1)/2*TileWidth : at+panel])
			}
		}
	} else {
		r.dstStep, r.dstRow = 4*TileWords, 64
		r.srcStep, r.second, r.srcRow = 4*TileDepth, 64, 4*src.Stride
		r.vectors = tiles
		rest := k - (tiles-1)*TileDepth
		r.low, r.high, r.tail = ones(min(rest, 16)), ones(max(rest-16, 0)), ones(16)
		for o := 0; o < n; o += TileWidth {
			r.rows = min(TileWidth, n-o)
			split(dst[o/TileWidth*panel:], o*src.Stride)
		}
	}
	if parts > 1 && r.largest >= leastRoundedToInfinity {
		return false
	}
	if src.Across != bool(side) {
		for p := range parts {
			turnTilesAVX512(&dst[p*part], &dst[p*part], 64, 4*TileWords, tiledWords(n, k)/TileWords)
		}
	}
	return true
}

// ones returns n bits.
func ones(n int) uint32 { return 1<<n - 1 }

// packStoredTilesVector reports whether it could: left operands are no weights, and have
// no kernel.
func packStoredTilesVector(dst []float32, src []uint16, stride int, across bool, n, k int, side Side) bool {
	if side == Left {
		return false
	}
	panel := (k + TileDepth - 1) / TileDepth * TileWords
	for o := 0; o < n; o += TileWidth {
		cols, to := min(TileWidth, n-o), dst[o/TileWidth*panel:][:panel]
		if across {
			if k > 1 {
				pairRowsAVX512(&to[0], &src[o], 2*stride, k/2, ones(cols))
			}
			if k%2 != 0 {
				last := to[k/2*TileWidth:][:cols]
				for j, half := range src[(k-1)*stride+o:][:cols] {
					last[j] = math.Float32frombits(uint32(half))
				}
			}
			clear(to[(k+1)/2*TileWidth:])
			continue
		}
		whole := 0
		if cols == TileWidth {
			whole = k / TileDepth
		}
		if whole > 0 {
			turnTilesAVX512(&to[0], (*float32)(unsafe.Pointer(&src[o*stride])), 2*stride, 2*TileDepth, whole)
		}
		if at := whole * TileDepth; at < k {
			packStoredTilesGeneric(to[whole*TileWords:], src[o*stride+at:], stride, false, cols, k-at, side)
		}
	}
	return true
}

// split1AVX512 rounds rows to BF16, split2AVX512 into two parts, split3AVX512 into three.
//
//go:noescape
func split1AVX512(r *splitRows)

//go:noescape
func split2AVX512(r *splitRows)

//go:noescape
func split3AVX512(r *splitRows)

// turnTilesAVX512 exchanges rows and columns of words in tiles: of a tile in src rows are
// stride bytes from each other, and the next begins step bytes further; in dst they
// follow each other. dst may be src.
//
//go:noescape
func turnTilesAVX512(dst, src *float32, stride, step, tiles int)

// pairRowsAVX512 puts the halves of two rows in turn: word 16q+j of dst is of the elements
// j of rows 2q and 2q+1 of src, stride bytes from each other, q < pairs, for the j in mask.
//
//go:noescape
func pairRowsAVX512(dst *float32, src *uint16, stride, pairs int, mask uint32)
