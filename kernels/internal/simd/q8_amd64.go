//go:build !noasm

package simd

import (
	"math"

	"lamina/tensor"
)

// q8Table holds the constants of q8dot_amd64.h and q8round_amd64.s.
var q8Table = struct {
	lower, sixteen [8]uint32
	spread         [3][32]uint8
	bit            [32]uint8
	upper, top     [8]uint32
	ones           [8]uint32
	most           [8]float32
	order          [8]uint32
}{
	eight(0x0f0f0f0f), eight(0x10101010), spreads, eachBit,
	eight(0x30303030), eight(0x80808080), eight(0x00010001), [8]float32{127}, [8]uint32{0, 4, 1, 5, 2, 6, 3, 7},
}

// spreads has for elements 0 to 15 of two blocks, for 16 to 31, and for those of one block,
// the byte that their fifth bits stand in; eachBit has the bit.
var (
	spreads = [3][32]uint8{
		{8: 1, 9: 1, 10: 1, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1, 24: 1, 25: 1, 26: 1, 27: 1, 28: 1, 29: 1, 30: 1, 31: 1},
		{
			2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
			2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
		},
		{
			8: 1, 9: 1, 10: 1, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1,
			16: 2, 17: 2, 18: 2, 19: 2, 20: 2, 21: 2, 22: 2, 23: 2, 24: 3, 25: 3, 26: 3, 27: 3, 28: 3, 29: 3, 30: 3, 31: 3,
		},
	}
	eachBit = [32]uint8{
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
		1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
	}
)

func roundQ8Vector(q []int8, d []float32, sums []int32, x []float32) bool {
	most, least := roundQ8AVX2(&q[0], &d[0], &sums[0], &x[0], len(d))
	return most <= math.Float32bits(q8Most) && least >= math.Float32bits(q8Least)-1
}

// roundQ8AVX2 is [RoundQ8]; it returns the bits of the largest magnitude, and of the
// smallest largest one of a block but 0, less one.
//
//go:noescape
func roundQ8AVX2(q *int8, d *float32, sums *int32, x *float32, blocks int) (most, least uint32)

func unroundQ8Vector(dst []float32, q []int8, d []float32) {
	unroundQ8AVX2(&dst[0], &q[0], &d[0], len(d))
}

// unroundQ8AVX2 is [UnroundQ8].
//
//go:noescape
func unroundQ8AVX2(dst *float32, q *int8, d *float32, blocks int)

// dotRowsQ8Vector computes all rows.
func dotRowsQ8Vector(y []float32, layout, src []byte, d tensor.DType, n int) {
	kernels := &q8AVX2
	if Has(DotInt8) {
		kernels = &q8VNNI
	}
	kernels[d](&y[0], &layout[0], &src[0], len(y), n/d.BlockLen())
}

// Kernels by type.
type q8Kernel = func(y *float32, x, src *byte, rows, blocks int)

var (
	q8AVX2 = [...]q8Kernel{
		tensor.Q4_0: q8Q40AVX2, tensor.Q4_1: q8Q41AVX2, tensor.Q5_0: q8Q50AVX2, tensor.Q5_1: q8Q51AVX2,
		tensor.Q8_0: q8Q80AVX2, tensor.Q4_K: q8Q4KAVX2, tensor.Q5_K: q8Q5KAVX2, tensor.Q6_K: q8Q6KAVX2,
	}
	q8VNNI = [...]q8Kernel{
		tensor.Q4_0: q8Q40VNNI, tensor.Q4_1: q8Q41VNNI, tensor.Q5_0: q8Q50VNNI, tensor.Q5_1: q8Q51VNNI,
		tensor.Q8_0: q8Q80VNNI, tensor.Q4_K: q8Q4KVNNI, tensor.Q5_K: q8Q5KVNNI, tensor.Q6_K: q8Q6KVNNI,
	}
)

//go:noescape
func q8Q40AVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q41AVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q50AVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q51AVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q80AVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q4KAVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q5KAVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q6KAVX2(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q40VNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q41VNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q50VNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q51VNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q80VNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q4KVNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q5KVNNI(y *float32, x, src *byte, rows, blocks int)

//go:noescape
func q8Q6KVNNI(y *float32, x, src *byte, rows, blocks int)
