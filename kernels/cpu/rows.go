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

// lossPiece is how many logits are exponentiated at a time: their exponentials
// are summed, not kept, so they need room in the first-level cache only.
const lossPiece = 2048

// CrossEntropy implements kernels.Backend.
func (be *Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	mustF32("CrossEntropy", logits)
	losses, sums, x, v := f32(loss), f32(lse), f32(logits), logits.Cols()
	ids := tensor.HostInts(targets)
	wantIDs("CrossEntropy", ids, v)
	be.eachRow(len(ids), v, expensive, func(r int) {
		row := x[r*v : (r+1)*v]
		sum := logSumExp(row)
		sums[r] = float32(sum)
		losses[r] = float32(sum - float64(row[ids[r]]))
	})
}

// logSumExp returns log Σ e^x: one pass for the maximum, one for the sum.
func logSumExp(x []float32) float64 {
	var e [lossPiece]float32
	top, sum := simd.Max(x), 0.0
	for len(x) > 0 {
		n := min(len(x), lossPiece)
		sum += float64(simd.ExpSum(e[:n], x[:n], top))
		x = x[n:]
	}
	return float64(top) + math.Log(sum)
}

// CrossEntropyBackward implements kernels.Backend.
func (be *Backend) CrossEntropyBackward(dLogits, logits, lse, targets, dLoss tensor.Tensor) {
	mustF32("CrossEntropyBackward", dLogits)
	out, x, v := f32(dLogits), f32(logits), logits.Cols()
	sums, g, ids := f32(lse), f32(dLoss), tensor.HostInts(targets)
	wantIDs("CrossEntropyBackward", ids, v)
	be.eachRow(len(ids), v, expensive, func(r int) {
		row, id := x[r*v:(r+1)*v], ids[r]
		// p - 1 would lose the digits of a probability close to 1.
		short := math.Expm1(float64(row[id]) - float64(sums[r]))
		simd.ExpScaled(out[r*v:(r+1)*v], row, sums[r], g[r])
		out[r*v+int(id)] = float32(short * float64(g[r]))
	})
}

// wantIDs panics, before anything is written, unless all ids are in [0, n).
func wantIDs(op string, ids []int32, n int) {
	for i, id := range ids {
		kernels.WantID(op, i, id, n)
	}
}
