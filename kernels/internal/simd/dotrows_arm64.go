//go:build !noasm

package simd

import "lamina/tensor"

// codeTable holds the constants of codes_arm64.h: which bytes of a register go to the
// tops of four words, four times, then what 5-bit codes need to find their fifth bits.
var codeTable = struct {
	places            [4][16]uint8
	upper, bit, lower [16]uint8 // which of four bytes has the bit of element 16+i, which bit, and of element i
}{
	[4][16]uint8{topPlaces(0), topPlaces(4), topPlaces(8), topPlaces(12)},
	[16]uint8{2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3},
	[16]uint8{1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128},
	[16]uint8{8: 1, 9: 1, 10: 1, 11: 1, 12: 1, 13: 1, 14: 1, 15: 1},
}

// topPlaces takes bytes first to first+3 to the tops of words, above zeros.
func topPlaces(first int) (table [16]uint8) {
	const zero = 255
	for i := range table {
		table[i] = zero
		if i%4 == 3 {
			table[i] = uint8(first + i/4)
		}
	}
	return table
}

// arrange makes the layout for the type's kernel: x where it is, or, for types with
// minima, x and the sums of each 32 of it.
func (v *Vector) arrange() {
	n := len(v.x)
	if v.dtype.IsBlock() && !(SumSquaresF64(v.x, 0) < tooLarge) || n%v.dtype.BlockLen() != 0 {
		return
	}
	switch v.dtype {
	case tensor.Q4_1, tensor.Q5_1, tensor.Q4_K, tensor.Q5_K:
		dst := v.reserve(n + n/32)
		copy(dst, v.x)
		for i := range n / 32 {
			dst[n+i] = sumGeneric(v.x[32*i : 32*i+32])
		}
	case tensor.F64:
	default:
		v.layout = v.x
	}
}

func dotRowsVector(y, layout []float32, src []byte, d tensor.DType, n int) {
	dot := dotF32NEON
	switch d {
	case tensor.BF16:
		dot = dotBF16NEON
	case tensor.F16:
		dot = dotF16NEON
	case tensor.Q4_0:
		dot = dotQ40NEON
	case tensor.Q4_1:
		dot = dotQ41NEON
	case tensor.Q5_0:
		dot = dotQ50NEON
	case tensor.Q5_1:
		dot = dotQ51NEON
	case tensor.Q8_0:
		dot = dotQ80NEON
	case tensor.Q4_K:
		dot = dotQ4KNEON
	case tensor.Q5_K:
		dot = dotQ5KNEON
	case tensor.Q6_K:
		dot = dotQ6KNEON
	}
	dot(&y[0], &layout[0], &src[0], len(y), n/max(d.BlockLen(), 32))
}

// decodeVector widens blocks of 32 or 256 and returns how many elements that were.
func decodeVector(dst []float32, src []byte, d tensor.DType) int {
	n := max(d.BlockLen(), 32)
	blocks := len(dst) / n
	if blocks == 0 {
		return 0
	}
	decode := decodeBF16NEON
	switch d {
	case tensor.BF16:
	case tensor.F16:
		decode = decodeF16NEON
	case tensor.Q4_0:
		decode = decodeQ40NEON
	case tensor.Q4_1:
		decode = decodeQ41NEON
	case tensor.Q5_0:
		decode = decodeQ50NEON
	case tensor.Q5_1:
		decode = decodeQ51NEON
	case tensor.Q8_0:
		decode = decodeQ80NEON
	case tensor.Q4_K:
		decode = decodeQ4KNEON
	case tensor.Q5_K:
		decode = decodeQ5KNEON
	case tensor.Q6_K:
		decode = decodeQ6KNEON
	default:
		return 0
	}
	decode(&dst[0], &src[0], blocks)
	return blocks * n
}

//go:noescape
func dotF32NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotBF16NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotF16NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ40NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ41NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ50NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ51NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ80NEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ4KNEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ5KNEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func dotQ6KNEON(y, x *float32, src *byte, rows, blocks int)

//go:noescape
func decodeBF16NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeF16NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ40NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ41NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ50NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ51NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ80NEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4KNEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5KNEON(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ6KNEON(dst *float32, src *byte, blocks int)
