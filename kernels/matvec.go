package kernels

// MatVec computes C = Func(A·Bᵀ + Bias) + Residual, the product of decoding, for
// few rows:
//
//	C[r,n] = Func(Σ_p A[r,p]·B[n,p] + Bias[n]) + Residual[r,n]
//
// It is [MatMul] with TransB, without TransA and Accumulate, in an order of sums of
// its own, which does not depend on the number of rows. Where B has a block type,
// scales and minima may be multiplied in after the sums over a block, so that
// rounding errors are relative to Σ(|scale·code|+|minimum|)·|A|.
func MatVec(be Backend, a MatMulArgs) {
	wantMatVec("MatVec", &a)
	be.MatVec(a)
}

// MatVecs is [MatVec] for each of several products of one A, as [MatMuls] is
// [MatMul]: all the work is shared out at once, with the bits of the products one
// by one.
func MatVecs(be Backend, products []MatMulArgs) {
	const op = "MatVecs"
	for i := range products {
		wantMatVec(op, &products[i])
	}
	wantGroup(op, products)
	be.MatVecs(products)
}

// wantMatVec panics unless a describes a product of decoding.
func wantMatVec(op string, a *MatMulArgs) {
	if a.TransA || !a.TransB || a.Accumulate {
		fail(op, "wants TransB alone", "TransA", a.TransA, "TransB", a.TransB, "Accumulate", a.Accumulate)
	}
	wantProduct(op, a)
}
