//go:build !noasm

package simd

// roundBF16Vector returns how many numbers it has rounded.
func roundBF16Vector(x []float32) int {
	runs := len(x) / neonRun
	if runs > 0 {
		roundBF16NEON(&x[0], runs)
	}
	return runs * neonRun
}

// roundBF16NEON is [RoundBF16] of runs of 16, at least one.
//
//go:noescape
func roundBF16NEON(x *float32, runs int)

// roundBF16x2Vector returns how many numbers it has rounded, but for those that round to
// infinity, and as much as the bits of such a number if there is one, else 0.
func roundBF16x2Vector(x []float32) (done int, largest uint32) {
	runs := len(x) / neonRun
	if runs > 0 {
		largest = roundBF16x2NEON(&x[0], runs)
	}
	return runs * neonRun, largest
}

// roundBF16x2NEON is [RoundBF16x2] of runs of 16, at least one, but for numbers that round
// to infinity.
//
//go:noescape
func roundBF16x2NEON(x *float32, runs int) (largest uint32)

// Pairs are of AVX-512: elsewhere nothing makes them but tests.

func pairBF16Vector(dst, src []float32, width, k int) { pairBF16Generic(dst, src, width, k) }

func gemmBF16Vector(c []float32, ldc int, a, b []float32, k int, add bool) {
	gemmBF16Generic(c, ldc, a, b, k, add)
}
