package simd

// Exp does dst[i] = e^x[i], within 2 units in the last place; -Inf gives 0,
// NaN stays NaN.
func Exp(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		expSumGeneric(dst, x, 0)
		return
	}
	expSumVector(dst, x, 0)
}

// ExpSum does dst[i] = e^(x[i]-shift) and returns Σ dst[i]: a softmax's inner
// loop, with the row's maximum as shift.
func ExpSum(dst, x []float32, shift float32) float32 {
	x = x[:len(dst)]
	if level == Generic {
		return expSumGeneric(dst, x, shift)
	}
	return expSumVector(dst, x, shift)
}

// SumExp returns Σ e^(x[i]-shift), the number that [ExpSum] returns.
func SumExp(x []float32, shift float32) float32 {
	if level == Generic {
		return sumExpGeneric(x, shift)
	}
	return sumExpVector(x, shift)
}

// Sigmoid does dst[i] = σ(x[i]) = 1/(1 + e^-x[i]).
func Sigmoid(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		sigmoidGeneric(dst, x)
		return
	}
	sigmoidVector(dst, x)
}

// SiLU does dst[i] = x[i]·σ(x[i]).
func SiLU(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		siluGeneric(dst, x)
		return
	}
	siluVector(dst, x)
}

// SiLUBackward does dst[i] = dy[i]·s·(1 + x[i]·(1-s)), s = σ(x[i]).
func SiLUBackward(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	if level == Generic {
		siluBackwardGeneric(dst, dy, x)
		return
	}
	siluBackwardVector(dst, dy, x)
}

// Tanh does dst[i] = tanh(x[i]), within 4 units in the last place.
func Tanh(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		tanhGeneric(dst, x)
		return
	}
	tanhVector(dst, x)
}
