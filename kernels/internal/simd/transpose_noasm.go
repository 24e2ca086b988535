//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector version is the Go twin.
func transposeVector(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	transposeGeneric(dst, dstStride, src, srcStride, rows, cols)
}
