package cpu

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/axes"
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// partialRows returns how many of rows one partial sum over rows covers: 64, or
// more where that would make more than 64 partial sums. It is part of the order
// of sums.
func partialRows(rows int) int {
	const few = 64
	return max(few, ceilDiv(rows, few))
}

// Reduce implements kernels.Backend.
func (be *Backend) Reduce(op kernels.ReduceOp, y, x tensor.Tensor) {
	mustF32("Reduce", y)
	out, in := f32(y), f32(x)
	if len(out) == 0 {
		return
	}
	if len(in) == 0 {
		fill(out, nothing(op))
		return
	}
	a := axes.Of(y, x)
	switch {
	case a.Rank == 0:
		out[0] = in[0]
	case a.Rank == 1 && a.Folded[0]:
		be.reduceAll(op, out, in)
	case a.Rank == 1:
		copy(out, in)
	case a.Rank == 2 && a.Folded[1]:
		be.reduceRows(op, out, in, a.Size[1])
	case a.Rank == 2:
		be.reduceColumns(op, out, in, a.Size[1])
	case a.Rank == 3 && a.Folded[1]:
		slab := a.Size[1] * a.Size[2]
		for i := range a.Size[0] {
			be.reduceColumns(op, out[i*a.Size[2]:][:a.Size[2]], in[i*slab:][:slab], a.Size[2])
		}
	default:
		be.reduceNested(op, out, in, a)
	}
}

// nothing is the reduction of no elements.
func nothing(op kernels.ReduceOp) float32 {
	if op == kernels.Max {
		return float32(math.Inf(-1))
	}
	return 0
}

// reduceAll folds everything: runs of constant length, their results in order.
func (be *Backend) reduceAll(op kernels.ReduceOp, out, in []float32) {
	s := be.scratch.get()
	parts := s.sums64(ceilDiv(len(in), sumLen))
	be.eachPiece(len(in), sumLen, cheap, func(from, to int) {
		parts[from/sumLen] = foldRun(op, in[from:to])
	})
	total := parts[0]
	for _, v := range parts[1:] {
		if op == kernels.Max {
			total = max(total, v)
		} else {
			total += v
		}
	}
	out[0] = float32(total)
	be.scratch.put(s)
}

func foldRun(op kernels.ReduceOp, x []float32) float64 {
	if op == kernels.Max {
		return float64(simd.Max(x))
	}
	return simd.SumF64(x)
}

// reduceRows folds rows of n elements.
func (be *Backend) reduceRows(op kernels.ReduceOp, out, in []float32, n int) {
	be.eachRow(len(out), n, cheap, func(r int) {
		out[r] = float32(foldRow(op, in[r*n:(r+1)*n]))
	})
}

// reduceColumns folds the columns of rows of n elements: blocks of rows of
// constant number, their results in order.
func (be *Backend) reduceColumns(op kernels.ReduceOp, out, in []float32, n int) {
	rows := len(in) / n
	each := partialRows(rows)
	s := be.scratch.get()
	parts := s.partials(ceilDiv(rows, each), n)
	be.each(len(in), parts.n, func(chunk int) {
		part := parts.row(chunk)
		from := chunk * each
		copy(part, in[from*n:][:n])
		for r := from + 1; r < min(from+each, rows); r++ {
			foldInto(op, part, in[r*n:][:n])
		}
	})
	copy(out, parts.row(0))
	for i := 1; i < parts.n; i++ {
		foldInto(op, out, parts.row(i))
	}
	be.scratch.put(s)
}

func foldInto(op kernels.ReduceOp, dst, x []float32) {
	if op == kernels.Sum {
		simd.AddTo(dst, x)
		return
	}
	for i, v := range x {
		dst[i] = max(dst[i], v)
	}
}

// reduceNested folds what is left: the last axis folded and an earlier one too,
// or kept axes around two folded ones. Each output walks its own elements, in
// order, in float64.
func (be *Backend) reduceNested(op kernels.ReduceOp, out, in []float32, a axes.Axes) {
	per := len(in) / len(out)
	be.eachRow(len(out), per, expensive, func(o int) {
		base, rest, step := 0, o, 1
		for i := a.Rank - 1; i >= 0; i-- {
			if !a.Folded[i] {
				base += rest % a.Size[i] * step
				rest /= a.Size[i]
			}
			step *= a.Size[i]
		}
		total := float64(nothing(op))
		for e := range per {
			place, rest, step := base, e, 1
			for i := a.Rank - 1; i >= 0; i-- {
				if a.Folded[i] {
					place += rest % a.Size[i] * step
					rest /= a.Size[i]
				}
				step *= a.Size[i]
			}
			if op == kernels.Max {
				total = max(total, float64(in[place]))
			} else {
				total += float64(in[place])
			}
		}
		out[o] = float32(total)
	})
}
