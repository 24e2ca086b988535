//go:build !noasm

package simd

import (
	"math"

	"lamina/tensor"
)

func packQ8LeftVector(dst []float32, row int, x []float32) bool {
	most, least := roundRowQ8AVX2(&dst[8*row], &dst[128+row], &x[0], len(x)/q8Block)
	return most <= math.Float32bits(q8Most) && least >= math.Float32bits(q8Least)-1
}

// roundRowQ8AVX2 is roundQ8AVX2 into records of a panel of A.
//
//go:noescape
func roundRowQ8AVX2(q, scales *float32, x *float32, blocks int) (most, least uint32)

func takeApartVector(codes []int8, scales, minima []float32, src []byte, d tensor.DType) {
	codesAVX2[d](&codes[0], &scales[0], &minima[0], &src[0], len(codes)/d.BlockLen())
}

var codesAVX2 = [...]func(codes *int8, scales, minima *float32, src *byte, blocks int){
	tensor.Q4_0: codesQ40AVX2, tensor.Q4_1: codesQ41AVX2, tensor.Q5_0: codesQ50AVX2, tensor.Q5_1: codesQ51AVX2,
	tensor.Q8_0: codesQ80AVX2, tensor.Q4_K: codesQ4KAVX2, tensor.Q5_K: codesQ5KAVX2, tensor.Q6_K: codesQ6KAVX2,
}

func interleaveQ8Vector(dst []float32, codes []int8, width int, flip uint8) {
	interleaveQ8AVX512(&dst[0], &codes[0], width, width/q8Block, 0x01010101*uint32(flip))
}

// interleaveQ8AVX512 writes the bytes of records of B.
//
//go:noescape
func interleaveQ8AVX512(dst *float32, codes *int8, stride, blocks int, flip uint32)

func gemmQ8Vector(c []float32, ldc int, a, b []float32, blocks, panels, step int, d tensor.DType, add bool) {
	gemm := gemmQ8ShiftedVNNI
	switch d {
	case tensor.Q4_0, tensor.Q5_0, tensor.Q8_0:
		gemm = gemmQ8PlainVNNI
	case tensor.Q6_K:
		gemm = gemmQ8HalvedVNNI
	}
	gemm(&c[0], ldc, &a[0], &b[0], blocks, panels, 4*step, add)
}

//go:noescape
func gemmQ8PlainVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)

//go:noescape
func gemmQ8ShiftedVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)

//go:noescape
func gemmQ8HalvedVNNI(c *float32, ldc int, a, b *float32, blocks, panels, step int, add bool)

//go:noescape
func codesQ40AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ41AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ50AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ51AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ80AVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ4KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ5KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)

//go:noescape
func codesQ6KAVX2(codes *int8, scales, minima *float32, src *byte, blocks int)
