package simd

import (
	"unsafe"

	"lamina/tensor"
)

// Decode writes the len(dst) elements stored in src as d to dst, with the bits
// of [tensor.DecodeF32]. src may have any alignment and is not longer than it
// must be.
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

// FromBF16 does dst[i] = the bfloat16 at src[2i:].
func FromBF16(dst []float32, src []byte) { Decode(dst, src, tensor.BF16) }

// FromF16 does dst[i] = the binary16 at src[2i:].
func FromF16(dst []float32, src []byte) { Decode(dst, src, tensor.F16) }
