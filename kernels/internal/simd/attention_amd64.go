//go:build !noasm

package simd

//go:noescape
func softmaxRowsAVX2(p *float32, ld, cols int, sees *int32, rows int, top, sum, shrink *float32)

//go:noescape
func softmaxSlopesAVX2(p, dp *float32, ld, cols int, sees *int32, rows int, scale float32)

//go:noescape
func scaleRowsAVX2(dst *float32, dstStride int, src *float32, srcStride, cols int, f *float32, rows int)

func scaleRowsVector(dst []float32, dstStride int, src []float32, srcStride, cols int, f []float32) {
	scaleRowsAVX2(&dst[0], dstStride, &src[0], srcStride, cols, &f[0], len(f))
}

func softmaxRowsVector(p []float32, ld, cols int, sees []int32, top, sum, shrink []float32) {
	softmaxRowsAVX2(&p[0], ld, cols, &sees[0], len(sees), &top[0], &sum[0], &shrink[0])
}

func softmaxSlopesVector(p, dp []float32, ld, cols int, sees []int32, scale float32) {
	softmaxSlopesAVX2(&p[0], &dp[0], ld, cols, &sees[0], len(sees), scale)
}
