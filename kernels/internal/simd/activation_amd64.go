//go:build amd64 && !noasm

package simd

import "math"

//go:noescape
func geluAVX2(dst, x *float32, n int)

//go:noescape
func geluAVX512(dst, x *float32, n int)

//go:noescape
func geluBackwardAVX2(dst, dy, x *float32, n int)

//go:noescape
func geluBackwardAVX512(dst, dy, x *float32, n int)

//go:noescape
func geluTanhAVX2(dst, x *float32, n int)

//go:noescape
func geluTanhAVX512(dst, x *float32, n int)

//go:noescape
func geluTanhBackwardAVX2(dst, dy, x *float32, n int)

//go:noescape
func geluTanhBackwardAVX512(dst, dy, x *float32, n int)

//go:noescape
func logisticSlopeAVX2(dst, dy, x *float32, n int, k, c float32)

//go:noescape
func logisticSlopeAVX512(dst, dy, x *float32, n int, k, c float32)

//go:noescape
func siluMulAVX2(dst, gate, up *float32, n int)

//go:noescape
func siluMulAVX512(dst, gate, up *float32, n int)

//go:noescape
func siluMulBackwardAVX2(dGate, dUp, dy, gate, up *float32, n int)

//go:noescape
func siluMulBackwardAVX512(dGate, dUp, dy, gate, up *float32, n int)

//go:noescape
func expScaledAVX2(dst, x *float32, n int, shift, scale float32)

//go:noescape
func expScaledAVX512(dst, x *float32, n int, shift, scale float32)

func geluVector(dst, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		geluAVX512(&dst[0], &x[0], len(dst))
	default:
		geluAVX2(&dst[0], &x[0], len(dst))
	}
}

func geluBackwardVector(dst, dy, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		geluBackwardAVX512(&dst[0], &dy[0], &x[0], len(dst))
	default:
		geluBackwardAVX2(&dst[0], &dy[0], &x[0], len(dst))
	}
}

func geluTanhVector(dst, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		geluTanhAVX512(&dst[0], &x[0], len(dst))
	default:
		geluTanhAVX2(&dst[0], &x[0], len(dst))
	}
}

func geluTanhBackwardVector(dst, dy, x []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		geluTanhBackwardAVX512(&dst[0], &dy[0], &x[0], len(dst))
	default:
		geluTanhBackwardAVX2(&dst[0], &dy[0], &x[0], len(dst))
	}
}

func logisticSlopeVector(dst, dy, x []float32, k, c float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		logisticSlopeAVX512(&dst[0], &dy[0], &x[0], len(dst), k, c)
	default:
		logisticSlopeAVX2(&dst[0], &dy[0], &x[0], len(dst), k, c)
	}
}

func siluMulVector(dst, gate, up []float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		siluMulAVX512(&dst[0], &gate[0], &up[0], len(dst))
	default:
		siluMulAVX2(&dst[0], &gate[0], &up[0], len(dst))
	}
}

func siluMulBackwardVector(dGate, dUp, dy, gate, up []float32) {
	switch {
	case len(dGate) == 0:
	case level == AVX512:
		siluMulBackwardAVX512(&dGate[0], &dUp[0], &dy[0], &gate[0], &up[0], len(dGate))
	default:
		siluMulBackwardAVX2(&dGate[0], &dUp[0], &dy[0], &gate[0], &up[0], len(dGate))
	}
}

func expScaledVector(dst, x []float32, shift, scale float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		expScaledAVX512(&dst[0], &x[0], len(dst), shift, scale)
	default:
		expScaledAVX2(&dst[0], &x[0], len(dst), shift, scale)
	}
}

// millsTable holds, for AVX-512, the scaled Mills ratio R of activation_generic.go in
// 32 intervals: the eighths of [1,2), [2,4), [4,8) and [8,16) for z+1, in the order of
// the two lowest bits of its exponent and the three highest of its fraction. Behind
// the centres c come the coefficients of R(z) = Σ aₖ·(z-c)^k, k ≤ 4, which goes through
// R at five Chebyshev points: within 2e-8 where z < 3, and 6e-8 everywhere.
var millsTable = func() (table [6][32]float32) {
	for i := range 32 {
		step := math.Ldexp(1, (i/8+1)%4) / 8
		centre := step*(8.5+float64(i%8)) - 1
		table[0][i] = float32(centre)
		var at, y [5]float64
		for k := range at {
			at[k] = step / 2 * math.Cos(float64(2*k+1)*math.Pi/10)
			z := centre + at[k]
			y[k] = math.Exp(z*z/2) * math.Erfc(z/math.Sqrt2) / 2
		}
		for k := 1; k < len(y); k++ { // divided differences
			for j := len(y) - 1; j >= k; j-- {
				y[j] = (y[j] - y[j-1]) / (at[j] - at[j-k])
			}
		}
		for k := len(y) - 2; k >= 0; k-- { // Newton's form, multiplied out
			for j := k; j < len(y)-1; j++ {
				y[j] -= at[k] * y[j+1]
			}
		}
		for k, a := range y {
			table[1+k][i] = float32(a)
		}
	}
	return table
}()

// tailMask holds eight set words and eight clear ones: the vector that starts k
// words before the middle masks the first k lanes.
var tailMask = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}
