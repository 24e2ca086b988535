//go:build noasm || !amd64

package simd

import "lamina/tensor"

func packQ8LeftVector(dst []float32, row int, x []float32) bool {
	return packQ8LeftGeneric(dst, row, x)
}

func takeApartVector(codes []int8, scales, minima []float32, src []byte, d tensor.DType) {
	takeApartGeneric(codes, scales, minima, src, d)
}

func interleaveQ8Vector(dst []float32, codes []int8, width int, flip uint8) {
	interleaveQ8Generic(dst, codes, width, flip)
}

func gemmQ8Vector(c []float32, ldc int, a, b []float32, blocks, panels, step int, d tensor.DType, add bool) {
	gemmQ8Generic(c, ldc, a, b, blocks, panels, step, d, add)
}
