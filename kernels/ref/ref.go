// Package ref is the oracle among the backends: every operation of package
// kernels in obvious loops, for float32 and float64 tensors. It is slow and
// uses no goroutines; other backends are held against it by package kerneltest,
// and gradient checks run on it in float64.
//
//	be := ref.New()
//	x := tensor.MustFromFloats(be, tensor.F64, []float64{1, 2, 3, 4}, 2, 2)
//	y := tensor.MustNew(be, tensor.F64, 2, 2)
//	kernels.Softmax(be, y, x)
//	fmt.Println(y.Floats())
//
// Invariants: every number is computed in float64 from the operands as stored
// and rounded to the output's type once, sums in order of their index. Three
// places round more often, because others must agree with them to the bit or
// because the thing imitated does: Binary, ScatterAdd and CopyAxis add in the
// tensors' type, and AdamW follows torch's single-tensor step in the tensors'
// type. It knows nothing of gradients or models.
package ref

import (
	"encoding/binary"
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// Backend implements kernels.Backend on the host's memory. It has no state; any
// number of goroutines may use one.
type Backend struct{ tensor.Host }

// New returns the reference backend.
func New() *Backend { return &Backend{} }

// Name returns "ref".
func (*Backend) Name() string { return "ref" }

// Queue returns be: every call is done when it returns.
func (be *Backend) Queue() (kernels.Backend, error) { return be, nil }

// real is what the loops compute with.
type real interface{ float32 | float64 }

// isF64 says which instance of a generic loop a call takes.
func isF64(t tensor.Tensor) bool { return t.DType() == tensor.F64 }

// floats returns t's elements in place, nil for none.
func floats[T real](t tensor.Tensor) []T { return tensor.HostFloats[T](t) }

// weightRow returns row r of a weight of any float type and alignment, as the
// type T that the call computes with: an F64 weight in an F32 call is rounded.
func weightRow[T real](t tensor.Tensor, r int) []T {
	cols, d := t.Cols(), t.DType()
	size := d.Bytes(cols)
	raw := tensor.HostBytes(t)[r*size : (r+1)*size]
	row := make([]T, cols)
	if d == tensor.F64 {
		for i := range row {
			row[i] = T(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
		return row
	}
	wide := make([]float32, cols)
	tensor.DecodeF32(wide, raw, d)
	for i, v := range wide {
		row[i] = T(v)
	}
	return row
}

// weightVector returns a weight [D] as T, and nil for none.
func weightVector[T real](t tensor.Tensor) []T {
	if t.IsNone() {
		return nil
	}
	return weightRow[T](t.Reshape(1, t.Len()), 0)
}
