//go:build !noasm

package simd

func peakVector(rounds int) (flop int) {
	peakAVX2(rounds)
	return rounds * 12 * 8 * 2
}

// peakAVX2 does 12 independent fused multiply-adds of 8 floats a round.
//
//go:noescape
func peakAVX2(rounds int)
