package simd

// Peak runs rounds > 0 of independent multiply-adds in registers and returns
// how many floating-point operations that were: timed, it gives the limit that
// products are held against.
func Peak(rounds int) (flop int) {
	if level == Generic {
		return peakGeneric(rounds)
	}
	return peakVector(rounds)
}

// PeakOf is [Peak] for the instruction of a feature, on operands in registers or tiles;
// an operation is a product of two BF16 or of two bytes, or an addition. It is 0 where
// [Has] does not report the feature.
func PeakOf(f Feature, rounds int) (operations int) {
	if !Has(f) {
		return 0
	}
	return peakOf(f, rounds)
}

func peakGeneric(rounds int) (flop int) {
	var a, b, c, d float32
	for i := range rounds {
		x := float32(i)
		a += x * 0.5
		b += x * 0.25
		c += x * 2
		d += x * 4
	}
	peakSink(a + b + c + d)
	return rounds * 8
}

//go:noinline
func peakSink(float32) {}
