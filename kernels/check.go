package kernels

import (
	"fmt"
	"strings"

	"lamina/tensor"
)

// fail panics `kernels: op: what: name tensor, name tensor`. Operands alternate
// names and tensors (or numbers); they are looked at on the way down only, so a
// call that passes its checks allocates nothing.
func fail(op, what string, operands ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "kernels: %s: %s", op, what)
	for i := 0; i+1 < len(operands); i += 2 {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%v %v", sep, operands[i], operands[i+1])
	}
	panic(b.String())
}

// wantReal panics unless t is F32 or F64.
func wantReal(op, name string, t tensor.Tensor) {
	if d := t.DType(); d != tensor.F32 && d != tensor.F64 {
		fail(op, "wants F32 or F64", name, t)
	}
}

// wantType panics unless t has type d.
func wantType(op, name string, t tensor.Tensor, d tensor.DType) {
	if t.DType() != d {
		fail(op, "wants "+d.String(), name, t)
	}
}

// wantLike panics unless t has the type and the axes of like.
func wantLike(op, name string, t tensor.Tensor, likeName string, like tensor.Tensor) {
	if t.DType() != like.DType() {
		fail(op, "types differ", name, t, likeName, like)
	}
	if !t.SameShape(like) {
		fail(op, "shapes differ", name, t, likeName, like)
	}
}

// wantMatrix panics unless t has type d and is [rows cols], all axes but the
// last taken together.
func wantMatrix(op, name string, t tensor.Tensor, d tensor.DType, rows, cols int) {
	if t.DType() != d || t.Rows() != rows || t.Cols() != cols {
		fail(op, fmt.Sprintf("wants %s [%d %d]", d, rows, cols), name, t)
	}
}

// wantVector panics unless t has type d and n elements.
func wantVector(op, name string, t tensor.Tensor, d tensor.DType, n int) {
	if t.DType() != d || t.Len() != n {
		fail(op, fmt.Sprintf("wants %s [%d]", d, n), name, t)
	}
}

// wantWeight panics unless t holds real numbers in rows of whole blocks.
func wantWeight(op, name string, t tensor.Tensor) {
	if !t.DType().IsFloat() {
		fail(op, "holds no real numbers", name, t)
	}
	if n := t.DType().BlockLen(); n > 1 && t.Cols()%n != 0 {
		fail(op, fmt.Sprintf("rows are not whole blocks of %d", n), name, t)
	}
}

// wantApart panics if the output y shares memory with x, or is not to be written.
func wantApart(op, yName string, y tensor.Tensor, xName string, x tensor.Tensor) {
	wantUnfixed(op, yName, y)
	if y.Overlaps(x) {
		fail(op, "output overlaps an operand", yName, y, xName, x)
	}
}

// wantWhole panics if the output y shares memory with x other than as a whole, or is not to
// be written.
func wantWhole(op, yName string, y tensor.Tensor, xName string, x tensor.Tensor) {
	wantUnfixed(op, yName, y)
	if y.Overlaps(x) && !y.SameMemory(x) {
		fail(op, "output overlaps part of an operand", yName, y, xName, x)
	}
}

// wantUnfixed panics if nobody may write y any more. What compares an output with operands
// asks it on the way.
func wantUnfixed(op, yName string, y tensor.Tensor) {
	if y.Fixed() != nil {
		fail(op, "output is fixed", yName, y)
	}
}
