//go:build !noasm

package simd

import "math"

// sixteenths holds 2^(i/16) for AVX-512's exponentials, and what each lost in rounding,
// relative to it.
var sixteenths = func() (powers [2][16]float32) {
	for i := range 16 {
		exact := math.Exp2(float64(i) / 16)
		powers[0][i] = float32(exact)
		powers[1][i] = float32(exact/float64(powers[0][i]) - 1)
	}
	return powers
}()

// tanhTable holds the constants of tanhAVX2 and tanhAVX512.
var tanhTable = [...]float32{tanhSmall, tanh4, tanh3, tanh2, tanh1, tanh0}

//go:noescape
func expSumAVX2(dst, x *float32, n int, shift float32) float32

//go:noescape
func expSumAVX512(dst, x *float32, n int, shift float32) float32

//go:noescape
func sumExpAVX2(x *float32, n int, shift float32) float32

//go:noescape
func sumExpAVX512(x *float32, n int, shift float32) float32

//go:noescape
func sigmoidAVX2(dst, x *float32, n int)

//go:noescape
func sigmoidAVX512(dst, x *float32, n int)

//go:noescape
func siluAVX2(dst, x *float32, n int)

//go:noescape
func siluAVX512(dst, x *float32, n int)

//go:noescape
func siluBackwardAVX2(dst, dy, x *float32, n int)

//go:noescape
func siluBackwardAVX512(dst, dy, x *float32, n int)

//go:noescape
func tanhAVX2(dst, x *float32, n int)

//go:noescape
func tanhAVX512(dst, x *float32, n int)

func expSumVector(dst, x []float32, shift float32) float32 {
	switch {
	case len(dst) == 0:
		return 0
	case level == AVX512:
		return expSumAVX512(&dst[0], &x[0], len(dst), shift)
	default:
		return expSumAVX2(&dst[0], &x[0], len(dst), shift)
	}
}

func sumExpVector(x []float32, shift float32) float32 {
	switch {
	case len(x) == 0:
		return 0
	case level == AVX512:
		return sumExpAVX512(&x[0], len(x), shift)
	default:
		return sumExpAVX2(&x[0], len(x), shift)
	}
}

func sigmoidVector(dst, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		sigmoidAVX512(&dst[0], &x[0], len(dst))
	default:
		sigmoidAVX2(&dst[0], &x[0], len(dst))
	}
}

func siluVector(dst, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		siluAVX512(&dst[0], &x[0], len(dst))
	default:
		siluAVX2(&dst[0], &x[0], len(dst))
	}
}

func siluBackwardVector(dst, dy, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		siluBackwardAVX512(&dst[0], &dy[0], &x[0], len(dst))
	default:
		siluBackwardAVX2(&dst[0], &dy[0], &x[0], len(dst))
	}
}

func tanhVector(dst, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		tanhAVX512(&dst[0], &x[0], len(dst))
	default:
		tanhAVX2(&dst[0], &x[0], len(dst))
	}
}
