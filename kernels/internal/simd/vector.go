package simd

// Dot returns Σ x[i]·y[i].
func Dot(x, y []float32) float32 {
	y = y[:len(x)]
	if level == Generic {
		return dotGeneric(x, y)
	}
	return dotVector(x, y)
}

// Axpy does dst[i] += a·x[i].
func Axpy(dst, x []float32, a float32) {
	x = x[:len(dst)]
	if level == Generic {
		axpyGeneric(dst, x, a)
		return
	}
	axpyVector(dst, x, a)
}

// Scale does dst[i] = a·x[i].
func Scale(dst, x []float32, a float32) {
	x = x[:len(dst)]
	if level == Generic {
		scaleGeneric(dst, x, a)
		return
	}
	scaleVector(dst, x, a)
}

// Add does dst[i] = x[i] + y[i].
func Add(dst, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	if level == Generic {
		addGeneric(dst, x, y)
		return
	}
	addVector(dst, x, y)
}

// AddTo does dst[i] += x[i].
func AddTo(dst, x []float32) { Add(dst, dst, x) }

// Sub does dst[i] = x[i] - y[i].
func Sub(dst, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	if level == Generic {
		subGeneric(dst, x, y)
		return
	}
	subVector(dst, x, y)
}

// Mul does dst[i] = x[i]·y[i].
func Mul(dst, x, y []float32) {
	x, y = x[:len(dst)], y[:len(dst)]
	if level == Generic {
		mulGeneric(dst, x, y)
		return
	}
	mulVector(dst, x, y)
}

// Affine does dst[i] = (x[i]-mean)·rstd·gain[i] + bias[i], a normalisation's
// last step. A nil gain stands for ones, a nil bias for zeros.
func Affine(dst, x []float32, mean, rstd float32, gain, bias []float32) {
	x = x[:len(dst)]
	if level == Generic || gain == nil || bias == nil {
		affineGeneric(dst, x, mean, rstd, gain, bias)
		return
	}
	affineVector(dst, x, mean, rstd, gain[:len(dst)], bias[:len(dst)])
}

// Sum returns Σ x[i].
func Sum(x []float32) float32 {
	if level == Generic {
		return sumGeneric(x)
	}
	return sumVector(x)
}

// SumF64 returns Σ x[i], added in float64.
func SumF64(x []float32) float64 {
	if level == Generic {
		return sumF64Generic(x)
	}
	return sumF64Vector(x)
}

// SumSquaresF64 returns Σ (x[i]-mean)², each term and the sum in float64.
func SumSquaresF64(x []float32, mean float64) float64 {
	if level == Generic {
		return sumSquaresF64Generic(x, mean)
	}
	return sumSquaresF64Vector(x, mean)
}

// Max returns the largest x[i]: NaN if there is one, -Inf if x is empty.
func Max(x []float32) float32 {
	if level == Generic {
		return maxGeneric(x)
	}
	return maxVector(x)
}

// ReLU does dst[i] = max(x[i], 0); NaN stays NaN.
func ReLU(dst, x []float32) {
	x = x[:len(dst)]
	if level == Generic {
		reluGeneric(dst, x)
		return
	}
	reluVector(dst, x)
}

// ReLUBackward does dst[i] = 0 where x[i] ≤ 0, else dy[i]: where x[i] is NaN, as torch.
func ReLUBackward(dst, dy, x []float32) {
	dy, x = dy[:len(dst)], x[:len(dst)]
	if level == Generic {
		reluBackwardGeneric(dst, dy, x)
		return
	}
	reluBackwardVector(dst, dy, x)
}
