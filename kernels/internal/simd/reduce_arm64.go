//go:build !noasm

package simd

import "math"

// maxNEON takes the largest of its lanes and of runs of 16, NaN if there is one.
//
//go:noescape
func maxNEON(x *float32, lanes *[4]float32, runs int)

// maxNumberNEON does so with the bits of flip in the way of x, NaN aside.
//
//go:noescape
func maxNumberNEON(x *float32, lanes *[4]float32, runs int, flip uint32)

// sumF64NEON and sumSquaresF64NEON leave the sums of four lanes.
//
//go:noescape
func sumF64NEON(x *float32, lanes *[4]float64, runs int)

//go:noescape
func sumSquaresF64NEON(x *float32, lanes *[4]float64, runs int, mean float64)

// softmaxSlopesNEON does p[i] = p[i]·inverse; dp[i] = scale·(p[i]·(dp[i] - mean)).
//
//go:noescape
func softmaxSlopesNEON(p, dp *float32, runs int, inverse, mean, scale float32)

func maxVector(x []float32) float32 {
	m := float32(math.Inf(-1))
	if runs := len(x) / neonRun; runs > 0 {
		lanes := [4]float32{m, m, m, m}
		maxNEON(&x[0], &lanes, runs)
		m, x = maxGeneric(lanes[:]), x[runs*neonRun:]
	}
	return max(m, maxGeneric(x))
}

func sumF64Vector(x []float32) float64 {
	var s [4]float64
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		sumF64NEON(&x[0], &s, n/neonFour)
	}
	for i, v := range x[n:] {
		s[i] += float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumSquaresF64Vector(x []float32, mean float64) float64 {
	var s [4]float64
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		sumSquaresF64NEON(&x[0], &s, n/neonFour, mean)
	}
	for i, v := range x[n:] {
		d := float64(v) - mean
		s[i] = math.FMA(d, d, s[i])
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// signBit is what turns a float32 round.
const signBit = 1 << 31

// maxNumber returns the largest of m and x, NaN aside, with the bits of flip in the way of x.
func maxNumber(x []float32, m float32, flip uint32) float32 {
	if runs := len(x) / neonRun; runs > 0 {
		lanes := [4]float32{m, m, m, m}
		maxNumberNEON(&x[0], &lanes, runs, flip)
		for _, v := range lanes {
			if v > m {
				m = v
			}
		}
		x = x[runs*neonRun:]
	}
	for _, v := range x {
		if v = flipped(v, flip); v > m {
			m = v
		}
	}
	return m
}

func flipped(v float32, flip uint32) float32 {
	return math.Float32frombits(math.Float32bits(v) ^ flip)
}

// expDownVector does x[i] = expDown(scale·(x[i] - m)), with the bits of flip in the way of
// x first, and returns the sum in the order of expDownSum.
func expDownVector(x []float32, m, scale float32, flip uint32) float32 {
	var s [4]float32
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		expDownNEON(&x[0], &s, n/neonFour, m, scale, flip)
	}
	for i, v := range x[n:] {
		e := expDown(scale * float32(flipped(v, flip)-m))
		x[n+i] = e
		s[i] += e
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func softmaxRowsVector(p []float32, ld, cols int, sees []int32, top, sum, shrink []float32) {
	for r, n := range sees {
		row := p[r*ld:][:cols]
		clear(row[n:])
		shrink[r] = 1
		if n == 0 {
			continue
		}
		m := maxNumber(row[:n], top[r], 0)
		shrink[r] = expDown(top[r] - m)
		sum[r] = float32(sum[r]*shrink[r]) + expDownVector(row[:n], m, 1, 0)
		top[r] = m
	}
}

func softmaxSlopesVector(p, dp []float32, ld, cols int, sees []int32, scale float32) {
	flip := math.Float32bits(scale) & signBit
	for r, seen := range sees {
		row, slope := p[r*ld:][:cols], dp[r*ld:][:cols]
		clear(row[seen:])
		clear(slope[seen:])
		row, slope = row[:seen], slope[:seen]
		m := maxNumber(row, float32(math.Inf(-1)), flip)
		inverse := 1 / expDownVector(row, m, flipped(scale, flip), flip)
		mean := float32(dotVector(row, slope) * inverse)
		n := len(row) &^ (neonFour - 1)
		if n > 0 {
			softmaxSlopesNEON(&row[0], &slope[0], n/neonFour, inverse, mean, scale)
		}
		for i := n; i < len(row); i++ {
			row[i] *= inverse
			slope[i] = scale * float32(row[i]*float32(slope[i]-mean))
		}
	}
}

func scaleRowsVector(dst []float32, dstStride int, src []float32, srcStride, cols int, f []float32) {
	for r, a := range f {
		scaleVector(dst[r*dstStride:][:cols], src[r*srcStride:][:cols], a)
	}
}
