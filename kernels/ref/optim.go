package ref

import (
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// SumSquares implements kernels.SumSquares.
func (*Backend) SumSquares(sum, x tensor.Tensor) {
	total := floats[float64](sum)
	if isF64(x) {
		v := floats[float64](x)
		total[0] += dot(v, v)
	} else {
		v := floats[float32](x)
		total[0] += dot(v, v)
	}
}

// ClipCoefficient implements kernels.ClipCoefficient.
func (*Backend) ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64) {
	c := min(1, maxNorm/(math.Sqrt(floats[float64](sum)[0])+1e-6)) // NaN stays
	if isF64(coef) {
		floats[float64](coef)[0] = c
		return
	}
	floats[float32](coef)[0] = float32(c)
}

// AdamW implements kernels.AdamW.
func (*Backend) AdamW(a kernels.AdamWArgs) {
	if isF64(a.W) {
		adamW[float64](a)
	} else {
		adamW[float32](a)
	}
}

// adamW rounds where torch/optim/adamw.py, _single_tensor_adamw, does: scalars
// are computed in float64 and enter as T; lerp_, addcmul_ and addcdiv_ round
// after each product, quotient and sum.
func adamW[T real](a kernels.AdamWArgs) {
	w, grad, m, v := floats[T](a.W), floats[T](a.Grad), floats[T](a.M), floats[T](a.V)
	coef := T(1)
	if !a.Coef.IsNone() {
		coef = floats[T](a.Coef)[0]
	}
	decay := T(1 - a.LR*a.WeightDecay)
	lerp, beta2, rest2 := T(1-a.Beta1), T(a.Beta2), T(1-a.Beta2)
	step := float64(a.Step)
	size := T(-a.LR / (1 - math.Pow(a.Beta1, step)))
	root := T(math.Sqrt(1 - math.Pow(a.Beta2, step)))
	eps := T(a.Eps)
	for i, g := range grad {
		g = T(coef * g)
		w[i] = T(w[i] * decay)
		m[i] += T(lerp * T(g-m[i]))
		v[i] = T(v[i]*beta2) + T(T(rest2*g)*g)
		denominator := T(T(math.Sqrt(float64(v[i])))/root) + eps
		w[i] += T(T(size*m[i]) / denominator)
	}
	if a.ZeroGrad {
		clear(grad)
	}
}
