//go:build !noasm

package simd

import "lamina/tensor"

func decodeVector(dst []float32, src []byte, d tensor.DType) int { return 0 }
