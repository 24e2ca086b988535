package kernels

// MatMul computes C = op(A)·op(B) + Bias or C += op(A)·op(B); see [MatMulArgs].
// Operands of more than two axes are matrices [Rows Cols]. An inner size of 0
// gives the bias, or zeros.
func MatMul(be Backend, a MatMulArgs) {
	const op = "MatMul"
	wantReal(op, "C", a.C)
	wantType(op, "A", a.A, a.C.DType())
	wantWeight(op, "B", a.B)
	m, p := a.A.Rows(), a.A.Cols()
	if a.TransA {
		m, p = p, m
	}
	q, n := a.B.Rows(), a.B.Cols()
	if a.TransB {
		q, n = n, q
	}
	if p != q {
		fail(op, "inner sizes differ", "A", a.A, "TransA", a.TransA, "B", a.B, "TransB", a.TransB)
	}
	if a.C.Rows() != m || a.C.Cols() != n {
		fail(op, "outer sizes differ", "C", a.C, "A", a.A, "TransA", a.TransA, "B", a.B, "TransB", a.TransB)
	}
	if !a.Bias.IsNone() {
		if a.Accumulate {
			fail(op, "Accumulate takes no Bias", "Bias", a.Bias)
		}
		wantVector(op, "Bias", a.Bias, a.C.DType(), n)
		wantApart(op, "C", a.C, "Bias", a.Bias)
	}
	wantApart(op, "C", a.C, "A", a.A)
	wantApart(op, "C", a.C, "B", a.B)
	be.MatMul(a)
}
