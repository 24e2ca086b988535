package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// lossPiece is how many logits are exponentiated at a time, beyond the largest up to
// there: they stay in the first-level cache from the search for it to the sum.
const lossPiece = 2048

// logSum is log Σ e^x in the making: Σ e^(x - top) over the pieces so far, top being
// the largest of them.
type logSum struct {
	top float32
	sum float64
}

func newLogSum() logSum { return logSum{top: float32(math.Inf(-1))} }

// raise takes up a piece's largest and returns what to shift the piece by.
func (s *logSum) raise(x []float32) (shift float32) {
	if top := simd.Max(x); !(top <= s.top) { // larger, or NaN
		s.sum *= math.Exp(float64(s.top) - float64(top))
		s.top = top
	}
	if math.IsInf(float64(s.top), -1) {
		return 0 // nothing but -Inf so far: e^x is 0, not e^(Inf-Inf)
	}
	return s.top
}

// add takes up a piece, does dst = e^(x - shift), and returns the shift.
func (s *logSum) add(dst, x []float32) (shift float32) {
	shift = s.raise(x)
	s.sum += float64(simd.ExpSum(dst, x, shift))
	return shift
}

// above returns log Σ e^x - x: the difference to the largest comes first, since the
// logarithm of the sum would be lost in a large one.
func (s *logSum) above(x float32) float64 { return float64(s.top) - float64(x) + math.Log(s.sum) }

// LogSoftmax implements kernels.Backend.
func (be *Backend) LogSoftmax(y, x tensor.Tensor) {
	mustF32("LogSoftmax", y)
	out, in, v := f32(y), f32(x), x.Cols()
	be.eachRow(x.Rows(), v, expensive, func(r int) {
		row := in[r*v : (r+1)*v]
		s := logSumOf(row)
		top, rest := float64(s.top), math.Log(s.sum)
		for i, x := range row {
			out[r*v+i] = float32(float64(x) - top - rest) // in two steps: see above
		}
	})
}

func logSumOf(x []float32) logSum {
	s := newLogSum()
	for from := 0; from < len(x); from += lossPiece {
		piece := x[from:min(from+lossPiece, len(x))]
		shift := s.raise(piece)
		s.sum += float64(simd.SumExp(piece, shift))
	}
	return s
}

// LogSoftmaxBackward implements kernels.Backend.
func (be *Backend) LogSoftmaxBackward(dX, dY, y tensor.Tensor) {
	mustF32("LogSoftmaxBackward", dX)
	out, dy, logs, v := f32(dX), f32(dY), f32(y), y.Cols()
	be.eachRow(y.Rows(), v, expensive, func(r int) {
		var p [lossPiece]float32
		sum := float32(foldRow(kernels.Sum, dy[r*v:(r+1)*v]))
		for from := 0; from < v; from += lossPiece {
			to := min(from+lossPiece, v)
			piece, first, last := p[:to-from], r*v+from, r*v+to
			simd.ExpScaled(piece, logs[first:last], 0, sum)
			simd.Sub(out[first:last], dy[first:last], piece)
		}
	})
}

// CrossEntropy implements kernels.Backend.
func (be *Backend) CrossEntropy(loss, lse, logits, targets tensor.Tensor) {
	mustF32("CrossEntropy", logits)
	losses, sums, x, v := f32(loss), f32(lse), f32(logits), logits.Cols()
	ids := tensor.HostInts(targets)
	wantIDs("CrossEntropy", ids, v)
	be.eachRow(len(ids), v, expensive, func(r int) {
		row := x[r*v : (r+1)*v]
		s := logSumOf(row)
		sums[r] = float32(s.above(0))
		losses[r] = float32(s.above(row[ids[r]]))
	})
}

// CrossEntropyGrad implements kernels.Backend: one way through a row that
// exponentiates, relative to the largest logit so far, and one that brings all
// pieces to the same sum.
func (be *Backend) CrossEntropyGrad(loss, dLogits, logits, targets, dLoss tensor.Tensor) {
	mustF32("CrossEntropyGrad", dLogits)
	losses, out, x, v := f32(loss), f32(dLogits), f32(logits), logits.Cols()
	g, ids := f32(dLoss), tensor.HostInts(targets)
	wantIDs("CrossEntropyGrad", ids, v)
	be.eachRow(len(ids), v, expensive, func(r int) {
		scratch := be.scratch.get()
		losses[r] = lossGrad(out[r*v:(r+1)*v], x[r*v:(r+1)*v], ids[r], float64(g[r]), scratch.floats(ceilDiv(v, lossPiece)))
		be.scratch.put(scratch)
	})
}

// lossGrad does dst = (softmax(x) - [i = id])·g and returns the loss of the row x.
// dst may be x. shifts has room for a number of each piece.
func lossGrad(dst, x []float32, id int32, g float64, shifts []float32) float32 {
	target, s := x[id], newLogSum()
	for i := range shifts {
		from, to := i*lossPiece, min((i+1)*lossPiece, len(x))
		shifts[i] = s.add(dst[from:to], x[from:to])
	}
	for i, shift := range shifts {
		piece := dst[i*lossPiece : min((i+1)*lossPiece, len(dst))]
		simd.Scale(piece, piece, float32(g*math.Exp(-s.above(shift))))
	}
	// p - 1 would lose the digits of a probability close to 1.
	loss := s.above(target)
	dst[id] = float32(math.Expm1(-loss) * g)
	return float32(loss)
}
