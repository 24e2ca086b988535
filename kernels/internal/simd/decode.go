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
