package ref

import (
	"math"

	"lamina/kernels"
	"lamina/tensor"
)

// places maps each element of a tensor of shape y to the element of x it meets
// under NumPy's broadcasting: axes matched from the last, 1 repeats.
func places(y, x tensor.Tensor) []int {
	at := make([]int, y.Len())
	for e := range at {
		rest, place, stride := e, 0, 1
		for i := 1; i <= y.Rank(); i++ {
			size := y.Dim(-i)
			index := rest % size
			rest /= size
			if i > x.Rank() {
				continue
			}
			if x.Dim(-i) > 1 {
				place += index * stride
			}
			stride *= x.Dim(-i)
		}
		at[e] = place
	}
	return at
}

// Binary implements kernels.Binary.
func (*Backend) Binary(op kernels.BinaryOp, y, a, b tensor.Tensor) {
	if isF64(y) {
		combine[float64](op, y, a, b)
	} else {
		combine[float32](op, y, a, b)
	}
}

func combine[T real](op kernels.BinaryOp, y, a, b tensor.Tensor) {
	out, u, v := floats[T](y), floats[T](a), floats[T](b)
	atA, atB := places(y, a), places(y, b)
	for i := range out {
		p, q := u[atA[i]], v[atB[i]]
		switch op {
		case kernels.Add:
			out[i] = p + q
		case kernels.Sub:
			out[i] = p - q
		case kernels.Mul:
			out[i] = p * q
		case kernels.Div:
			out[i] = p / q
		}
	}
}

// Reduce implements kernels.Reduce.
func (*Backend) Reduce(op kernels.ReduceOp, y, x tensor.Tensor) {
	if isF64(y) {
		reduce[float64](op, y, x)
	} else {
		reduce[float32](op, y, x)
	}
}

func reduce[T real](op kernels.ReduceOp, y, x tensor.Tensor) {
	fold := make([]float64, y.Len())
	if op == kernels.Max {
		for i := range fold {
			fold[i] = math.Inf(-1)
		}
	}
	at := places(x, y)
	for i, v := range floats[T](x) {
		if op == kernels.Sum {
			fold[at[i]] += float64(v)
		} else {
			fold[at[i]] = max(fold[at[i]], float64(v)) // NaN wins
		}
	}
	out := floats[T](y)
	for i, v := range fold {
		out[i] = T(v)
	}
}
