package kernels

import "lamina/tensor"

// MatVec computes
//
//	y[r,n] = Σ_p x[r,p]·w[n,p] + bias[n]
//
// the product of decoding, for few rows: x [R P], w [N P] of any storage type, y
// [R N], bias [N] of y's type or none. The order of each sum is fixed and need
// not be that of [MatMul]; it does not depend on R.
func MatVec(be Backend, y, x, w, bias tensor.Tensor) {
	const op = "MatVec"
	wantReal(op, "y", y)
	wantType(op, "x", x, y.DType())
	wantWeight(op, "w", w)
	if x.Cols() != w.Cols() {
		fail(op, "inner sizes differ", "x", x, "w", w)
	}
	if y.Rows() != x.Rows() || y.Cols() != w.Rows() {
		fail(op, "outer sizes differ", "y", y, "x", x, "w", w)
	}
	if !bias.IsNone() {
		wantVector(op, "bias", bias, y.DType(), y.Cols())
		wantApart(op, "y", y, "bias", bias)
	}
	wantApart(op, "y", y, "x", x)
	wantApart(op, "y", y, "w", w)
	be.MatVec(y, x, w, bias)
}
