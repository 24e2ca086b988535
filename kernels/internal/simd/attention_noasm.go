//go:build noasm || (!amd64 && !arm64)

package simd

func softmaxRowsVector(p []float32, ld, cols int, sees []int32, top, sum, shrink []float32) {
	softmaxRowsGeneric(p, ld, cols, sees, top, sum, shrink)
}

func softmaxSlopesVector(p, dp []float32, ld, cols int, sees []int32, scale float32) {
	softmaxSlopesGeneric(p, dp, ld, cols, sees, scale)
}

func scaleRowsVector(dst []float32, dstStride int, src []float32, srcStride, cols int, f []float32) {
	scaleRowsGeneric(dst, dstStride, src, srcStride, cols, f)
}
