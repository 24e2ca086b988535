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

// decodeVector widens blocks of 32 or 256 and returns how many elements that were.
func decodeVector(dst []float32, src []byte, d tensor.DType) int {
	n := max(d.BlockLen(), 32)
	blocks := len(dst) / n
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
	case tensor.Q4_K:
		decodeQ4KAVX2(&dst[0], &src[0], blocks)
	case tensor.Q5_K:
		decodeQ5KAVX2(&dst[0], &src[0], blocks)
	case tensor.Q6_K:
		decodeQ6KAVX2(&dst[0], &src[0], blocks)
	default:
		return 0
	}
	return blocks * n
}

//go:noescape
func decodeBF16AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeF16AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ40AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ41AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ50AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ51AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ80AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ4KAVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ5KAVX2(dst *float32, src *byte, blocks int)

//go:noescape
func decodeQ6KAVX2(dst *float32, src *byte, blocks int)
