//go:build !noasm

package simd

import "unsafe"

// roundBF16Vector returns how many numbers it has rounded.
func roundBF16Vector(x []float32) int {
	blocks := len(x) / 8
	if blocks > 0 {
		roundBF16AVX2(&x[0], blocks)
	}
	return blocks * 8
}

// roundBF16AVX2 is [RoundBF16] of 8·blocks numbers, blocks > 0.
//
//go:noescape
func roundBF16AVX2(x *float32, blocks int)

// roundBF16x2Vector returns how many numbers it has rounded, but for those that round to
// infinity, and the bits of the largest without its sign.
func roundBF16x2Vector(x []float32) (done int, largest uint32) {
	blocks := len(x) / 8
	if blocks > 0 {
		largest = roundBF16x2AVX2(&x[0], blocks)
	}
	return blocks * 8, largest
}

// roundBF16x2AVX2 is [RoundBF16x2] of 8·blocks numbers, blocks > 0, but for those that
// round to infinity. It returns the largest bits, without the sign.
//
//go:noescape
func roundBF16x2AVX2(x *float32, blocks int) (largest uint32)

func pairBF16Vector(dst, src []float32, width, k int) {
	pairBF16AVX512(&dst[0], &src[0], width, k)
}

// pairBF16AVX512 is [PairBF16].
//
//go:noescape
func pairBF16AVX512(dst, src *float32, width, k int)

func gemmBF16Vector(c []float32, ldc int, a, b []float32, k int, add bool) {
	gemmBF16AVX512(&c[0], ldc, unsafe.SliceData(a), unsafe.SliceData(b), k, 12, 32, add)
}

// gemmBF16AVX512 is gemmAVX512 for pairs; it needs AVX512_BF16.
//
//go:noescape
func gemmBF16AVX512(c *float32, ldc int, a, b *float32, k, rows, cols int, add bool)
