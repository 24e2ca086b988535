package simd

// SoftmaxBackward does dst[i] = y[i]·(dy[i]-shift), with shift = Σ dy·y.
func SoftmaxBackward(dst, dy, y []float32, shift float32) {
	dy, y = dy[:len(dst)], y[:len(dst)]
	if level == Generic {
		softmaxBackwardGeneric(dst, dy, y, shift)
		return
	}
	softmaxBackwardVector(dst, dy, y, shift)
}

// NormSums returns Σ g and Σ g·x̂ with g = dy[i]·gain[i], x̂ = (x[i]-mean)·rstd:
// what the gradient of a normalisation needs of a row.
func NormSums(dy, x, gain []float32, mean, rstd float32) (g, gx float32) {
	x, gain = x[:len(dy)], gain[:len(dy)]
	if level == Generic {
		return normSumsGeneric(dy, x, gain, mean, rstd)
	}
	return normSumsVector(dy, x, gain, mean, rstd)
}

// NormBackward does dst[i] = rstd·(g - meanG - x̂·meanGX), g and x̂ as in [NormSums].
func NormBackward(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	dy, x, gain = dy[:len(dst)], x[:len(dst)], gain[:len(dst)]
	if level == Generic {
		normBackwardGeneric(dst, dy, x, gain, mean, rstd, meanG, meanGX)
		return
	}
	normBackwardVector(dst, dy, x, gain, mean, rstd, meanG, meanGX)
}

// NormBackwardAdd adds to dst what [NormBackward] stores there.
func NormBackwardAdd(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	dy, x, gain = dy[:len(dst)], x[:len(dst)], gain[:len(dst)]
	if level == Generic {
		normBackwardAddGeneric(dst, dy, x, gain, mean, rstd, meanG, meanGX)
		return
	}
	normBackwardAddVector(dst, dy, x, gain, mean, rstd, meanG, meanGX)
}

// NormAccumulate does dGain[i] += dy[i]·x̂ and dBias[i] += dy[i], x̂ as in
// [NormSums]. The outputs are not inputs of the call.
func NormAccumulate(dGain, dBias, dy, x []float32, mean, rstd float32) {
	n := len(dGain)
	dBias, dy, x = dBias[:n], dy[:n], x[:n]
	if level == Generic {
		normAccumulateGeneric(dGain, dBias, dy, x, mean, rstd)
		return
	}
	normAccumulateVector(dGain, dBias, dy, x, mean, rstd)
}

// Rotate turns the pairs (a[i], b[i]) by the angles of cos and sin, backwards if
// sign is -1:
//
//	y[i] = a[i]·cos[i] - b[i]·sign·sin[i];  z[i] = b[i]·cos[i] + a[i]·sign·sin[i]
//
// y may be a and z may be b.
func Rotate(y, z, a, b, cos, sin []float32, sign float32) {
	n := len(y)
	z, a, b, cos, sin = z[:n], a[:n], b[:n], cos[:n], sin[:n]
	if level == Generic {
		rotateGeneric(y, z, a, b, cos, sin, sign)
		return
	}
	rotateVector(y, z, a, b, cos, sin, sign)
}
