package simd

func softmaxBackwardGeneric(dst, dy, y []float32, shift float32) {
	for i, v := range y {
		dst[i] = v * (dy[i] - shift)
	}
}

func normSumsGeneric(dy, x, gain []float32, mean, rstd float32) (g, gx float32) {
	var a, b [4]float32
	for i, v := range x {
		d := float32(dy[i] * gain[i])
		a[i&3] += d
		b[i&3] += float32(d * float32(float32(v-mean)*rstd))
	}
	return (a[0] + a[1]) + (a[2] + a[3]), (b[0] + b[1]) + (b[2] + b[3])
}

func normBackwardGeneric(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	for i, v := range x {
		unit := float32(float32(v-mean) * rstd)
		dst[i] = rstd * (float32(dy[i]*gain[i]) - meanG - float32(unit*meanGX))
	}
}

func normBackwardAddGeneric(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	for i, v := range x {
		unit := float32(float32(v-mean) * rstd)
		dst[i] += float32(rstd * (float32(dy[i]*gain[i]) - meanG - float32(unit*meanGX)))
	}
}

func normAccumulateGeneric(dGain, dBias, dy, x []float32, mean, rstd float32) {
	for i, v := range x {
		d := dy[i]
		dGain[i] += float32(d * float32(float32(v-mean)*rstd))
		dBias[i] += d
	}
}

func rotateGeneric(y, z, a, b, cos, sin []float32, sign float32) {
	for i := range y {
		u, v, c, s := a[i], b[i], cos[i], sign*sin[i]
		y[i] = float32(u*c) - float32(v*s)
		z[i] = float32(v*c) + float32(u*s)
	}
}
