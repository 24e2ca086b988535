package kernels

import (
	"fmt"
	"math"

	"lamina/tensor"
)

// Movement is what moves elements, or drops them; the functions of the same names say what each computes.
type Movement interface {
	Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int)
	CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool)
	Gather(y, table, ids tensor.Tensor)
	ScatterAdd(dTable, ids, dY tensor.Tensor)
	Dropout(DropoutArgs)
}

// DropoutArgs describes y = x·mask/(1-P), mask element = 0 with probability P.
// Element (row r, column c) is dropped if word c%4 of
//
//	philox.New(Seed, Stream).At(DropoutCounter(Rows[r,0], Rows[r,1], c/4))
//
// is below P·2³² ([DropoutArgs.Threshold]), so it depends on sample and position,
// not on where in a batch the row stands. A dropped element is 0 whatever x
// holds; the others are x times 1/(1-P), that factor rounded to x's type. The
// backward pass is the same call on dY. Y may alias X.
type DropoutArgs struct {
	Y, X   tensor.Tensor // [N D]
	Rows   tensor.Tensor // I32 [N 2]: sample id, position
	P      float64       // 0 ≤ P < 1
	Seed   uint64
	Stream uint64 // step, place and op, packed by the caller
}

// Transpose moves axes: axis i of y is axis perm[i] of x, so that
// y[i0,i1,…] = x at the place where axis perm[j] has index ij.
func Transpose(be Backend, y, x tensor.Tensor, perm ...int) {
	const op = "Transpose"
	wantReal(op, "y", y)
	wantType(op, "x", x, y.DType())
	if len(perm) != x.Rank() || y.Rank() != x.Rank() {
		fail(op, "ranks differ", "y", y, "x", x, "perm", fmt.Sprint(perm))
	}
	full := [tensor.MaxRank]int{0, 1, 2, 3}
	seen := [tensor.MaxRank]bool{}
	for i, p := range perm {
		if p < 0 || p >= len(perm) || seen[p] {
			fail(op, "no permutation", "perm", fmt.Sprint(perm))
		}
		seen[p] = true
		full[i] = p
	}
	for i, p := range perm {
		if y.Dim(i) != x.Dim(p) {
			fail(op, "shapes differ", "y", y, "x", x, "perm", fmt.Sprint(perm))
		}
	}
	wantApart(op, "y", y, "x", x)
	be.Transpose(y, x, full)
}

// CopyAxis copies, or with add adds, n places of one axis:
//
//	y[…, yFrom+i, …] = (or +=) x[…, xFrom+i, …]   for i < n
//
// All other axes of y and x are equal; the rest of y stays as it is.
func CopyAxis(be Backend, y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	const op = "CopyAxis"
	wantReal(op, "y", y)
	wantType(op, "x", x, y.DType())
	if y.Rank() != x.Rank() || axis < 0 || axis >= y.Rank() {
		fail(op, "no such axis in both", "y", y, "x", x, "axis", axis)
	}
	for i := range y.Rank() {
		if i != axis && y.Dim(i) != x.Dim(i) {
			fail(op, "other axes differ", "y", y, "x", x, "axis", axis)
		}
	}
	if n < 0 || yFrom < 0 || xFrom < 0 || n > y.Dim(axis)-yFrom || n > x.Dim(axis)-xFrom {
		fail(op, "range exceeds the axis", "y", y, "from", yFrom, "x", x, "from", xFrom, "axis", axis, "n", n)
	}
	wantApart(op, "y", y, "x", x)
	be.CopyAxis(y, x, axis, yFrom, xFrom, n, add)
}

// Gather computes y[i] = table[ids[i]], the rows of an embedding: table [V D] of
// any storage type, ids I32 [N], y [N D]. An id outside [0, V) panics; on an
// asynchronous device it is an error at Sync.
func Gather(be Backend, y, table, ids tensor.Tensor) {
	const op = "Gather"
	wantReal(op, "y", y)
	wantWeight(op, "table", table)
	wantType(op, "ids", ids, tensor.I32)
	if y.Rows() != ids.Len() || y.Cols() != table.Cols() {
		fail(op, "shapes differ", "y", y, "table", table, "ids", ids)
	}
	wantApart(op, "y", y, "table", table)
	wantApart(op, "y", y, "ids", ids)
	be.Gather(y, table, ids)
}

// ScatterAdd computes dTable[ids[i]] += dY[i], the gradient of [Gather], in
// ascending i for each row of dTable, every addition rounded to the type: all
// backends agree to the bit. dTable [V D] and dY [N D] have one type.
func ScatterAdd(be Backend, dTable, ids, dY tensor.Tensor) {
	const op = "ScatterAdd"
	wantReal(op, "dTable", dTable)
	wantType(op, "ids", ids, tensor.I32)
	wantMatrix(op, "dY", dY, dTable.DType(), ids.Len(), dTable.Cols())
	wantApart(op, "dTable", dTable, "dY", dY)
	wantApart(op, "dTable", dTable, "ids", ids)
	be.ScatterAdd(dTable, ids, dY)
}

// WantID panics unless 0 ≤ id < n. It is how host backends answer an id from
// the data that names no row.
func WantID(op string, place int, id int32, n int) {
	if id < 0 || int(id) >= n {
		panic(BadID(op, place, id, n))
	}
}

// BadID is the text of [WantID]: what a backend's Sync says of an id that a kernel of a
// device has met.
func BadID(op string, place int, id int32, n int) string {
	return fmt.Sprintf("kernels: %s: id out of range [0, %d): place %d, id %d", op, n, place, id)
}

// maxDropoutCols keeps the column blocks of [DropoutCounter] within 14 bits.
const maxDropoutCols = 4 << 14

// Dropout computes y = x·mask/(1-P); see [DropoutArgs].
func Dropout(be Backend, a DropoutArgs) {
	const op = "Dropout"
	wantReal(op, "Y", a.Y)
	wantLike(op, "X", a.X, "Y", a.Y)
	wantMatrix(op, "Rows", a.Rows, tensor.I32, a.Y.Rows(), 2)
	if !(a.P >= 0 && a.P < 1) {
		fail(op, fmt.Sprintf("P = %v is not in [0, 1)", a.P))
	}
	if a.Y.Cols() > maxDropoutCols {
		fail(op, fmt.Sprintf("more than %d columns", maxDropoutCols), "Y", a.Y)
	}
	wantWhole(op, "Y", a.Y, "X", a.X)
	wantApart(op, "Y", a.Y, "Rows", a.Rows)
	be.Dropout(a)
}

// DropoutCounter returns the Philox counter of columns 4·block … 4·block+3 of the
// row with this sample id and position: sample in bits 32–63, position in bits
// 14–31 (modulo 2¹⁸), block in bits 0–13.
func DropoutCounter(sample, position int32, block int) uint64 {
	return uint64(uint32(sample))<<32 | uint64(uint32(position)&(1<<18-1))<<14 | uint64(block)
}

// Threshold returns the word below which an element is dropped, ⌈P·2³²⌉. It is
// at most 2³², so compare as uint64.
func (a DropoutArgs) Threshold() uint64 { return uint64(math.Ceil(a.P * (1 << 32))) }
