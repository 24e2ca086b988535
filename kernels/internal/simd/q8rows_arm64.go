//go:build !noasm

package simd

import "lamina/tensor"

func dotRowsQ8Vector(y []float32, layout, src []byte, d tensor.DType, n int) {
	q8NEON[d](&y[0], &layout[0], &src[0], len(y), n/d.BlockLen())
}

// q8NEON has the kernels by type.
var q8NEON = [...]func(y *float32, x, src *byte, rows, blocks int){
	tensor.Q4_0: q8Q40NEON, tensor.Q4_1: q8Q41NEON, tensor.Q5_0: q8Q50NEON, tensor.Q5_1: q8Q51NEON,
	tensor.Q8_0: q8Q80NEON, tensor.Q4_K: q8Q4KNEON, tensor.Q5_K: q8Q5KNEON, tensor.Q6_K: q8Q6KNEON,
}

//go:noescape
func q8Q40NEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q41NEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q50NEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q51NEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q80NEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q4KNEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q5KNEON(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q6KNEON(y *float32, x, src *byte, rows, blocks int)
