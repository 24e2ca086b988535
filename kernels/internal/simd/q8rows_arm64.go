//go:build !noasm

package simd

import (
	"math"

	"lamina/tensor"
)

func roundQ8Vector(q []int8, d []float32, sums []int32, x []float32) bool {
	most, least := roundQ8NEON(&q[0], &d[0], &sums[0], &x[0], len(d))
	return most <= math.Float32bits(q8Most) && least >= math.Float32bits(q8Least)-1
}

// roundQ8NEON is [RoundQ8]; it returns the bits of the largest magnitude, and of the
// smallest largest one of a block but 0, less one.
//
//go:noescape
func roundQ8NEON(q *int8, d *float32, sums *int32, x *float32, blocks int) (most, least uint32)

func unroundQ8Vector(dst []float32, q []int8, d []float32) {
	unroundQ8NEON(&dst[0], &q[0], &d[0], len(d))
}

// unroundQ8NEON is [UnroundQ8].
//
//go:noescape
func unroundQ8NEON(dst *float32, q *int8, d *float32, blocks int)

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
