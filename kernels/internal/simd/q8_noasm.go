//go:build noasm || !amd64

package simd

import "lamina/tensor"

func roundQ8Vector(q []int8, d []float32, sums []int32, x []float32) bool {
	return roundQ8Generic(q, d, sums, x)
}

func unroundQ8Vector(dst []float32, q []int8, d []float32) { unroundQ8Generic(dst, q, d) }

func dotRowsQ8Vector(y []float32, layout, src []byte, d tensor.DType, n int) { panic("unreachable") }
