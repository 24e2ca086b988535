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
