//go:build amd64 && !noasm

package simd

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

// tailMask holds eight set words and eight clear ones: the vector that starts k
// words before the middle masks the first k lanes.
var tailMask = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}
