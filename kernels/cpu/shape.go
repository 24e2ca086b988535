package cpu

import (
	"lamina/kernels/internal/simd"
	"lamina/tensor"
)

// Sides of the block that one chunk of a transposition moves: 64 rows of the
// result are as many pages as a first-level TLB holds.
const (
	transposeRows = 256
	transposeCols = 64
)

// Transpose implements kernels.Backend. Neighbouring axes of x that stay
// neighbours in y are one axis; then either x's last axis stays last and whole
// runs move, or it changes places with y's last axis in matrices of the two.
func (be *Backend) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	mustF32("Transpose", y)
	out, in := f32(y), f32(x)
	if len(out) == 0 {
		return
	}
	p := permutationOf(y, x, perm)
	last := p.rank - 1
	if p.rank == 0 || p.stride[last] == 1 {
		be.moveRuns(out, in, p)
		return
	}
	// y's axis that is x's last.
	inner := 0
	for p.stride[inner] != 1 {
		inner++
	}
	rows, cols := p.size[last], p.size[inner] // of a matrix in x
	tall, wide := ceilDiv(rows, transposeRows), ceilDiv(cols, transposeCols)
	matrices := len(out) / (rows * cols)
	be.each(len(out), matrices*tall*wide, func(chunk int) {
		to, from := p.matrix(chunk/(tall*wide), inner)
		i := chunk / wide % tall * transposeRows
		j := chunk % wide * transposeCols
		simd.Transpose(out[to+j*p.step[inner]+i:], p.step[inner], in[from+i*p.stride[last]+j:], p.stride[last],
			min(transposeRows, rows-i), min(transposeCols, cols-j))
	})
}

// permutation is y's axes: their sizes, the steps in y and the strides in x.
type permutation struct {
	rank               int
	size, step, stride [tensor.MaxRank]int
}

func permutationOf(y, x tensor.Tensor, perm [tensor.MaxRank]int) permutation {
	var stride [tensor.MaxRank]int
	for i, n := x.Rank()-1, 1; i >= 0; i-- {
		stride[i] = n
		n *= x.Dim(i)
	}
	var p permutation
	for i := range y.Rank() {
		n, s := y.Dim(i), stride[perm[i]]
		switch last := p.rank - 1; {
		case n == 1:
		case last >= 0 && p.stride[last] == n*s:
			p.size[last] *= n
			p.stride[last] = s
		default:
			p.size[p.rank], p.stride[p.rank] = n, s
			p.rank++
		}
	}
	for i, n := p.rank-1, 1; i >= 0; i-- {
		p.step[i] = n
		n *= p.size[i]
	}
	return p
}

// matrix returns where matrix number m of axes inner and last begins in y and x.
func (p *permutation) matrix(m, inner int) (to, from int) {
	for i := p.rank - 2; i >= 0; i-- {
		if i == inner {
			continue
		}
		index := m % p.size[i]
		m /= p.size[i]
		to += index * p.step[i]
		from += index * p.stride[i]
	}
	return to, from
}

// moveRuns copies runs of y's last axis.
func (be *Backend) moveRuns(out, in []float32, p permutation) {
	if p.rank <= 1 {
		be.eachRun(len(out), cheap, func(from, to int) { copy(out[from:to], in[from:to]) })
		return
	}
	last := p.rank - 1
	run := p.size[last]
	be.eachRow(len(out)/run, run, cheap, func(r int) {
		to, from := p.matrix(r, last)
		copy(out[to:to+run], in[from:])
	})
}

// CopyAxis implements kernels.Backend. The elements that move are runs of n times
// the axes inside; chunks are cut through runs where these are long.
func (be *Backend) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	mustF32("CopyAxis", y)
	out, in := f32(y), f32(x)
	outer, inner := 1, 1
	for i := range axis {
		outer *= y.Dim(i)
	}
	for i := axis + 1; i < y.Rank(); i++ {
		inner *= y.Dim(i)
	}
	run, yStep, xStep := n*inner, y.Dim(axis)*inner, x.Dim(axis)*inner
	be.eachRun(outer*run, cheap, func(from, to int) {
		for from < to {
			o, at := from/run, from%run
			length := min(run-at, to-from)
			dst := out[o*yStep+yFrom*inner+at:][:length]
			src := in[o*xStep+xFrom*inner+at:][:length]
			if add {
				simd.AddTo(dst, src)
			} else {
				copy(dst, src)
			}
			from += length
		}
	})
}

// Gather implements kernels.Backend.
func (be *Backend) Gather(y, table, ids tensor.Tensor) {
	mustF32("Gather", y)
	out, cols, places := f32(y), y.Cols(), tensor.HostInts(ids)
	raw, d := tensor.HostBytes(table), table.DType()
	wantIDs("Gather", places, table.Rows())
	size := d.Bytes(cols)
	be.eachRow(len(places), cols, cheap, func(i int) {
		simd.Decode(out[i*cols:(i+1)*cols], raw[int(places[i])*size:][:size], d)
	})
}

// scatterCols is how many columns one chunk of ScatterAdd adds: it goes through
// all ids, so that each row's sum is in their order.
const scatterCols = 128

// ScatterAdd implements kernels.Backend.
func (be *Backend) ScatterAdd(dTable, ids, dY tensor.Tensor) {
	mustF32("ScatterAdd", dTable)
	out, in, cols, places := f32(dTable), f32(dY), dY.Cols(), tensor.HostInts(ids)
	wantIDs("ScatterAdd", places, dTable.Rows())
	be.each(len(in), ceilDiv(cols, scatterCols), func(chunk int) {
		from := chunk * scatterCols
		width := min(scatterCols, cols-from)
		for i, id := range places {
			simd.AddTo(out[int(id)*cols+from:][:width], in[i*cols+from:][:width])
		}
	})
}
