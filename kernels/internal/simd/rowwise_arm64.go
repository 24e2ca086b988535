//go:build !noasm

package simd

//go:noescape
func softmaxBackwardNEON(dst, dy, y *float32, runs int, shift float32)

//go:noescape
func normBackwardNEON(dst, dy, x, gain *float32, runs int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normBackwardAddNEON(dst, dy, x, gain *float32, runs int, mean, rstd, meanG, meanGX float32)

//go:noescape
func normAccumulateNEON(dGain, dBias, dy, x *float32, runs int, mean, rstd float32)

//go:noescape
func rotateNEON(y, z, a, b, cos, sin *float32, runs int, sign float32)

//go:noescape
func reluNEON(dst, x *float32, runs int)

//go:noescape
func reluBackwardNEON(dst, dy, x *float32, runs int)

//go:noescape
func affineNEON(dst, x, gain, bias *float32, runs int, mean, rstd float32)

//go:noescape
func adamWNEON(w, grad, m, v *float32, runs int, s *AdamWStep)

// normSumsNEON leaves the sums of four lanes of each.
//
//go:noescape
func normSumsNEON(dy, x, gain *float32, lanes *[8]float32, runs int, mean, rstd float32)

func softmaxBackwardVector(dst, dy, y []float32, shift float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		softmaxBackwardNEON(&dst[0], &dy[0], &y[0], n/neonFour, shift)
	}
	softmaxBackwardGeneric(dst[n:], dy[n:], y[n:], shift)
}

func normBackwardVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		normBackwardNEON(&dst[0], &dy[0], &x[0], &gain[0], n/neonFour, mean, rstd, meanG, meanGX)
	}
	normBackwardGeneric(dst[n:], dy[n:], x[n:], gain[n:], mean, rstd, meanG, meanGX)
}

func normBackwardAddVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		normBackwardAddNEON(&dst[0], &dy[0], &x[0], &gain[0], n/neonFour, mean, rstd, meanG, meanGX)
	}
	normBackwardAddGeneric(dst[n:], dy[n:], x[n:], gain[n:], mean, rstd, meanG, meanGX)
}

func normAccumulateVector(dGain, dBias, dy, x []float32, mean, rstd float32) {
	n := len(dGain) &^ (neonFour - 1)
	if n > 0 {
		normAccumulateNEON(&dGain[0], &dBias[0], &dy[0], &x[0], n/neonFour, mean, rstd)
	}
	normAccumulateGeneric(dGain[n:], dBias[n:], dy[n:], x[n:], mean, rstd)
}

func rotateVector(y, z, a, b, cos, sin []float32, sign float32) {
	n := len(y) &^ (neonFour - 1)
	if n > 0 {
		rotateNEON(&y[0], &z[0], &a[0], &b[0], &cos[0], &sin[0], n/neonFour, sign)
	}
	rotateGeneric(y[n:], z[n:], a[n:], b[n:], cos[n:], sin[n:], sign)
}

func reluVector(dst, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		reluNEON(&dst[0], &x[0], n/neonFour)
	}
	reluGeneric(dst[n:], x[n:])
}

func reluBackwardVector(dst, dy, x []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		reluBackwardNEON(&dst[0], &dy[0], &x[0], n/neonFour)
	}
	reluBackwardGeneric(dst[n:], dy[n:], x[n:])
}

func affineVector(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	n := len(dst) &^ (neonFour - 1)
	if n > 0 {
		affineNEON(&dst[0], &x[0], &gain[0], &bias[0], n/neonFour, mean, rstd)
	}
	affineGeneric(dst[n:], x[n:], mean, rstd, gain[n:], bias[n:])
}

func adamWVector(w, grad, m, v []float32, s *AdamWStep) {
	n := len(w) &^ (neonFour - 1)
	if n > 0 {
		adamWNEON(&w[0], &grad[0], &m[0], &v[0], n/neonFour, s)
	}
	adamWGeneric(w[n:], grad[n:], m[n:], v[n:], s)
}

func normSumsVector(dy, x, gain []float32, mean, rstd float32) (g, gx float32) {
	var s [8]float32
	n := len(x) &^ (neonFour - 1)
	if n > 0 {
		normSumsNEON(&dy[0], &x[0], &gain[0], &s, n/neonFour, mean, rstd)
	}
	for i, v := range x[n:] {
		d := float32(dy[n+i] * gain[n+i])
		s[i] += d
		s[4+i] += float32(d * float32(float32(v-mean)*rstd))
	}
	return (s[0] + s[1]) + (s[2] + s[3]), (s[4] + s[5]) + (s[6] + s[7])
}
