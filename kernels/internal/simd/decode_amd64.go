//go:build !noasm

package simd

import "lamina/tensor"

// decodeTable holds the constants of decode_amd64.h: the mask of a code, the
// offsets of 4-bit and 5-bit codes, and for the fifth bits the byte and the
// bit of each element.
var decodeTable = [96]uint8{
	0: 0x0f, 1: 8, 2: 16,
	32: 0, 33: 0, 34: 0, 35: 0, 36: 0, 37: 0, 38: 0, 39: 0,
	40: 1, 41: 1, 42: 1, 43: 1, 44: 1, 45: 1, 46: 1, 47: 1,
	48: 2, 49: 2, 50: 2, 51: 2, 52: 2, 53: 2, 54: 2, 55: 2,
	56: 3, 57: 3, 58: 3, 59: 3, 60: 3, 61: 3, 62: 3, 63: 3,
	64: 1, 65: 2, 66: 4, 67: 8, 68: 16, 69: 32, 70: 64, 71: 128,
	72: 1, 73: 2, 74: 4, 75: 8, 76: 16, 77: 32, 78: 64, 79: 128,
	80: 1, 81: 2, 82: 4, 83: 8, 84: 16, 85: 32, 86: 64, 87: 128,
	88: 1, 89: 2, 90: 4, 91: 8, 92: 16, 93: 32, 94: 64, 95: 128,
}

// codeTable holds the constants of dotcodes_amd64.s: for vectors t = 0, 1, 2 of a
// block the masks of the codes in a word, then 1/(their lowest bit); and the
// offset of Q4_0.
var codeTable = struct {
	mask  [3][8]uint32
	scale [3][8]float32
	low   [8]float32
}{
	[3][8]uint32{
		{0xf, 0xf, 0xf, 0xf, 0xf0, 0xf0, 0xf0, 0xf0},
		{0xf00, 0xf00, 0xf00, 0xf00, 0xf000, 0xf000, 0xf000, 0xf000},
		{0xf0000, 0xf0000, 0xf0000, 0xf0000, 0xf00000, 0xf00000, 0xf00000, 0xf00000},
	},
	[3][8]float32{
		{1, 1, 1, 1, 0x1p-4, 0x1p-4, 0x1p-4, 0x1p-4},
		{0x1p-8, 0x1p-8, 0x1p-8, 0x1p-8, 0x1p-12, 0x1p-12, 0x1p-12, 0x1p-12},
		{0x1p-16, 0x1p-16, 0x1p-16, 0x1p-16, 0x1p-20, 0x1p-20, 0x1p-20, 0x1p-20},
	},
	[8]float32{-8, -8, -8, -8, -8, -8, -8, -8},
}

// decodeVector widens blocks of 32 and returns how many elements that were.
func decodeVector(dst []float32, src []byte, d tensor.DType) int {
	blocks := len(dst) / 32
	if blocks == 0 {
		return 0
	}
	switch d {
	case tensor.BF16:
		decodeBF16AVX2(&dst[0], &src[0], blocks)
	case tensor.F16:
		decodeF16AVX2(&dst[0], &src[0], blocks)
	case tensor.Q4_0:
		decodeQ40AVX2(&dst[0], &src[0], blocks)
	case tensor.Q4_1:
		decodeQ41AVX2(&dst[0], &src[0], blocks)
	case tensor.Q5_0:
		decodeQ50AVX2(&dst[0], &src[0], blocks)
	case tensor.Q5_1:
		decodeQ51AVX2(&dst[0], &src[0], blocks)
	case tensor.Q8_0:
		decodeQ80AVX2(&dst[0], &src[0], blocks)
	default:
		return 0
	}
	return blocks * 32
}

// dotKernel returns the kernel for one row of blocks·32 elements, or nil.
func dotKernel(d tensor.DType) func(x *float32, src *byte, blocks int) float32 {
	switch d {
	case tensor.BF16:
		return dotBF16AVX2
	case tensor.F16:
		return dotF16AVX2
	case tensor.Q4_0:
		return dotQ40AVX2
	case tensor.Q4_1:
		return dotQ41AVX2
	case tensor.Q5_0:
		return dotQ50AVX2
	case tensor.Q5_1:
		return dotQ51AVX2
	case tensor.Q8_0:
		return dotQ80AVX2
	}
	return nil
}

func hasDotRows(d tensor.DType) bool { return dotKernel(d) != nil }

func dotRowsVector(y, x []float32, src []byte, d tensor.DType) {
	if len(y) == 0 {
		return
	}
	dot, blocks, row := dotKernel(d), len(x)/32, len(src)/len(y)
	for i := range y {
		y[i] += dot(&x[0], &src[i*row], blocks)
	}
}

//go:noescape
func decodeBF16AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotBF16AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeF16AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotF16AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeQ40AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotQ40AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeQ41AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotQ41AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeQ50AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotQ50AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeQ51AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotQ51AVX2(x *float32, src *byte, blocks int) float32

//go:noescape
func decodeQ80AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func dotQ80AVX2(x *float32, src *byte, blocks int) float32
