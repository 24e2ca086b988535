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
		row, x := out[r*n:(r+1)*n], in[r*n:(r+1)*n]
		top, sum := float32(foldRow(kernels.Max, x)), float32(0)
		for from := 0; from < n; from += rowPiece {
			to := min(from+rowPiece, n)
			sum += simd.ExpSum(row[from:to], x[from:to], top)
		}
		for from := 0; from < n; from += rowPiece {
			piece := row[from:min(from+rowPiece, n)]
			simd.Scale(piece, piece, 1/sum)
		}
	})
}

// rowPiece is how many elements of a row one call of assembly takes: a
// millisecond's worth, for the scheduler cannot stop it.
const rowPiece = 1 << 20

// foldRow is foldRun of a row of any length.
func foldRow(op kernels.ReduceOp, x []float32) float64 {
	total := foldRun(op, x[:min(rowPiece, len(x))])
	for from := rowPiece; from < len(x); from += rowPiece {
		v := foldRun(op, x[from:min(from+rowPiece, len(x))])
		if op == kernels.Max {
			total = max(total, v)
		} else {
			total += v
		}
	}
	return total
}

// SoftmaxBackward implements kernels.Backend.
func (be *Backend) SoftmaxBackward(dX, dY, y tensor.Tensor) {
	mustF32("SoftmaxBackward", dX)
	out, dy, p, n := f32(dX), f32(dY), f32(y), y.Cols()
	be.eachRow(y.Rows(), n, cheap, func(r int) {
		g, q, sum := dy[r*n:(r+1)*n], p[r*n:(r+1)*n], float32(0)
		for from := 0; from < n; from += rowPiece {
			to := min(from+rowPiece, n)
			sum += simd.Dot(g[from:to], q[from:to])
		}
		for from := 0; from < n; from += rowPiece {
			to := min(from+rowPiece, n)
			simd.SoftmaxBackward(out[r*n+from:r*n+to], g[from:to], q[from:to], sum)
		}
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
