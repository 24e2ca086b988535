//go:build noasm || (!amd64 && !arm64)

package simd

// Without assembly for a machine the vector versions are the Go twins.

func softmaxBackwardVector(dst, dy, y []float32, shift float32) {
	softmaxBackwardGeneric(dst, dy, y, shift)
}

func normSumsVector(dy, x, gain []float32, mean, rstd float32) (g, gx float32) {
	return normSumsGeneric(dy, x, gain, mean, rstd)
}

func normBackwardVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	normBackwardGeneric(dst, dy, x, gain, mean, rstd, meanG, meanGX)
}

func normBackwardAddVector(dst, dy, x, gain []float32, mean, rstd, meanG, meanGX float32) {
	normBackwardAddGeneric(dst, dy, x, gain, mean, rstd, meanG, meanGX)
}

func normAccumulateVector(dGain, dBias, dy, x []float32, mean, rstd float32) {
	normAccumulateGeneric(dGain, dBias, dy, x, mean, rstd)
}

func rotateVector(y, z, a, b, cos, sin []float32, sign float32) {
	rotateGeneric(y, z, a, b, cos, sin, sign)
}
