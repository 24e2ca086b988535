//go:build amd64 && !noasm

package simd

//go:noescape
func transposeAVX2(dst *float32, dstStride int, src *float32, srcStride, blocks int)

// transposeVector takes rows and cols in multiples of 8: eight rows at a time, so
// that the next eight complete the cache lines of dst that these begin.
func transposeVector(dst []float32, dstStride int, src []float32, srcStride, rows, cols int) {
	if cols == 0 {
		return
	}
	i := 0
	if level == AVX512 && cols%16 == 0 {
		for ; i+16 <= rows; i += 16 {
			interleaveAVX512(&dst[i], dstStride, &src[i*srcStride], srcStride, 16, cols/16)
		}
	}
	for ; i < rows; i += 8 {
		transposeAVX2(&dst[i], dstStride, &src[i*srcStride], srcStride, cols/8)
	}
}
