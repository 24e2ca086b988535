package tensor

import "encoding/binary"

// The blocks of 256 (ggml-common.h: block_q4_K, block_q5_K, block_q6_K; QK_K =
// 256). Every product of scales and codes is exact in float32: 11 + 6 + 5 bits of
// significand at most for Q4_K and Q5_K, 11 + 7 + 5 for Q6_K.

// kScales unpacks the scales s and minima m of the 8 runs of 32 elements from 12
// bytes: byte j of the first two groups of four holds 6 bits of s[j] and m[j] and
// the two upper bits of s[j+4] and m[j+4], whose lower four stand in the low and
// the high half of byte j of the third.
func kScales(b []byte) (s, m [8]float32) {
	for j := range 4 {
		s[j], m[j] = float32(b[j]&63), float32(b[j+4]&63)
		s[j+4] = float32(b[j+8]&15 | b[j]>>6<<4)
		m[j+4] = float32(b[j+8]>>4 | b[j+4]>>6<<4)
	}
	return s, m
}

// decodeQ4_K: F16 d, F16 dmin, 12 bytes of scales and minima, 4 times 32 bytes
// of codes, each with 32 elements in the low and the next 32 in the high halves.
func decodeQ4_K(dst []float32, b []byte) {
	d, low := F16ToF32(binary.LittleEndian.Uint16(b)), F16ToF32(binary.LittleEndian.Uint16(b[2:]))
	s, m := kScales(b[4:16])
	for i := range 4 {
		run := dst[64*i : 64*i+64]
		for j, q := range b[16+32*i : 48+32*i] {
			run[j] = d*s[2*i]*float32(q&15) - low*m[2*i]
			run[j+32] = d*s[2*i+1]*float32(q>>4) - low*m[2*i+1]
		}
	}
}

// decodeQ5_K is decodeQ4_K with 32 bytes before the codes whose bit i in byte j
// is the fifth bit of element 32·i+j.
func decodeQ5_K(dst []float32, b []byte) {
	d, low := F16ToF32(binary.LittleEndian.Uint16(b)), F16ToF32(binary.LittleEndian.Uint16(b[2:]))
	s, m := kScales(b[4:16])
	high := b[16:48]
	for i := range 4 {
		run := dst[64*i : 64*i+64]
		for j, q := range b[48+32*i : 80+32*i] {
			run[j] = d*s[2*i]*float32(q&15|high[j]>>(2*i)&1<<4) - low*m[2*i]
			run[j+32] = d*s[2*i+1]*float32(q>>4|high[j]>>(2*i+1)&1<<4) - low*m[2*i+1]
		}
	}
}

// decodeQ6_K: for each half of 128 elements 64 bytes of codes, whose low halves
// are elements 0 to 63 and high halves elements 64 to 127; then for each half 32
// bytes of upper bits, two for elements j, 32+j, 64+j and 96+j in byte j; 16
// scales; F16 d.
func decodeQ6_K(dst []float32, b []byte) {
	d := F16ToF32(binary.LittleEndian.Uint16(b[208:]))
	for half := range 2 {
		low, high, scales := b[64*half:64*half+64], b[128+32*half:160+32*half], b[192+8*half:200+8*half]
		for i := range 4 {
			run := dst[128*half+32*i:][:32]
			for j := range run {
				q := low[32*(i%2)+j]>>(i/2*4)&15 | high[j]>>(2*i)&3<<4
				run[j] = d * float32(int8(scales[2*i+j/16])) * float32(int(q)-32)
			}
		}
	}
}
