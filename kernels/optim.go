package kernels

import (
	"fmt"

	"lamina/tensor"
)

// Updates are what a step of an optimiser is made of; the functions of the same names say what each computes.
type Updates interface {
	SumSquares(sum, x tensor.Tensor)
	ClipCoefficient(coef, sum tensor.Tensor, maxNorm float64)
	AdamW(AdamWArgs)
}

// AdamWArgs describes one step of AdamW with decoupled weight decay, as
// torch.optim.AdamW computes it:
//
//	g = coef·grad;  w -= LR·WeightDecay·w
//	m = β1·m + (1-β1)·g;  v = β2·v + (1-β2)·g²
//	w -= LR/(1-β1^Step) · m / (√v/√(1-β2^Step) + Eps)
//
// W, Grad, M, V are F32 (F64 in ref) of equal length. Coef [1] is the clip
// coefficient on the device, or none for 1. Step counts from 1. With ZeroGrad the
// same pass sets Grad to 0, for the next step to add to.
type AdamWArgs struct {
	W, Grad, M, V tensor.Tensor
	Coef          tensor.Tensor
	LR            float64
	Beta1, Beta2  float64
	Eps           float64
	WeightDecay   float64
	Step          int
	ZeroGrad      bool
}

// SumSquares adds Σ x² to sum, F64 [1]. Squares and sums are float64, in chunks
// of constant length whose sums are added in order.
func SumSquares(be Backend, sum, x tensor.Tensor) {
	const op = "SumSquares"
	wantVector(op, "sum", sum, tensor.F64, 1)
	wantReal(op, "x", x)
	wantApart(op, "sum", sum, "x", x)
	be.SumSquares(sum, x)
}

// ClipCoefficient computes what gradients are multiplied with to have at most
// the norm maxNorm, as torch.nn.utils.clip_grad_norm_ does:
//
//	coef = min(1, maxNorm/(√sum + 1e-6))
//
// in float64, rounded to coef's type. sum is F64 [1], the sum of squares; coef
// is F32 or F64 [1]. An infinite norm gives 0 and a NaN gives NaN, as in torch:
// whoever must not step then looks at sum.
func ClipCoefficient(be Backend, coef, sum tensor.Tensor, maxNorm float64) {
	const op = "ClipCoefficient"
	wantReal(op, "coef", coef)
	wantVector(op, "coef", coef, coef.DType(), 1)
	wantVector(op, "sum", sum, tensor.F64, 1)
	if !(maxNorm > 0) {
		fail(op, fmt.Sprintf("maxNorm = %v is not positive", maxNorm))
	}
	wantApart(op, "coef", coef, "sum", sum)
	be.ClipCoefficient(coef, sum, maxNorm)
}

// AdamW makes one step of AdamW (Loshchilov and Hutter, "Decoupled Weight Decay
// Regularization", 2019); see [AdamWArgs].
func AdamW(be Backend, a AdamWArgs) {
	const op = "AdamW"
	wantReal(op, "W", a.W)
	d, n := a.W.DType(), a.W.Len()
	operands := [...]tensor.Tensor{a.W, a.M, a.V, a.Grad}
	names := [...]string{"W", "M", "V", "Grad"}
	for i, t := range operands {
		wantVector(op, names[i], t, d, n)
		for j := i + 1; j < len(operands); j++ {
			wantApart(op, names[i], t, names[j], operands[j])
		}
	}
	if !a.Coef.IsNone() {
		wantVector(op, "Coef", a.Coef, d, 1)
	}
	if a.Step < 1 {
		fail(op, "Step counts from 1", "Step", a.Step)
	}
	if !(a.Beta1 >= 0 && a.Beta1 < 1 && a.Beta2 >= 0 && a.Beta2 < 1) {
		fail(op, "a beta is not in [0, 1)", "Beta1", a.Beta1, "Beta2", a.Beta2)
	}
	be.AdamW(a)
}
