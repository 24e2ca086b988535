//go:build noasm || (!amd64 && !arm64)

package simd

import "lamina/tensor"

func (v *Vector) arrange() {}

func dotRowsVector(y, layout []float32, src []byte, d tensor.DType, n int) { panic("unreachable") }

// decodeVector returns how many elements it has widened.
func decodeVector(dst []float32, src []byte, d tensor.DType) int { return 0 }

func dotRowsQ8Vector(y []float32, layout, src []byte, d tensor.DType, n int) { panic("unreachable") }

func roundQ8Vector(q []int8, d []float32, sums []int32, x []float32) bool {
	return roundQ8Generic(q, d, sums, x)
}

func unroundQ8Vector(dst []float32, q []int8, d []float32) { unroundQ8Generic(dst, q, d) }
