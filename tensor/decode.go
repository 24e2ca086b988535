package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
)

// DecodeF32 writes the len(dst) elements stored in src as d to dst.
//
// src holds the little-endian storage bytes of whole blocks, at any alignment,
// and must be exactly d.Bytes(len(dst)) long. Every bit pattern decodes: no
// input faults. F64 is rounded to nearest even; every other type is exact.
//
// Block layout is that of ggml (ggml-common.h, ggml-quants.c): in a block of 32
// with 4-bit codes, byte j holds element j in its low and element j+16 in its
// high nibble; 5-bit types keep the fifth bit of element j in bit j of a
// little-endian uint32. The blocks of 256 are laid out as decodek.go says. The
// formulas stand at the [DType] constants.
func DecodeF32(dst []float32, src []byte, d DType) {
	checkCodec("DecodeF32", len(dst), len(src), d)
	switch d {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
	case F64:
		for i := range dst {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	case F16:
		for i := range dst {
			dst[i] = F16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	case BF16:
		for i := range dst {
			dst[i] = BF16ToF32(binary.LittleEndian.Uint16(src[2*i:]))
		}
	default:
		n, size := d.BlockLen(), d.BlockBytes()
		for len(dst) > 0 {
			decodeBlock(dst[:n], src[:size], d)
			dst, src = dst[n:], src[size:]
		}
	}
}

// checkCodec panics unless d is a float type and n elements take size bytes.
func checkCodec(op string, n, size int, d DType) {
	if !d.IsFloat() {
		panic(fmt.Sprintf("tensor: %s: %s holds no real numbers", op, d))
	}
	if want := d.Bytes(n); size != want {
		panic(fmt.Sprintf("tensor: %s: %d elements of %s take %d bytes, got %d", op, n, d, want, size))
	}
}

// decodeBlock reads one block. It calls each decoder by name, not through a value,
// so that dst may lie on a caller's stack.
func decodeBlock(dst []float32, b []byte, d DType) {
	switch d {
	case Q4_0:
		decodeQ4_0(dst, b)
	case Q4_1:
		decodeQ4_1(dst, b)
	case Q5_0:
		decodeQ5_0(dst, b)
	case Q5_1:
		decodeQ5_1(dst, b)
	case Q8_0:
		decodeQ8_0(dst, b)
	case Q4_K:
		decodeQ4_K(dst, b)
	case Q5_K:
		decodeQ5_K(dst, b)
	case Q6_K:
		decodeQ6_K(dst, b)
	default:
		panic(fmt.Sprintf("tensor: DecodeF32: no decoder for %s", d))
	}
}

// In all of these d·q is exact in float32 (11 + at most 8 bits of significand),
// so a compiler that fuses d·q+m gets the same bits as one that does not.

func decodeQ4_0(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b))
	for j, q := range b[2:18] {
		dst[j] = d * float32(int(q&15)-8)
		dst[j+16] = d * float32(int(q>>4)-8)
	}
}

func decodeQ4_1(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b))
	m := F16ToF32(binary.LittleEndian.Uint16(b[2:]))
	for j, q := range b[4:20] {
		dst[j] = d*float32(q&15) + m
		dst[j+16] = d*float32(q>>4) + m
	}
}

func decodeQ5_0(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b))
	high := binary.LittleEndian.Uint32(b[2:])
	for j, q := range b[6:22] {
		lo := uint32(q&15) | high>>j&1<<4
		hi := uint32(q>>4) | high>>(j+16)&1<<4
		dst[j] = d * float32(int(lo)-16)
		dst[j+16] = d * float32(int(hi)-16)
	}
}

func decodeQ5_1(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b))
	m := F16ToF32(binary.LittleEndian.Uint16(b[2:]))
	high := binary.LittleEndian.Uint32(b[4:])
	for j, q := range b[8:24] {
		lo := uint32(q&15) | high>>j&1<<4
		hi := uint32(q>>4) | high>>(j+16)&1<<4
		dst[j] = d*float32(lo) + m
		dst[j+16] = d*float32(hi) + m
	}
}

func decodeQ8_0(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b))
	for j, q := range b[2:34] {
		dst[j] = d * float32(int8(q))
	}
}

// F16ToF32 widens an IEEE 754 binary16; exact. NaN keeps its payload.
func F16ToF32(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	rest := uint32(h&0x7fff) << 13
	if rest >= 0x7c00<<13 { // Inf, NaN
		return math.Float32frombits(sign | 0xff<<23 | rest&0x7fffff)
	}
	// Read as binary32 the value is too small by the difference of the exponent
	// biases, 127-15; a product with 2^112 mends that for subnormals too.
	const scale = 1 << 112
	return math.Float32frombits(sign | math.Float32bits(math.Float32frombits(rest)*scale))
}

// F32ToF16 rounds to nearest even. NaN becomes a quiet NaN of the same sign.
func F32ToF16(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0xff<<23: // NaN
		return sign | 0x7e00 | uint16(bits>>13&0x1ff)
	case bits >= (127+16)<<23-0x1000: // rounds to 65536 or more: Inf
		return sign | 0x7c00
	case bits >= (127-14)<<23: // normal
		bits -= (127 - 15) << 23
		return sign | uint16((bits+0xfff+bits>>13&1)>>13)
	}
	// Subnormal: adding 1/2 puts the F16 unit, 2^-24, at the last bit of the sum,
	// so the addition itself rounds to nearest even.
	sum := math.Float32bits(math.Float32frombits(bits) + 0.5)
	return sign | uint16(sum-math.Float32bits(0.5))
}

// BF16ToF32 widens a bfloat16; exact.
func BF16ToF32(h uint16) float32 { return math.Float32frombits(uint32(h) << 16) }

// F32ToBF16 rounds to nearest even. NaN becomes a quiet NaN of the same sign.
func F32ToBF16(x float32) uint16 {
	bits := math.Float32bits(x)
	if bits&0x7fffffff > 0xff<<23 {
		return uint16(bits>>16) | 0x40
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}
