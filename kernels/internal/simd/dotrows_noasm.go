//go:build noasm || !amd64

package simd

import "lamina/tensor"

func (v *Vector) arrange() {}

func dotRowsVector(y, layout []float32, src []byte, d tensor.DType, n int) { panic("unreachable") }
