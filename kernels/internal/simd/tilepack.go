package simd

import (
	"math"

	"lamina/tensor"
)

// Side is that of an operand in a product.
type Side bool

// The sides: A and B.
const (
	Left  Side = false
	Right Side = true
)

// TileSource is a strided matrix to be packed: its outer index runs over its rows, or
// over its columns with Across.
//
//	x(o, p) = Data[o·Stride+p], or Data[p·Stride+o]
type TileSource struct {
	Data   []float32
	Stride int
	Across bool
}

// place is where element (o, p) stands.
func (s *TileSource) place(o, p int) int {
	if s.Across {
		o, p = p, o
	}
	return o*s.Stride + p
}

// PackTiles rounds n outer and k inner indices of src to BF16 and packs them for one side
// of [GemmTiles], in panels of ⌈k/32⌉ tiles. Outer indices that the last panel has and src
// has not are left undefined.
//
// With two or three parts, which begin part words from each other, a number is rounded
// into the first, what that leaves into the second, and what is left then into the third:
//
//	x₁ = BF16(x)   x₂ = BF16(x - x₁)   x₃ = BF16(x - x₁ - x₂)
//
// Rounding is to nearest even; only where it would make the first of several parts of a
// finite number infinite, all are cut off instead. Denormal numbers, rests too, become
// zeros.
//
// Several parts of infinities and NaN are zeros, so that products of parts make no NaN of
// 0·∞. If there are such numbers PackTiles returns false, and behind the last part dst
// has the first one once more, with them.
func PackTiles(dst []float32, part, parts int, src TileSource, n, k int, side Side) (finite bool) {
	if n == 0 || k == 0 {
		return true
	}
	_ = dst[(parts-1)*part+tiledWords(n, k)-1]
	_ = src.Data[src.place(n-1, k-1)]
	if Has(TileBF16) && packTilesVector(dst, part, parts, &src, n, k, side) {
		return true
	}
	return packTilesGeneric(dst, part, parts, &src, n, k, side)
}

// tiledWords returns the words of n outer and k inner indices in tiles.
func tiledWords(n, k int) int {
	return (n + TileWidth - 1) / TileWidth * ((k + TileDepth - 1) / TileDepth) * TileWords
}

// tileWord returns the word of a part that has outer index o and inner index p, if there
// are some tiles in a panel, and the bits before its half.
func tileWord(o, p, tiles int, side Side) (word, shift int) {
	row, pair := o%TileWidth, p%TileDepth/2
	if side == Right {
		row, pair = pair, row
	}
	return (o/TileWidth*tiles+p/TileDepth)*TileWords + row*TileWidth + pair, p % 2 * 16
}

func packTilesGeneric(dst []float32, part, parts int, src *TileSource, n, k int, side Side) (finite bool) {
	tiles := (k + TileDepth - 1) / TileDepth
	put := func(part []float32, o, p int, half uint16) {
		word, shift := tileWord(o, p, tiles, side)
		bits := math.Float32bits(part[word])&^(0xffff<<shift) | uint32(half)<<shift
		part[word] = math.Float32frombits(bits)
	}
	finite = true
	for o := range n {
		for p := range tiles * TileDepth {
			var x float32
			if p < k {
				x = src.Data[src.place(o, p)]
			}
			finite = finite && x-x == 0
			for i, half := range splitBF16(x, parts) {
				if i < parts {
					put(dst[i*part:], o, p, half)
				}
			}
		}
	}
	if finite || parts == 1 {
		return true
	}
	whole := dst[parts*part:]
	copy(whole, dst[:tiledWords(n, k)])
	for o := range n {
		for p := range k {
			if x := src.Data[src.place(o, p)]; x-x != 0 {
				put(whole, o, p, tensor.F32ToBF16(x))
			}
		}
	}
	return false
}

// splitBF16 returns the parts of x, up to three.
func splitBF16(x float32, parts int) (halves [3]uint16) {
	if parts == 1 {
		return [3]uint16{tensor.F32ToBF16(flushed(x))}
	}
	if x-x != 0 {
		return halves
	}
	cut := roundsToInfinity(x)
	for i := range parts {
		if halves[i] = tensor.F32ToBF16(flushed(x)); cut {
			halves[i] = uint16(math.Float32bits(flushed(x)) >> 16)
		}
		x -= tensor.BF16ToF32(halves[i])
	}
	return halves
}

// PackTilesBF16 is [PackTiles] of one part for numbers that are stored as BF16; stride is
// in numbers.
func PackTilesBF16(dst []float32, src []uint16, stride int, across bool, n, k int, side Side) {
	if n == 0 || k == 0 {
		return
	}
	_ = dst[tiledWords(n, k)-1]
	if across {
		_ = src[(k-1)*stride+n-1]
	} else {
		_ = src[(n-1)*stride+k-1]
	}
	if Has(TileBF16) && packStoredTilesVector(dst, src, stride, across, n, k, side) {
		return
	}
	packStoredTilesGeneric(dst, src, stride, across, n, k, side)
}

func packStoredTilesGeneric(dst []float32, src []uint16, stride int, across bool, n, k int, side Side) {
	tiles := (k + TileDepth - 1) / TileDepth
	for o := range n {
		for p := range tiles * TileDepth {
			var half uint16
			switch {
			case p >= k:
			case across:
				half = src[p*stride+o]
			default:
				half = src[o*stride+p]
			}
			word, shift := tileWord(o, p, tiles, side)
			bits := math.Float32bits(dst[word])&^(0xffff<<shift) | uint32(half)<<shift
			dst[word] = math.Float32frombits(bits)
		}
	}
}
