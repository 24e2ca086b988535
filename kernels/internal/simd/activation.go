package simd

// GELU does dst[i] = x[i]·Φ(x[i]), Φ the normal distribution, within a few units
// in the last place in both tails.
func GELU(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		geluGeneric(dst, x)
		return
	}
	geluVector(dst, x)
}

// GELUBackward does dst[i] = dy[i]·(Φ(x[i]) + x[i]·φ(x[i])), φ the normal density.
func GELUBackward(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	if level == Generic {
		geluBackwardGeneric(dst, dy, x)
		return
	}
	geluBackwardVector(dst, dy, x)
}

// GELUTanh does dst[i] = x·σ(2u), u = √(2/π)·(x + 0.044715·x³), x = x[i]: the
// same number as x·(1 + tanh u)/2.
func GELUTanh(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		geluTanhGeneric(dst, x)
		return
	}
	geluTanhVector(dst, x)
}

// GELUTanhBackward does dst[i] = dy[i]·s·(1 + x·(1-s)·2u'), s = σ(2u), with u as
// in [GELUTanh].
func GELUTanhBackward(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	if level == Generic {
		geluTanhBackwardGeneric(dst, dy, x)
		return
	}
	geluTanhBackwardVector(dst, dy, x)
}

// SigmoidBackward does dst[i] = dy[i]·σ'(x[i]).
func SigmoidBackward(dst, dy, x []float32) { logisticSlope(dst, dy, x, 1, 1) }

// TanhBackward does dst[i] = dy[i]·tanh'(x[i]).
func TanhBackward(dst, dy, x []float32) { logisticSlope(dst, dy, x, 2, 4) }

// logisticSlope does dst[i] = dy[i]·c·e/(1+e)², e = exp(-k·|x[i]|): σ' for k = c = 1
// and tanh' for k = 2, c = 4, without the cancellation of 1 - tanh².
func logisticSlope(dst, dy, x []float32, k, c float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	if level == Generic {
		logisticSlopeGeneric(dst, dy, x, k, c)
		return
	}
	logisticSlopeVector(dst, dy, x, k, c)
}

// SiLUMul does dst[i] = gate[i]·σ(gate[i])·up[i].
func SiLUMul(dst, gate, up []float32) {
	gate, up = gate[:len(dst)], up[:len(dst)]
	if level == Generic {
		siluMulGeneric(dst, gate, up)
		return
	}
	siluMulVector(dst, gate, up)
}

// SiLUMulBackward does, with s = σ(gate[i]),
//
//	dGate[i] = dy[i]·up[i]·s·(1 + gate[i]·(1-s));  dUp[i] = dy[i]·gate[i]·s
//
// dGate and dUp are not inputs of the call.
func SiLUMulBackward(dGate, dUp, dy, gate, up []float32) {
	n := len(dGate)
	dUp, dy, gate, up = dUp[:n], dy[:n], gate[:n], up[:n]
	if level == Generic {
		siluMulBackwardGeneric(dGate, dUp, dy, gate, up)
		return
	}
	siluMulBackwardVector(dGate, dUp, dy, gate, up)
}

// ExpScaled does dst[i] = scale·e^(x[i]-shift): probabilities, and the gradient of
// a cross-entropy, from the logarithm of a softmax's denominator.
func ExpScaled(dst, x []float32, shift, scale float32) {
	x = x[:len(dst)]
	if level == Generic {
		expScaledGeneric(dst, x, shift, scale)
		return
	}
	expScaledVector(dst, x, shift, scale)
}
