package cuda

import (
	"math"

	"lamina/kernels"
	"lamina/kernels/internal/axes"
	"lamina/tensor"
)

const (
	reduceThreads = 256
	reduceWarps   = reduceThreads / 32
	reduceCols    = 32 // of a block of lamina_reduce_columns

	// Up to reduceFew elements a warp folds an output, up to reduceLength a block, more
	// are parts, at most reduceParts of them.
	reduceFew    = 1024
	reduceLength = 1 << 15
	reduceParts  = 1024

	// Rows are folded column by column in parts of columnLength, or more where that would
	// be more than columnParts.
	columnLength = 64
	columnParts  = 64
)

// Reduce implements kernels.Backend. Columns of matrices, the folded axis before the last
// one, go side by side; all other folds walk each output's own elements.
func (be *Backend) Reduce(op kernels.ReduceOp, y, x tensor.Tensor) {
	mustF32("Reduce", y)
	if x.Len() == 0 {
		empty := 0.0
		if op == kernels.Max {
			empty = math.Inf(-1)
		}
		be.Fill(y, empty)
		return
	}
	switch a := axes.Of(y, x); {
	case a.Rank == 0, a.Rank == 1 && !a.Folded[0]:
		be.Unary(kernels.Identity, y, x)
	case a.Rank == 2 && a.Folded[0]:
		be.reduceColumns(op, y, x, 1, a.Size[0], a.Size[1])
	case a.Rank == 3 && a.Folded[1]:
		be.reduceColumns(op, y, x, a.Size[0], a.Size[1], a.Size[2])
	default:
		be.reduceEach(op, y, x, a)
	}
}

// reduceColumns folds the rows of outer matrices [rows cols].
func (be *Backend) reduceColumns(op kernels.ReduceOp, y, x tensor.Tensor, outer, rows, cols int) {
	length := max(columnLength, ceilDiv(rows, columnParts))
	parts := ceilDiv(rows, length)
	s := be.partials(outer*cols, parts)
	l := be.start("lamina_reduce_columns")
	l.tensor(y)
	l.ptr(s.Ptr)
	l.tensor(x)
	l.u32(rows)
	l.u32(cols)
	l.u32(length)
	l.u32(parts)
	l.u32(int(op))
	l.launch(outer*parts*ceilDiv(cols, reduceCols), reduceThreads)
	be.reduceRest(op, y, s, cols, parts)
}

// fold is the kernel's struct Fold: sizes of the kept axes, their steps, the same of the
// folded ones; two each, the inner one last.
type fold [8]uint64

func foldOf(a axes.Axes) fold {
	g := fold{0: 1, 1: 1, 4: 1, 5: 1}
	free := [2]int{1, 5} // where the next axis kept, and the next folded, goes
	step := uint64(1)
	for i := a.Rank - 1; i >= 0; i-- {
		at := &free[0]
		if a.Folded[i] {
			at = &free[1]
		}
		g[*at], g[*at+2] = uint64(a.Size[i]), step
		*at--
		step *= uint64(a.Size[i])
	}
	return g
}

// reduceEach folds the elements of each output.
func (be *Backend) reduceEach(op kernels.ReduceOp, y, x tensor.Tensor, a axes.Axes) {
	outputs := y.Len()
	each := x.Len() / outputs
	g := foldOf(a)
	if each <= reduceFew {
		l := be.start("lamina_reduce_few")
		l.tensor(y)
		l.tensor(x)
		l.u64(uint64(outputs))
		l.u64(uint64(each))
		l.bytes(tensor.Bytes(g[:]))
		l.u32(int(op))
		l.launch(ceilDiv(outputs, reduceWarps), reduceThreads)
		return
	}
	length := max(reduceLength, ceilDiv(each, reduceParts))
	parts := ceilDiv(each, length)
	s := be.partials(outputs, parts)
	l := be.start("lamina_reduce")
	l.tensor(y)
	l.ptr(s.Ptr)
	l.tensor(x)
	l.u64(uint64(each))
	l.u64(uint64(length))
	l.u32(parts)
	l.bytes(tensor.Bytes(g[:]))
	l.u32(int(op))
	l.launch(outputs*parts, reduceThreads)
	be.reduceRest(op, y, s, 1, parts)
}

// partials is memory for the parts of outputs, none for one part.
func (be *Backend) partials(outputs, parts int) scratch {
	if parts == 1 {
		return scratch{}
	}
	return be.scratch(outputs * parts * tensor.F64.Bytes(1))
}

// reduceRest folds the parts [y.Len()/cols parts cols] in s to y, if there are several,
// and frees s.
func (be *Backend) reduceRest(op kernels.ReduceOp, y tensor.Tensor, s scratch, cols, parts int) {
	if parts == 1 {
		return
	}
	l := be.start("lamina_reduce_parts")
	l.tensor(y)
	l.ptr(s.Ptr)
	l.u64(uint64(y.Len()))
	l.u32(cols)
	l.u32(parts)
	l.u32(int(op))
	l.launch(ceilDiv(y.Len(), reduceWarps), reduceThreads)
	s.free()
}
