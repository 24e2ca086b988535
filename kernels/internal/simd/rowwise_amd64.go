//go:build amd64 && !noasm

package simd

//go:noescape
func softmaxBackwardAVX2(dst, dy, y *float32, n int, shift float32)

//go:noescape
func normSumsAVX2(dy, x, gain *float32, n int, mean, rstd float32) (sumG, sumGX float32)

//go:noescape
func normSumsAVX512(dy, x, gain *float32, n int, mean, rstd float32) (sumG, sumGX float32)

//go:noescape
func normBackwardAVX2(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normBackwardAVX512(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normBackwardAddAVX2(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normBackwardAddAVX512(dst, dy, x, gain *float32, n int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normAccumulateAVX2(dGain, dBias, dy, x *float32, n int, mean, rstd float32)

//go:noescape
func normAccumulateAVX512(dGain, dBias, dy, x *float32, n int, mean, rstd float32)

//go:noescape
func rotateAVX2(y, z, a, b, cos, sin *float32, n int, sign float32)

func softmaxBackwardVector(dst, dy, y []float32, shift float32) {
	if len(dst) > 0 {
		softmaxBackwardAVX2(&dst[0], &dy[0], &y[0], len(dst), shift)
	}
}

func normSumsVector(dy, x, gain []float32, mean, rstd float32) (sumG, sumGX float32) {
	switch {
	case len(dy) == 0:
		return 0, 0
	case level == AVX512:
		return normSumsAVX512(&dy[0], &x[0], &gain[0], len(dy), mean, rstd)
	default:
		return normSumsAVX2(&dy[0], &x[0], &gain[0], len(dy), mean, rstd)
	}
}

func normBackwardVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		normBackwardAVX512(&dst[0], &dy[0], &x[0], &gain[0], len(dst), mean, rstd, meanG, meanGX)
	default:
		normBackwardAVX2(&dst[0], &dy[0], &x[0], &gain[0], len(dst), mean, rstd, meanG, meanGX)
	}
}

func normBackwardAddVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	switch {
	case len(dst) == 0:
	case level == AVX512:
		normBackwardAddAVX512(&dst[0], &dy[0], &x[0], &gain[0], len(dst), mean, rstd, meanG, meanGX)
	default:
		normBackwardAddAVX2(&dst[0], &dy[0], &x[0], &gain[0], len(dst), mean, rstd, meanG, meanGX)
	}
}

func normAccumulateVector(dGain, dBias, dy, x []float32, mean, rstd float32) {
	switch {
	case len(dGain) == 0:
	case level == AVX512:
		normAccumulateAVX512(&dGain[0], &dBias[0], &dy[0], &x[0], len(dGain), mean, rstd)
	default:
		normAccumulateAVX2(&dGain[0], &dBias[0], &dy[0], &x[0], len(dGain), mean, rstd)
	}
}

func rotateVector(y, z, a, b, cos, sin []float32, sign float32) {
	if len(y) > 0 {
		rotateAVX2(&y[0], &z[0], &a[0], &b[0], &cos[0], &sin[0], len(y), sign)
	}
}
