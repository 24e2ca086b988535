package ref

import (
	"lamina/kernels"
	"lamina/tensor"
)

// MatMul implements kernels.MatMul.
func (*Backend) MatMul(a kernels.MatMulArgs) {
	if isF64(a.C) {
		matMul[float64](a)
	} else {
		matMul[float32](a)
	}
}

// MatMuls implements kernels.MatMuls.
func (be *Backend) MatMuls(products []kernels.MatMulArgs) {
	for _, a := range products {
		be.MatMul(a)
	}
}

func matMul[T real](a kernels.MatMulArgs) {
	c, bias, residual := floats[T](a.C), floats[T](a.Bias), floats[T](a.Residual)
	m, n := a.C.Rows(), a.C.Cols()
	x, y := rowsOf[T](a.A, a.TransA), rowsOf[T](a.B, !a.TransB)
	for i := range m {
		for j := range n {
			sum := dot(x[i], y[j])
			if bias != nil {
				sum += float64(bias[j])
			}
			sum = apply(a.Func, sum)
			if residual != nil {
				sum += float64(residual[i*n+j])
			}
			if a.Accumulate {
				sum += float64(c[i*n+j])
			}
			c[i*n+j] = T(sum)
		}
	}
}

// rowsOf returns the rows of t, or its columns if transposed is set.
func rowsOf[T real](t tensor.Tensor, transposed bool) [][]T {
	rows := make([][]T, t.Rows())
	for i := range rows {
		rows[i] = weightRow[T](t, i)
	}
	if !transposed {
		return rows
	}
	cols := make([][]T, t.Cols())
	for j := range cols {
		cols[j] = make([]T, len(rows))
		for i, row := range rows {
			cols[j][i] = row[j]
		}
	}
	return cols
}

// dot returns Σ x·y in float64, in order.
func dot[T real](x, y []T) float64 {
	sum := 0.0
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return sum
}

// MatVec implements kernels.MatVec.
func (be *Backend) MatVec(a kernels.MatMulArgs) { be.MatMul(a) }

// MatVecs implements kernels.MatVecs.
func (be *Backend) MatVecs(products []kernels.MatMulArgs) { be.MatMuls(products) }
