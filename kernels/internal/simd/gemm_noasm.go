//go:build noasm || (!amd64 && !arm64)

package simd

func gemmVector(c []float32, ldc int, a, b []float32, k int, add bool) {
	gemmGeneric(c, ldc, a, 1, tiles[Generic].MR, b, k, add)
}
