//go:build !noasm

package simd

import "math"

//go:noescape
func addAVX2(dst, x, y *float32, n int)

//go:noescape
func subAVX2(dst, x, y *float32, n int)

//go:noescape
func mulAVX2(dst, x, y *float32, n int)

//go:noescape
func axpyAVX2(dst, x *float32, n int, a float32)

//go:noescape
func scaleAVX2(dst, x *float32, n int, a float32)

//go:noescape
func affineAVX2(dst, x, gain, bias *float32, n int, mean, rstd float32)

//go:noescape
func affineAVX512(dst, x, gain, bias *float32, n int, mean, rstd float32)

//go:noescape
func reluAVX2(dst, x *float32, n int)

//go:noescape
func reluBackwardAVX2(dst, dy, x *float32, n int)

//go:noescape
func adamWAVX2(w, grad, m, v *float32, n int, s *AdamWStep)

//go:noescape
func dotAVX2(x, y *float32, n int) float32

//go:noescape
func sumAVX2(x *float32, n int) float32

//go:noescape
func maxAVX2(x *float32, n int) (largest float32, nan bool)

//go:noescape
func maxAVX512(x *float32, n int) (largest float32, nan bool)

//go:noescape
func sumF64AVX2(x *float32, runs int) float64

//go:noescape
func sumSquaresF64AVX2(x *float32, runs int, mean float64) float64

func addVector(dst, x, y []float32) {
	if len(dst) > 0 {
		addAVX2(&dst[0], &x[0], &y[0], len(dst))
	}
}

func subVector(dst, x, y []float32) {
	if len(dst) > 0 {
		subAVX2(&dst[0], &x[0], &y[0], len(dst))
	}
}

func mulVector(dst, x, y []float32) {
	if len(dst) > 0 {
		mulAVX2(&dst[0], &x[0], &y[0], len(dst))
	}
}

func axpyVector(dst, x []float32, a float32) {
	if len(dst) > 0 {
		axpyAVX2(&dst[0], &x[0], len(dst), a)
	}
}

func scaleVector(dst, x []float32, a float32) {
	if len(dst) > 0 {
		scaleAVX2(&dst[0], &x[0], len(dst), a)
	}
}

func affineVector(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		affineAVX512(&dst[0], &x[0], &gain[0], &bias[0], len(dst), mean, rstd)
	default:
		affineAVX2(&dst[0], &x[0], &gain[0], &bias[0], len(dst), mean, rstd)
	}
}

func reluVector(dst, x []float32) {
	if len(dst) > 0 {
		reluAVX2(&dst[0], &x[0], len(dst))
	}
}

func reluBackwardVector(dst, dy, x []float32) {
	if len(dst) > 0 {
		reluBackwardAVX2(&dst[0], &dy[0], &x[0], len(dst))
	}
}

func adamWVector(w, grad, m, v []float32, s *AdamWStep) {
	if len(w) > 0 {
		adamWAVX2(&w[0], &grad[0], &m[0], &v[0], len(w), s)
	}
}

func dotVector(x, y []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return dotAVX2(&x[0], &y[0], len(x))
}

func sumVector(x []float32) float32 {
	if len(x) == 0 {
		return 0
	}
	return sumAVX2(&x[0], len(x))
}

func maxVector(x []float32) float32 {
	if len(x) == 0 {
		return maxGeneric(x)
	}
	largest, nan := float32(0), false
	if level == AVX512 {
		largest, nan = maxAVX512(&x[0], len(x))
	} else {
		largest, nan = maxAVX2(&x[0], len(x))
	}
	if nan {
		return float32(math.NaN())
	}
	return largest
}

func sumF64Vector(x []float32) float64 {
	runs := len(x) / 16
	if runs == 0 {
		return sumF64Generic(x)
	}
	return sumF64AVX2(&x[0], runs) + sumF64Generic(x[16*runs:])
}

func sumSquaresF64Vector(x []float32, mean float64) float64 {
	runs := len(x) / 16
	if runs == 0 {
		return sumSquaresF64Generic(x, mean)
	}
	return sumSquaresF64AVX2(&x[0], runs, mean) + sumSquaresF64Generic(x[16*runs:], mean)
}
