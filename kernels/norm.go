package kernels

import "lamina/tensor"

// Norms are the normalisations; the functions of the same names say what each computes.
type Norms interface {
	LayerNorm(NormArgs)
	LayerNormBackward(NormGrads)
	RMSNorm(NormArgs)
	RMSNormBackward(NormGrads)
}

// NormArgs describes a normalisation over the last axis of x [N D].
//
//	LayerNorm: y = (x - mean)·rstd·Gain + Bias, rstd = 1/√(var + Eps), biased var
//	RMSNorm:   y = x·rstd·Gain,                 rstd = 1/√(mean(x²) + Eps)
//
// Gain and Bias [D] may have any float storage type; Bias may be none; both may
// be none for LayerNorm. Mean (LayerNorm only) and Rstd [N] are written for the
// backward pass; none in inference.
type NormArgs struct {
	Y, X       tensor.Tensor
	Gain, Bias tensor.Tensor
	Mean, Rstd tensor.Tensor
	Eps        float64
}

// NormGrads describes the gradients of a normalisation. DX may be none and may
// alias DY; with Accumulate the gradient is added to it, as a residual connection
// around the norm wants. DGain and DBias (F32/F64 [D], or none) are added to.
type NormGrads struct {
	DX, DGain, DBias tensor.Tensor
	Accumulate       bool
	DY, X, Gain      tensor.Tensor
	Mean, Rstd       tensor.Tensor
}

// LayerNorm normalises rows of X [N D] (Ba, Kiros and Hinton, "Layer
// Normalization", 2016); see [NormArgs].
func LayerNorm(be Backend, a NormArgs) {
	const op = "LayerNorm"
	wantNorm(op, a)
	if a.Gain.IsNone() && !a.Bias.IsNone() {
		fail(op, "Bias without Gain", "Bias", a.Bias)
	}
	if a.Mean.IsNone() != a.Rstd.IsNone() {
		fail(op, "Mean and Rstd go together", "Mean", a.Mean, "Rstd", a.Rstd)
	}
	be.LayerNorm(a)
}

// RMSNorm scales rows of X [N D] to unit root mean square (Zhang and Sennrich,
// 2019); see [NormArgs].
func RMSNorm(be Backend, a NormArgs) {
	const op = "RMSNorm"
	wantNorm(op, a)
	if a.Gain.IsNone() {
		fail(op, "needs Gain", "X", a.X)
	}
	if !a.Bias.IsNone() || !a.Mean.IsNone() {
		fail(op, "takes neither Bias nor Mean", "Bias", a.Bias, "Mean", a.Mean)
	}
	be.RMSNorm(a)
}

func wantNorm(op string, a NormArgs) {
	wantReal(op, "Y", a.Y)
	wantLike(op, "X", a.X, "Y", a.Y)
	wantGain(op, "Gain", a.Gain, a.X.Cols())
	wantGain(op, "Bias", a.Bias, a.X.Cols())
	wantApart(op, "Y", a.Y, "X", a.X)
	for i, t := range [...]tensor.Tensor{a.Mean, a.Rstd} {
		if t.IsNone() {
			continue
		}
		name := [...]string{"Mean", "Rstd"}[i]
		wantVector(op, name, t, a.X.DType(), a.X.Rows())
		wantApart(op, name, t, "X", a.X)
		wantApart(op, name, t, "Y", a.Y)
	}
	wantApart(op, "Mean", a.Mean, "Rstd", a.Rstd)
	if !(a.Eps >= 0) {
		fail(op, "Eps is negative", "Eps", a.Eps)
	}
}

func wantGain(op, name string, t tensor.Tensor, d int) {
	if t.IsNone() {
		return
	}
	wantWeight(op, name, t)
	if t.Len() != d {
		fail(op, "length is not that of a row", name, t, "D", d)
	}
}

// LayerNormBackward computes, with x̂ = (x - mean)·rstd and g = dY·Gain,
//
//	dX = rstd·(g - mean_row(g) - x̂·mean_row(g·x̂))
//	dGain += Σ_rows dY·x̂;  dBias += Σ_rows dY
//
// see [NormGrads]. Sums over rows go in an order fixed by the number of rows.
func LayerNormBackward(be Backend, a NormGrads) {
	const op = "LayerNormBackward"
	wantNormGrads(op, a)
	wantVector(op, "Mean", a.Mean, a.X.DType(), a.X.Rows())
	be.LayerNormBackward(a)
}

// RMSNormBackward computes, with x̂ = x·rstd and g = dY·Gain,
//
//	dX = rstd·(g - x̂·mean_row(g·x̂));  dGain += Σ_rows dY·x̂
//
// see [NormGrads]. Gain is needed; Mean and DBias are none.
func RMSNormBackward(be Backend, a NormGrads) {
	const op = "RMSNormBackward"
	wantNormGrads(op, a)
	if a.Gain.IsNone() {
		fail(op, "needs Gain", "X", a.X)
	}
	if !a.DBias.IsNone() || !a.Mean.IsNone() {
		fail(op, "takes neither DBias nor Mean", "DBias", a.DBias, "Mean", a.Mean)
	}
	be.RMSNormBackward(a)
}

func wantNormGrads(op string, a NormGrads) {
	wantReal(op, "X", a.X)
	wantLike(op, "DY", a.DY, "X", a.X)
	wantGain(op, "Gain", a.Gain, a.X.Cols())
	wantVector(op, "Rstd", a.Rstd, a.X.DType(), a.X.Rows())
	if a.Accumulate {
		wantApart(op, "DX", a.DX, "DY", a.DY)
	}
	if !a.DX.IsNone() {
		wantLike(op, "DX", a.DX, "X", a.X)
		wantWhole(op, "DX", a.DX, "DY", a.DY)
		wantApart(op, "DX", a.DX, "X", a.X)
		wantApart(op, "DX", a.DX, "Rstd", a.Rstd)
		wantApart(op, "DX", a.DX, "Mean", a.Mean)
		wantApart(op, "DX", a.DX, "Gain", a.Gain)
	}
	for i, t := range [...]tensor.Tensor{a.DGain, a.DBias} {
		if t.IsNone() {
			continue
		}
		name := [...]string{"DGain", "DBias"}[i]
		wantVector(op, name, t, a.X.DType(), a.X.Cols())
		wantApart(op, name, t, "DX", a.DX)
		wantApart(op, name, t, "DY", a.DY)
		wantApart(op, name, t, "X", a.X)
		wantApart(op, name, t, "Gain", a.Gain)
	}
	wantApart(op, "DGain", a.DGain, "DBias", a.DBias)
}
