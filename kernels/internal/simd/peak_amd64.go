//go:build !noasm

package simd

func peakVector(rounds int) (flop int) {
	if level == AVX512 {
		peakAVX512(rounds)
		return rounds * 12 * 16 * 2
	}
	peakAVX2(rounds)
	return rounds * 12 * 8 * 2
}

// peakAVX2 does 12 independent fused multiply-adds of 8 floats a round.
//
//go:noescape
func peakAVX2(rounds int)

// peakOf is [PeakOf] of a feature that there is.
func peakOf(f Feature, rounds int) (operations int) {
	switch f {
	case DotBF16:
		peakDotBF16(rounds)
		return rounds * 12 * 2 * 32
	case DotInt8:
		peakDotInt8(rounds)
		return rounds * 12 * 2 * 64
	case TileBF16:
		peakTileBF16(&wholeTiles, rounds)
		return rounds * 4 * 2 * 16 * 16 * 32
	case TileInt8:
		peakTileInt8(&wholeTiles, rounds)
		return rounds * 4 * 2 * 16 * 16 * 64
	}
	return 0
}

// peakDotBF16 does 12 independent sums of 16 products of pairs of BF16 a round.
//
//go:noescape
func peakDotBF16(rounds int)

// peakDotInt8 is the same of 16 products of four bytes.
//
//go:noescape
func peakDotInt8(rounds int)

// peakTileBF16 does four independent products of whole tiles a round.
//
//go:noescape
func peakTileBF16(shapes *tileShapes, rounds int)

// peakTileInt8 is the same for bytes.
//
//go:noescape
func peakTileInt8(shapes *tileShapes, rounds int)
