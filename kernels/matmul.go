package kernels

import "lamina/tensor"

// Products are the matrix products; the functions of the same names say what each computes.
type Products interface {
	MatMul(MatMulArgs)
	MatMuls([]MatMulArgs)
}

// MatMulArgs describes C = Func(op(A)·op(B) + Bias) + Residual, or
// C += op(A)·op(B).
//
//	op(A) [M P], stored [M P], or [P M] with TransA
//	op(B) [P N], stored [P N], or [N P] with TransB (a Linear's weight, [out in])
//	C     [M N]
//
// A and C are F32 or F64. B may have any float storage type, block types
// included (its rows as stored are whole blocks); it is brought to C's type on
// the way.
// Products of one element are summed in order of the inner index within
// constant-length blocks, whose sums are added in order, so a row of C depends
// on its row of op(A) only.
type MatMulArgs struct {
	C, A, B        tensor.Tensor
	TransA, TransB bool
	Accumulate     bool          // C += …, without Bias, Func and Residual
	Bias           tensor.Tensor // [N] or none, type of C
	Func           Func          // of the finished sum, bias included
	Residual       tensor.Tensor // [M N] or none, type of C; may be C; the sum may begin with it
}

// MatMul computes C = Func(op(A)·op(B) + Bias) + Residual or C += op(A)·op(B);
// see [MatMulArgs]. Operands of more than two axes are matrices [Rows Cols]. An
// inner size of 0 makes the product zeros.
func MatMul(be Backend, a MatMulArgs) {
	wantProduct("MatMul", &a)
	be.MatMul(a)
}

// MatMuls is [MatMul] for each of several products of one op(A): the queries,
// keys and values of an attention layer, the gate and up projections of a
// feed-forward layer. A backend may then read A once and share all the work out
// at once; the bits are those of the products one by one. A and TransA are the
// same in all of them, and no output overlaps an operand of another.
func MatMuls(be Backend, products []MatMulArgs) {
	const op = "MatMuls"
	for i := range products {
		wantProduct(op, &products[i])
	}
	wantGroup(op, products)
	be.MatMuls(products)
}

// wantGroup panics unless the products, each checked, are of one op(A) and their
// outputs apart.
func wantGroup(op string, products []MatMulArgs) {
	for i := range products {
		p, first := &products[i], &products[0]
		if !p.A.SameMemory(first.A) || !p.A.SameShape(first.A) || p.TransA != first.TransA {
			fail(op, "left operands differ", "A", first.A, "TransA", first.TransA, "A", p.A, "TransA", p.TransA)
		}
		for j := range products {
			if i != j {
				wantApart(op, "C", p.C, "C", products[j].C)
				wantApart(op, "C", p.C, "B", products[j].B)
				wantApart(op, "C", p.C, "Bias", products[j].Bias)
				wantApart(op, "C", p.C, "Residual", products[j].Residual)
			}
		}
	}
}

// wantProduct panics unless a describes a product.
func wantProduct(op string, a *MatMulArgs) {
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
	wantApart(op, "C", a.C, "A", a.A)
	wantApart(op, "C", a.C, "B", a.B)
	wantEpilogue(op, a, m, n)
}

// wantEpilogue panics unless what a does with the finished sums fits C [m n].
func wantEpilogue(op string, a *MatMulArgs, m, n int) {
	wantFunc(op, a.Func)
	if a.Accumulate {
		if !a.Bias.IsNone() {
			fail(op, "Accumulate takes no Bias", "Bias", a.Bias)
		}
		if a.Func != Identity {
			fail(op, "Accumulate takes no Func", "Func", a.Func)
		}
		if !a.Residual.IsNone() {
			fail(op, "Accumulate takes no Residual", "Residual", a.Residual)
		}
	}
	if !a.Bias.IsNone() {
		wantVector(op, "Bias", a.Bias, a.C.DType(), n)
		wantApart(op, "C", a.C, "Bias", a.Bias)
	}
	if !a.Residual.IsNone() {
		wantMatrix(op, "Residual", a.Residual, a.C.DType(), m, n)
		wantWhole(op, "C", a.C, "Residual", a.Residual)
	}
}
