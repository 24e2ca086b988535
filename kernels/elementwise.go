package kernels

import (
	"fmt"

	"lamina/tensor"
)

// Elementwise is what is computed element by element, and the sums along axes; the functions of the same names say what each computes.
type Elementwise interface {
	Unary(f Func, y, x tensor.Tensor)
	UnaryBackward(f Func, dX, dY, x tensor.Tensor)
	Gated(f Func, y, gate, up tensor.Tensor)
	GatedBackward(f Func, dGate, dUp, dY, gate, up tensor.Tensor)
	Binary(op BinaryOp, y, a, b tensor.Tensor)
	AddScaled(y, x tensor.Tensor, s float64)
	Reduce(op ReduceOp, y, x tensor.Tensor)
	Fill(y tensor.Tensor, v float64)
	Convert(y, x tensor.Tensor)
}

// Func is a function of one number, for [Unary] and [Gated].
type Func uint8

// The unary functions. GELU is x·Φ(x) with the error function, GELUTanh its
// tanh approximation (transformers' "gelu_new"), SiLU x·σ(x).
const (
	Identity Func = iota
	ReLU
	GELU
	GELUTanh
	SiLU
	Tanh
	Sigmoid
	Exp
	Log
	Sqrt
	Square
	Neg
	NumFuncs
)

var funcNames = [NumFuncs]string{"identity", "relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid", "exp", "log", "sqrt", "square", "neg"}

// String returns the lower-case name.
func (f Func) String() string { return funcNames[f] }

// BinaryOp combines two arrays element by element with broadcasting.
type BinaryOp uint8

// The binary operations.
const (
	Add BinaryOp = iota
	Sub
	Mul
	Div
	NumBinaryOps
)

// String returns the lower-case name.
func (op BinaryOp) String() string { return [NumBinaryOps]string{"add", "sub", "mul", "div"}[op] }

// ReduceOp folds axes.
type ReduceOp uint8

// The reductions.
const (
	Sum ReduceOp = iota
	Max
	NumReduceOps
)

// String returns the lower-case name.
func (op ReduceOp) String() string { return [NumReduceOps]string{"sum", "max"}[op] }

// Unary computes y = f(x) element by element. y may alias x.
func Unary(be Backend, f Func, y, x tensor.Tensor) {
	const op = "Unary"
	wantFunc(op, f)
	wantReal(op, "y", y)
	wantLike(op, "x", x, "y", y)
	wantWhole(op, "y", y, "x", x)
	be.Unary(f, y, x)
}

// UnaryBackward computes dX = dY·f'(x), with ReLU'(0) = 0. dX may alias dY.
func UnaryBackward(be Backend, f Func, dX, dY, x tensor.Tensor) {
	const op = "UnaryBackward"
	wantFunc(op, f)
	wantReal(op, "dX", dX)
	wantLike(op, "dY", dY, "dX", dX)
	wantLike(op, "x", x, "dX", dX)
	wantWhole(op, "dX", dX, "dY", dY)
	wantApart(op, "dX", dX, "x", x)
	be.UnaryBackward(f, dX, dY, x)
}

// Gated computes y = f(gate)·up element by element; with f = [SiLU] it is the
// SwiGLU of LLaMA's feed-forward layer (Shazeer, "GLU Variants Improve
// Transformer", 2020).
func Gated(be Backend, f Func, y, gate, up tensor.Tensor) {
	const op = "Gated"
	wantFunc(op, f)
	wantReal(op, "y", y)
	wantLike(op, "gate", gate, "y", y)
	wantLike(op, "up", up, "y", y)
	wantApart(op, "y", y, "gate", gate)
	wantApart(op, "y", y, "up", up)
	be.Gated(f, y, gate, up)
}

// GatedBackward computes the gradients of [Gated]:
//
//	dGate = dY·up·f'(gate);  dUp = dY·f(gate)
func GatedBackward(be Backend, f Func, dGate, dUp, dY, gate, up tensor.Tensor) {
	const op = "GatedBackward"
	wantFunc(op, f)
	wantReal(op, "dGate", dGate)
	wantLike(op, "dUp", dUp, "dGate", dGate)
	wantLike(op, "dY", dY, "dGate", dGate)
	wantLike(op, "gate", gate, "dGate", dGate)
	wantLike(op, "up", up, "dGate", dGate)
	wantApart(op, "dGate", dGate, "dUp", dUp)
	for i, x := range [...]tensor.Tensor{dY, gate, up} {
		name := [...]string{"dY", "gate", "up"}[i]
		wantApart(op, "dGate", dGate, name, x)
		wantApart(op, "dUp", dUp, name, x)
	}
	be.GatedBackward(f, dGate, dUp, dY, gate, up)
}

