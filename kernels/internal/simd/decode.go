package simd

import (
	"unsafe"

	"lamina/tensor"
)

// Decode writes the len(dst) elements stored in src as d to dst, with the bits
// of [tensor.DecodeF32], but for the payload of a NaN. src may have any
// alignment and is exactly d.Bytes(len(dst)) long.
func Decode(dst []float32, src []byte, d tensor.DType) {
	if len(src) != d.Bytes(len(dst)) {
		panic("simd: Decode: sizes differ")
	}
	if len(dst) == 0 {
		return
	}
	if d == tensor.F32 {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src)
		return
	}
	done := 0
	if level != Generic {
		done = decodeVector(dst, src, d)
	}
	if done < len(dst) {
		tensor.DecodeF32(dst[done:], src[d.Bytes(done):], d)
	}
}

// DotRows does y[i] += Σ_p x[p]·w[i, p] for rows w[i] of len(x) elements stored
// as d one after the other in src: the product of decoding, without widening the
// weight to memory. x is arranged by [Arrange]. Only where [HasDotRows].
//
// For types other than Q4_0 and Q4_1 the sums have the bits of Dot(x, y), y the
// decoded row; for these two the order is that of the codes in a block.
func DotRows(y, x []float32, src []byte, d tensor.DType) {
	if len(src) != len(y)*d.Bytes(len(x)) {
		panic("simd: DotRows: sizes differ")
	}
	dotRowsVector(y, x, src, d)
}

// HasDotRows reports whether the active level has DotRows for rows of n elements
// of type d.
func HasDotRows(d tensor.DType, n int) bool {
	return level != Generic && n > 0 && n%32 == 0 && hasDotRows(d)
}

// Arrange writes x, whole blocks of 32, in the order in which DotRows takes the
// elements of type d: of 4-bit types dst[32b+8t+c] = x[32b+4c+t], since byte 4c+t
// of a block is byte t of its word c; else as they are.
func Arrange(dst, x []float32, d tensor.DType) {
	if d != tensor.Q4_0 && d != tensor.Q4_1 {
		copy(dst, x)
		return
	}
	for ; len(x) > 0; dst, x = dst[32:], x[32:] {
		to, from := (*[32]float32)(dst), (*[32]float32)(x)
		for i, v := range from {
			to[i%4*8+i/4] = v
		}
	}
}
