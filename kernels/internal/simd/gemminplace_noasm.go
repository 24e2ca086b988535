//go:build noasm || !amd64

package simd

func gemmInPlaceVector(c []float32, ldc int, a []float32, rowStep, step int, b []float32, k int, add bool) {
	gemmGeneric(c, ldc, a, rowStep, step, b, k, add)
}