// Binary computes y = a op b element by element with NumPy's broadcasting: axes
// are matched from the last, and an operand with 1 on an axis, or without it,
// repeats. y has the broadcast shape and may alias an operand of its own shape.
func Binary(be Backend, op BinaryOp, y, a, b tensor.Tensor) {
	const name = "Binary"
	if op >= NumBinaryOps {
		fail(name, fmt.Sprintf("no operation %d", uint8(op)))
	}
	wantReal(name, "y", y)
	wantType(name, "a", a, y.DType())
	wantType(name, "b", b, y.DType())
	if y.Rank() != max(a.Rank(), b.Rank()) {
		fail(name, "y has not the broadcast shape", "y", y, "a", a, "b", b)
	}
	for i := range y.Rank() {
		m, n := fromEnd(a, i), fromEnd(b, i)
		if m != n && m != 1 && n != 1 {
			fail(name, "shapes do not broadcast", "a", a, "b", b)
		}
		size := m
		if m == 1 {
			size = n
		}
		if fromEnd(y, i) != size {
			fail(name, "y has not the broadcast shape", "y", y, "a", a, "b", b)
		}
	}
	for i, x := range [...]tensor.Tensor{a, b} {
		if x.Len() == y.Len() {
			wantWhole(name, "y", y, [...]string{"a", "b"}[i], x)
		} else {
			wantApart(name, "y", y, [...]string{"a", "b"}[i], x)
		}
	}
	be.Binary(op, y, a, b)
}

// fromEnd returns the size of t's i-th axis counted from the last, 1 beyond.
func fromEnd(t tensor.Tensor, i int) int {
	if i >= t.Rank() {
		return 1
	}
	return t.Dim(t.Rank() - 1 - i)
}

// AddScaled computes y += s·x. y and x have one shape and may be the same.
func AddScaled(be Backend, y, x tensor.Tensor, s float64) {
	const op = "AddScaled"
	wantReal(op, "y", y)
	wantLike(op, "x", x, "y", y)
	wantWhole(op, "y", y, "x", x)
	be.AddScaled(y, x, s)
}

// Reduce folds axes of x by [Sum] or [Max]. y has x's rank and 1 on the folded
// axes, or it has one element (rank 0 or [1]) and all axes are folded. The sum
// of nothing is 0, the maximum of nothing -Inf; a maximum with a NaN among its
// elements is NaN. Each sum goes along the folded axes in an order fixed by the
// shape.
func Reduce(be Backend, op ReduceOp, y, x tensor.Tensor) {
	const name = "Reduce"
	if op >= NumReduceOps {
		fail(name, fmt.Sprintf("no operation %d", uint8(op)))
	}
	wantReal(name, "y", y)
	wantType(name, "x", x, y.DType())
	if !(y.Len() == 1 && y.Rank() <= 1) {
		if y.Rank() != x.Rank() {
			fail(name, "ranks differ", "y", y, "x", x)
		}
		for i := range y.Rank() {
			if y.Dim(i) != x.Dim(i) && y.Dim(i) != 1 {
				fail(name, "an axis of y is neither x's nor 1", "y", y, "x", x)
			}
		}
	}
	wantApart(name, "y", y, "x", x)
	be.Reduce(op, y, x)
}

// Fill sets every element of y (F32 or F64) to v.
func Fill(be Backend, y tensor.Tensor, v float64) {
	wantReal("Fill", "y", y)
	wantUnfixed("Fill", "y", y)
	be.Fill(y, v)
}

// Convert writes x to y in y's storage type: any float type to F32 or F64, and
// F32 to F16 or BF16. Narrowing rounds to nearest even. Shapes are equal.
func Convert(be Backend, y, x tensor.Tensor) {
	const op = "Convert"
	wantWeight(op, "x", x)
	switch y.DType() {
	case tensor.F32, tensor.F64:
	case tensor.F16, tensor.BF16:
		wantType(op, "x", x, tensor.F32)
	default:
		fail(op, "cannot write this type", "y", y)
	}
	if !y.SameShape(x) {
		fail(op, "shapes differ", "y", y, "x", x)
	}
	wantApart(op, "y", y, "x", x)
	be.Convert(y, x)
}

func wantFunc(op string, f Func) {
	if f >= NumFuncs {
		fail(op, fmt.Sprintf("no function %d", uint8(f)))
	}
}
