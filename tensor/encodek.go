package tensor

import (
	"encoding/binary"
	"math"
)

// encodeQ4_K fits each run of 32 elements by s·q - m, q from 0 to 15 and m at least 0
// ([fitRun]), rounds the 8 scales s and minima m to 63rds of their largest, and takes for
// each element the nearest of what its run then has.
func encodeQ4_K(b []byte, src *[256]float32) {
	var s, m [8]float32
	var codes [256]byte
	var topS, topM float32
	for j := range 8 {
		s[j], m[j] = fitRun((*[32]byte)(codes[32*j:]), (*[32]float32)(src[32*j:]))
		if s[j] > topS {
			topS = s[j]
		}
		if m[j] > topM {
			topM = m[j]
		}
	}
	putKScales(b[4:16], &s, &m, topS, topM)
	binary.LittleEndian.PutUint16(b, F32ToF16(topS/63))
	binary.LittleEndian.PutUint16(b[2:], F32ToF16(topM/63))
	d, low := F16ToF32(binary.LittleEndian.Uint16(b)), F16ToF32(binary.LittleEndian.Uint16(b[2:]))
	s, m = kScales(b[4:16])
	for j := range 8 {
		step, least := float32(d*s[j]), float32(low*m[j])
		if step == 0 {
			continue // the codes of the fit stand; they say nothing
		}
		for i, x := range src[32*j : 32*j+32] {
			codes[32*j+i] = nearest((x+least)/step, 15)
		}
	}
	for i := range 4 {
		for j := range 32 {
			b[16+32*i+j] = codes[64*i+j] | codes[64*i+32+j]<<4
		}
	}
}

// putKScales packs scales and minima, rounded to 63rds of their largest, as kScales
// reads them.
func putKScales(b []byte, s, m *[8]float32, topS, topM float32) {
	var perS, perM float32
	if topS > 0 {
		perS = 63 / topS
	}
	if topM > 0 {
		perM = 63 / topM
	}
	for j := range 4 {
		ls, lm := nearest(perS*s[j], 63), nearest(perM*m[j], 63)
		hs, hm := nearest(perS*s[j+4], 63), nearest(perM*m[j+4], 63)
		b[j], b[j+4] = ls|hs>>4<<6, lm|hm>>4<<6
		b[j+8] = hs&15 | hm&15<<4
	}
}

// A weighted run is 32 elements, what each counts for, and sums over them.
type weightedRun struct {
	x      *[32]float32
	weight [32]float32
	sum    float32 // of the weights
	sumX   float32 // of weight·x
}

// fitRun returns codes q, scale s and minimum m of x ≈ s·q - m. It starts from equal
// steps between the smallest element (0 if none is negative) and the largest, then takes
// codes of 21 other steps, from 14 to 16 of them from the minimum of the best fit so far,
// and for each the s and m that minimise the sum of weight·(s·q - m - x)²; the best stays.
//
// The products below stand in conversions so that no compiler fuses them with a sum.
func fitRun(codes *[32]byte, x *[32]float32) (s, m float32) {
	r := weigh(x)
	least, most := x[0], x[0]
	for _, v := range x[1:] {
		if v < least {
			least = v
		}
		if v > most {
			most = v
		}
	}
	if least > 0 {
		least = 0
	}
	if most == least {
		*codes = [32]byte{}
		return 0, -least
	}
	per := 15 / (most - least)
	s, m = 1/per, least
	r.code(codes, per, least)
	best := r.cost(codes, s, m)
	var other [32]byte
	for i := range 21 {
		r.code(&other, (float32(float32(0.1)*float32(i))-1+15)/(most-m), m)
		otherS, otherM, ok := r.solve(&other)
		if !ok {
			continue
		}
		if cost := r.cost(&other, otherS, otherM); cost < best {
			*codes, best, s, m = other, cost, otherS, otherM
		}
	}
	return s, -m
}

// weigh gives each element the weight sqrt(mean x²) + |x|.
func weigh(x *[32]float32) *weightedRun {
	r := &weightedRun{x: x}
	var squares float32
	for _, v := range x {
		squares += float32(v * v)
	}
	mean := float32(math.Sqrt(float64(squares / 32)))
	for i, v := range x {
		w := mean + float32(math.Abs(float64(v)))
		r.weight[i] = w
		r.sum += w
		r.sumX += float32(w * v)
	}
	return r
}

// code takes q = (x - least)·per, rounded to 0 to 15.
func (r *weightedRun) code(codes *[32]byte, per, least float32) {
	for i, v := range r.x {
		codes[i] = nearest(per*(v-least), 15)
	}
}

// solve returns s and m ≤ 0 of the best s·q + m for the codes, if they are not all equal.
func (r *weightedRun) solve(codes *[32]byte) (s, m float32, ok bool) {
	var sumQ, sumQ2, sumQX float32
	for i, q := range codes {
		wq := r.weight[i] * float32(q)
		sumQ += wq
		sumQ2 += float32(wq * float32(q))
		sumQX += float32(wq * r.x[i])
	}
	det := float32(r.sum*sumQ2) - float32(sumQ*sumQ)
	if !(det > 0) {
		return 0, 0, false
	}
	s = (float32(r.sum*sumQX) - float32(r.sumX*sumQ)) / det
	m = (float32(sumQ2*r.sumX) - float32(sumQ*sumQX)) / det
	if m > 0 {
		s, m = sumQX/sumQ2, 0
	}
	return s, m, true
}

// cost is the sum of weight·(s·q + m - x)².
func (r *weightedRun) cost(codes *[32]byte, s, m float32) (sum float32) {
	for i, q := range codes {
		diff := float32(s*float32(q)) + m - r.x[i]
		sum += float32(r.weight[i] * float32(diff*diff))
	}
	return sum
}

// nearest rounds to the nearest integer from 0 to most, halves to even ones. NaN is 0.
func nearest(x float32, most byte) byte {
	switch r := math.RoundToEven(float64(x)); {
	case !(r > 0):
		return 0
	case r > float64(most):
		return most
	default:
		return byte(r)
	}
}
