//go:build noasm || (!amd64 && !arm64)

package simd

// roundBF16Vector returns how many numbers it has rounded.
func roundBF16Vector(x []float32) int { return 0 }

func roundBF16x2Vector(x []float32) (done int, largest uint32) { return 0, 0 }

func pairBF16Vector(dst, src []float32, width, k int) { pairBF16Generic(dst, src, width, k) }

func gemmBF16Vector(c []float32, ldc int, a, b []float32, k int, add bool) {
	gemmBF16Generic(c, ldc, a, b, k, add)
}
