package kernels

// VectorProducts are products of few rows; the functions of the same names say what each computes.
type VectorProducts interface {
	MatVec(MatMulArgs)
	MatVecs([]MatMulArgs)
}

// MatVec computes C = Func(A·op(B) + Bias) + Residual, the product of decoding, for
// few rows:
//
//	C[r,n] = Func(Σ_p A[r,p]·op(B)[p,n] + Bias[n]) + Residual[r,n]
//
// It is [MatMul] without TransA and Accumulate, in an order of sums of its own, which
// does not depend on the number of rows. Where B has a block type and TransB is set,
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
	if a.TransA || a.Accumulate {
		fail(op, "takes no TransA and no Accumulate", "TransA", a.TransA, "Accumulate", a.Accumulate)
	}
	wantProduct(op, a)
}
