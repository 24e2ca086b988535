package cuda

import "lamina/tensor"

const (
	transposeSquare  = 32
	transposeThreads = 256

	gatherThreads = 128
	gatherCols    = 8 * gatherThreads // of a block

	scatterThreads = 256
	scatterCols    = 4 * scatterThreads // of a block
)

// permutation is y's axes: their sizes, the steps in y and in x. Neighbouring axes of x
// that stay neighbours in y are one.
type permutation struct {
	rank       int
	size, y, x [tensor.MaxRank]int
}

func permutationOf(y, x tensor.Tensor, perm [tensor.MaxRank]int) permutation {
	var step [tensor.MaxRank]int // of x's axes
	for i, n := x.Rank()-1, 1; i >= 0; i-- {
		step[i] = n
		n *= x.Dim(i)
	}
	var p permutation
	for i := range y.Rank() {
		n, s := y.Dim(i), step[perm[i]]
		switch last := p.rank - 1; {
		case n == 1:
		case last >= 0 && p.x[last] == n*s:
			p.size[last] *= n
			p.x[last] = s
		default:
			p.size[p.rank], p.x[p.rank] = n, s
			p.rank++
		}
	}
	for i, n := p.rank-1, 1; i >= 0; i-- {
		p.y[i] = n
		n *= p.size[i]
	}
	return p
}

// Transpose implements kernels.Backend. Either x's last axis stays last and neighbours
// stay neighbours, or it changes places with y's last axis in matrices of the two.
func (be *Backend) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	mustF32("Transpose", y)
	if y.Len() == 0 {
		return
	}
	p := permutationOf(y, x, perm)
	if p.rank == 0 || p.x[p.rank-1] == 1 {
		be.permute(y, x, p)
		return
	}
	last, inner := p.rank-1, 0 // y's axis that is x's last
	for p.x[inner] != 1 {
		inner++
	}
	// The kernel's struct Matrices: sizes, steps in y, steps in x of the two other axes,
	// then those of a row.
	g := [...]uint64{1, 1, 0, 0, 0, 0, uint64(p.y[inner]), uint64(p.x[last])}
	matrices := 1
	for i, at := last-1, 1; i >= 0; i-- {
		if i != inner {
			g[at], g[2+at], g[4+at] = uint64(p.size[i]), uint64(p.y[i]), uint64(p.x[i])
			matrices *= p.size[i]
			at--
		}
	}
	rows, cols := p.size[last], p.size[inner] // of a matrix in x
	tall, wide := ceilDiv(rows, transposeSquare), ceilDiv(cols, transposeSquare)
	l := be.start("lamina_transpose")
	l.tensor(y)
	l.tensor(x)
	l.bytes(tensor.Bytes(g[:]))
	l.u32(rows)
	l.u32(cols)
	l.u32(tall)
	l.u32(wide)
	l.launch(matrices*tall*wide, transposeThreads)
}

// permute moves what stays beside its neighbour.
func (be *Backend) permute(y, x tensor.Tensor, p permutation) {
	// The kernel's struct Axes: sizes, then steps in x.
	g := [2 * tensor.MaxRank]uint64{1, 1, 1, 1}
	for i := range p.rank {
		at := tensor.MaxRank - p.rank + i
		g[at], g[tensor.MaxRank+at] = uint64(p.size[i]), uint64(p.x[i])
	}
	l := be.start("lamina_permute")
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(y.Len()))
	l.bytes(tensor.Bytes(g[:]))
	l.launch(tiles(y.Len()), tileThreads)
}

// CopyAxis implements kernels.Backend. The elements that move are runs of n times the
// axes inside.
func (be *Backend) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	mustF32("CopyAxis", y)
	outer, inner := 1, 1
	for i := range axis {
		outer *= y.Dim(i)
	}
	for i := axis + 1; i < y.Rank(); i++ {
		inner *= y.Dim(i)
	}
	run := n * inner
	if outer*run == 0 {
		return
	}
	adds := 0
	if add {
		adds = 1
	}
	l := be.start("lamina_copy_axis")
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(yFrom * inner))
	l.u64(uint64(xFrom * inner))
	l.u64(uint64(outer * run))
	l.u64(uint64(run))
	l.u64(uint64(y.Dim(axis) * inner))
	l.u64(uint64(x.Dim(axis) * inner))
	l.u32(adds)
	l.launch(tiles(outer*run), tileThreads)
}

// Gather implements kernels.Backend.
func (be *Backend) Gather(y, table, ids tensor.Tensor) {
	mustF32("Gather", y)
	cols := y.Cols()
	pieces := ceilDiv(cols, gatherCols)
	l := be.start("lamina_gather")
	l.tensor(y)
	l.tensor(table)
	l.tensor(ids)
	l.ptr(be.faultPtr())
	l.u32(table.Rows())
	l.u32(cols)
	l.u64(uint64(table.DType().Bytes(cols)))
	l.u32(pieces)
	l.u32(int(table.DType()))
	l.launch(ids.Len()*pieces, gatherThreads)
}

// ScatterAdd implements kernels.Backend.
func (be *Backend) ScatterAdd(dTable, ids, dY tensor.Tensor) {
	mustF32("ScatterAdd", dTable)
	cols := dY.Cols()
	pieces := ceilDiv(cols, scatterCols)
	l := be.start("lamina_scatter_add")
	l.tensor(dTable)
	l.tensor(ids)
	l.tensor(dY)
	l.ptr(be.faultPtr())
	l.u32(dTable.Rows())
	l.u32(cols)
	l.u32(ids.Len())
	l.u32(pieces)
	l.launch(ids.Len()*pieces, scatterThreads)
}
