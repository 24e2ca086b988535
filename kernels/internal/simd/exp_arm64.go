//go:build !noasm

package simd

import "math"

// floatTable holds the constants of exp_arm64.h, each four times, in the order of its places.
var floatTable = fourTimes([...]float32{
	expMin, expMax, log2e, ln2Hi, ln2Lo, exp4, exp3, exp2, exp1, exp0, 1, math.Float32frombits(127),
	tailMax, tailScale, tail9, tail8, tail7, tail6, tail5, tail4, tail3, tail2, tail1, tail0, normalDensity0, 0.5,
	geluLinear, geluCubic, 3 * geluCubic, geluMax, -geluMax, logisticMin,
	tanhSmall, tanh4, tanh3, tanh2, tanh1, tanh0,
	expLow, 127.5 / log2e, float32(math.Inf(1)), math.Float32frombits(1 << 31),
}, geluLinear, geluCubic)

// fourTimes fills four lanes with each number, and two of float64 with each of the last two.
func fourTimes(values [42]float32, linear, cubic float64) (table [44][4]float32) {
	for i, v := range values {
		table[i] = [4]float32{v, v, v, v}
	}
	for i, v := range []float64{linear, cubic} {
		low, high := math.Float32frombits(uint32(math.Float64bits(v))), math.Float32frombits(uint32(math.Float64bits(v)>>32))
		table[len(values)+i] = [4]float32{low, high, low, high}
	}
	return table
}

// The assembly of exponentials and of rows takes whole runs of 4; the Go twin does the
// rest, and has the same bits.
const neonFour = 4

// expSumNEON and sumExpNEON leave the sums of four lanes.
//
//go:noescape
func expSumNEON(dst, x *float32, lanes *[4]float32, runs int, shift float32)

//go:noescape
func sumExpNEON(x *float32, lanes *[4]float32, runs int, shift float32)

// expDownNEON does x[i] = expDown(scale·(x[i] - shift)), with the bits of flip in the way
// of x first, and leaves the sums of four lanes.
//
//go:noescape
func expDownNEON(x *float32, lanes *[4]float32, runs int, shift, scale float32, flip uint32)

//go:noescape
func sigmoidNEON(dst, x *float32, runs int)

//go:noescape
func siluNEON(dst, x *float32, runs int)

//go:noescape
func tanhNEON(dst, x *float32, runs int)

//go:noescape
func siluBackwardNEON(dst, dy, x *float32, runs int)

//go:noescape
func expScaledNEON(dst, x *float32, runs int, shift, scale float32)

func expSumVector(dst, x []float32, shift float32) float32 {
	var s [4]float32
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		expSumNEON(&dst[0], &x[0], &s, n/neonFour, shift)
	}
	for i, v := range x[n:] {
		e := expOne(v - shift)
		dst[n+i] = e
		s[i] += e
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sumExpVector(x []float32, shift float32) float32 {
	var s [4]float32
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		sumExpNEON(&x[0], &s, n/neonFour, shift)
	}
	for i, v := range x[n:] {
		s[i] += expOne(v - shift)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

func sigmoidVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		sigmoidNEON(&dst[0], &x[0], n/neonFour)
	}
	sigmoidGeneric(dst[n:], x[n:])
}

func siluVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		siluNEON(&dst[0], &x[0], n/neonFour)
	}
	siluGeneric(dst[n:], x[n:])
}

func tanhVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		tanhNEON(&dst[0], &x[0], n/neonFour)
	}
	tanhGeneric(dst[n:], x[n:])
}

func siluBackwardVector(dst, dy, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		siluBackwardNEON(&dst[0], &dy[0], &x[0], n/neonFour)
	}
	siluBackwardGeneric(dst[n:], dy[n:], x[n:])
}

func expScaledVector(dst, x []float32, shift, scale float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		expScaledNEON(&dst[0], &x[0], n/neonFour, shift, scale)
	}
	expScaledGeneric(dst[n:], x[n:], shift, scale)
}
