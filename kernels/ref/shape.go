package ref

import (
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/tensor"
)

// Transpose implements kernels.Transpose.
func (*Backend) Transpose(y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	if isF64(y) {
		transpose[float64](y, x, perm)
	} else {
		transpose[float32](y, x, perm)
	}
}

func transpose[T real](y, x tensor.Tensor, perm [tensor.MaxRank]int) {
	out, in := floats[T](y), floats[T](x)
	rank := y.Rank()
	var stride [tensor.MaxRank]int // of x's axes
	for i, n := rank-1, 1; i >= 0; i-- {
		stride[i] = n
		n *= x.Dim(i)
	}
	for e := range out {
		rest, place := e, 0
		for i := rank - 1; i >= 0; i-- {
			place += rest % y.Dim(i) * stride[perm[i]]
			rest /= y.Dim(i)
		}
		out[e] = in[place]
	}
}

// CopyAxis implements kernels.CopyAxis.
func (*Backend) CopyAxis(y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	if isF64(y) {
		copyAxis[float64](y, x, axis, yFrom, xFrom, n, add)
	} else {
		copyAxis[float32](y, x, axis, yFrom, xFrom, n, add)
	}
}

func copyAxis[T real](y, x tensor.Tensor, axis, yFrom, xFrom, n int, add bool) {
	out, in := floats[T](y), floats[T](x)
	outer, inner := 1, 1
	for i := range axis {
		outer *= y.Dim(i)
	}
	for i := axis + 1; i < y.Rank(); i++ {
		inner *= y.Dim(i)
	}
	for o := range outer {
		dst := out[(o*y.Dim(axis)+yFrom)*inner:][:n*inner]
		src := in[(o*x.Dim(axis)+xFrom)*inner:][:n*inner]
		for i, v := range src {
			if add {
				v += dst[i]
			}
			dst[i] = v
		}
	}
}

// Gather implements kernels.Gather.
func (*Backend) Gather(y, table, ids tensor.Tensor) {
	if isF64(y) {
		gather[float64](y, table, ids)
	} else {
		gather[float32](y, table, ids)
	}
}

func gather[T real](y, table, ids tensor.Tensor) {
	out, cols := floats[T](y), y.Cols()
	for i, id := range tensor.HostInts(ids) {
		kernels.WantID("Gather", i, id, table.Rows())
		copy(out[i*cols:(i+1)*cols], weightRow[T](table, int(id)))
	}
}

// ScatterAdd implements kernels.ScatterAdd.
func (*Backend) ScatterAdd(dTable, ids, dY tensor.Tensor) {
	if isF64(dTable) {
		scatterAdd[float64](dTable, ids, dY)
	} else {
		scatterAdd[float32](dTable, ids, dY)
	}
}

func scatterAdd[T real](dTable, ids, dY tensor.Tensor) {
	out, in, cols := floats[T](dTable), floats[T](dY), dY.Cols()
	for i, id := range tensor.HostInts(ids) {
		kernels.WantID("ScatterAdd", i, id, dTable.Rows())
		row := out[int(id)*cols:]
		for j, v := range in[i*cols : (i+1)*cols] {
			row[j] += v
		}
	}
}

// Dropout implements kernels.Dropout.
func (*Backend) Dropout(a kernels.DropoutArgs) {
	if isF64(a.Y) {
		dropout[float64](a)
	} else {
		dropout[float32](a)
	}
}

func dropout[T real](a kernels.DropoutArgs) {
	out, in, rows := floats[T](a.Y), floats[T](a.X), tensor.HostInts(a.Rows)
	random := philox.New(a.Seed, a.Stream)
	threshold, scale := a.Threshold(), T(1/(1-a.P))
	cols := a.Y.Cols()
	for i, v := range in {
		r, c := i/cols, i%cols
		word := random.At(kernels.DropoutCounter(rows[2*r], rows[2*r+1], c/4))[c%4]
		if uint64(word) < threshold {
			out[i] = 0
		} else {
			out[i] = v * scale
		}
	}
}
