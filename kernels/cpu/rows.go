package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Softmax implements kernels.Backend.
func (be *Backend) Softmax(y, x tensor.Tensor) {
	mustF32("Softmax", y)
	out, in, n := f32(y), f32(x), x.Cols()
	be.eachRow(x.Rows(), n, expensive, func(r int) {
		row := out[r*n : (r+1)*n]
		sum := expRow(row, in[r*n:(r+1)*n])
		simd.Scale(row, row, 1/sum)
	})
}

// expRow does dst = e^(x - max x) and returns the sum.
func expRow(dst, x []float32) float32 { return simd.ExpSum(dst, x, simd.Max(x)) }

// SoftmaxBackward implements kernels.Backend.
func (be *Backend) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	mustF32("SoftmaxBackward", dX)
	out, dy, p, n := f32(dX), f32(dY), f32(y), y.Cols()
	be.eachRow(y.Rows(), n, cheap, func(r int) {
		g, q := dy[r*n:(r+1)*n], p[r*n:(r+1)*n]
		simd.SoftmaxBackward(out[r*n:(r+1)*n], g, q, simd.Dot(g, q))
	})
}

// ArgMax implements kernels.Backend.
func (be *Backend) ArgMax(ids, x tensor.Tensor) {
	mustF32("ArgMax", x)
	out, in, n := tensor.HostInts(ids), f32(x), x.Cols()
	be.eachRow(len(out), n, cheap, func(r int) {
		out[r] = int32(argMax(in[r*n : (r+1)*n]))
	})
}

// argPiece is how many elements are compared at a time: only the piece with the
// maximum is gone through one by one.
const argPiece = 256

func argMax(x []float32) int {
	top, best := float32(math.Inf(-1)), -1
	for from := 0; from < len(x); from += argPiece {
		piece := x[from:min(from+argPiece, len(x))]
		if m := simd.Max(piece); m <= top && best >= 0 {
			continue
		}
		for i, v := range piece { // greater, or the maximum is NaN, which never wins
			if v > top || best < 0 && v == v {
				top, best = v, from+i
			}
		}
	}
	return max(best, 0)
}

// wantIDs panics, before anything is written, unless all ids are in [0, n).
func wantIDs(op string, ids []int32, n int) {
	for i, id := range ids {
		kernels.WantID(op, i, id, n)
	}
}
