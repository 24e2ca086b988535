package cpu

import (
	"math"

	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// CrossEntropyGrad implements kernels.Backend. A row stays in the second-level
// cache from the pass that finds its maximum over the one that exponentiates to the
// one that divides.
func (be *Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	mustF32("CrossEntropyGrad", dLogits)
	losses, out, x, v := f32(loss), f32(dLogits), f32(logits), logits.Cols()
	g, ids := f32(dLoss), tensor.HostInts(targets)
	wantIDs("CrossEntropyGrad", ids, v)
	be.eachRow(len(ids), v, expensive, func(r int) {
		row, to, id := x[r*v:(r+1)*v], out[r*v:(r+1)*v], ids[r]
		target := float64(row[id]) // to may be row
		top := simd.Max(row)
		sum := expSumPieces(to, row, top)
		lse := float64(top) + math.Log(sum)
		losses[r] = float32(lse - target)
		simd.Scale(to, to, float32(float64(g[r])/sum))
		// p - 1 would lose the digits of a probability close to 1.
		to[id] = float32(math.Expm1(target-lse) * float64(g[r]))
	})
}

// expSumPieces does dst = e^(x - shift) and returns the sum, which is float64
// beyond pieces of constant length.
func expSumPieces(dst, x []float32, shift float32) float64 {
	sum := 0.0
	for from := 0; from < len(x); from += lossPiece {
		to := min(from+lossPiece, len(x))
		sum += float64(simd.ExpSum(dst[from:to], x[from:to], shift))
	}
	return sum
}
