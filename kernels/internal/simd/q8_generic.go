package simd

import (
	"encoding/binary"
	"math"

	"lamina/tensor"
)

// dotGeneric is the product of a row, with the order of sums that every level has: lane l
// of a block sums elements 4l to 4l+3, where blocks stand in pairs 16+4l to 16+4l+3 too.
func (r *q8Vector) dotGeneric(src []byte, d tensor.DType) float32 {
	var even, odd, low [8]float32
	var codes [q8Block]int32
	pairs := d == tensor.Q4_0 || d == tensor.Q4_1 || d == tensor.Q5_0 || d == tensor.Q5_1
	parts := d.BlockLen() / q8Block
	for b := range r.D {
		block := src[b/parts*d.BlockBytes():][:d.BlockBytes()]
		first, second, minimum := q8Codes(&codes, block, d, b%parts)
		var lanes [8]int32
		for p, c := range codes {
			lanes[p/4] += c * int32(r.Q[q8Block*b+p])
		}
		scales := [2]float32{float32(first * r.D[b]), float32(second * r.D[b])}
		switch {
		case pairs:
			low[1+b%2*4] += float32(minimum * r.scaledSum(b))
			for l := range 4 {
				at := &even[b%2*4+l]
				*at = fma32(float32(lanes[l]+lanes[4+l]), scales[0], *at)
			}
			continue
		case parts > 1:
			low[b%parts] = fma32(minimum, -r.scaledSum(b), low[b%parts])
		}
		to := [2]*[8]float32{&even, &odd}[b%2]
		for l := range to {
			to[l] = fma32(float32(lanes[l]), scales[l/4], to[l])
		}
	}
	var sum [8]float32
	for l := range sum {
		sum[l] = even[l] + low[l] + odd[l]
	}
	for l := range 4 {
		sum[l] += sum[4+l]
	}
	return (sum[0] + sum[1]) + (sum[2] + sum[3])
}

// q8Codes returns 32 codes of a block, part i of it: whole numbers, of which first times
// those of the first 16 and second times the others, plus the minimum, or for the blocks of
// 256 less the minimum, are the elements.
func q8Codes(codes *[q8Block]int32, block []byte, d tensor.DType, i int) (first, second, minimum float32) {
	half := func(at int) float32 { return tensor.F16ToF32(binary.LittleEndian.Uint16(block[at:])) }
	nibbles := func(low []byte) {
		for j, c := range low[:16] {
			codes[j], codes[16+j] = int32(c&15)-q8Offset(d), int32(c>>4)-q8Offset(d)
		}
	}
	fifths := func(at int) {
		high := binary.LittleEndian.Uint32(block[at:])
		for j := range codes {
			codes[j] += int32(high>>j&1) << 4
		}
	}
	switch d {
	case tensor.Q4_0:
		nibbles(block[2:])
	case tensor.Q4_1:
		nibbles(block[4:])
		minimum = half(2)
	case tensor.Q5_0:
		nibbles(block[6:])
		fifths(2)
	case tensor.Q5_1:
		nibbles(block[8:])
		fifths(4)
		minimum = half(2)
	case tensor.Q8_0:
		for j, c := range block[2:34] {
			codes[j] = int32(int8(c))
		}
	case tensor.Q4_K, tensor.Q5_K:
		low := block[d.BlockBytes()-128+i/2*32:]
		for j := range codes {
			codes[j] = int32(low[j] >> (i % 2 * 4) & 15)
			if d == tensor.Q5_K {
				codes[j] |= int32(block[16+j]>>i&1) << 4
			}
		}
		scale, low6 := kScale(block[4:16], i)
		return half(0) * scale, half(0) * scale, half(2) * low6
	case tensor.Q6_K:
		low, high := block[i/4*64+i%2*32:], block[128+i/4*32:]
		for j := range codes {
			codes[j] = int32(low[j]>>(i%4/2*4)&15|high[j]>>(i%4*2)&3<<4) - q8Offset(d)
		}
		return half(208) * float32(int8(block[192+2*i])), half(208) * float32(int8(block[193+2*i])), 0
	}
	return half(0), half(0), minimum
}

// kScale returns the 6-bit scale and minimum i of the eight in b: see tensor's kScales.
func kScale(b []byte, i int) (scale, minimum float32) {
	if i < 4 {
		return float32(b[i] & 63), float32(b[i+4] & 63)
	}
	return float32(b[i+4]&15 | b[i-4]>>6<<4), float32(b[i+4]>>4 | b[i]>>6<<4)
}

// fma32 returns x·y+z rounded once. In float64 the product is exact; the sum is rounded to
// odd, so that rounding it again to float32 is as rounding the exact one.
func fma32(x, y, z float32) float32 {
	p, w := float64(x)*float64(y), float64(z)
	sum := float64(p + w)
	back := float64(sum - p)
	rest := float64(p-float64(sum-back)) + float64(w-back)
	if bits := math.Float64bits(sum); rest != 0 && rest == rest && bits&1 == 0 {
		if rest > 0 == (sum > 0) {
			bits++
		} else {
			bits--
		}
		sum = math.Float64frombits(bits)
	}
	return float32(sum)
}
