package cuda_test

import (
	"math"
	"testing"

	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// Package kerneltest goes up to a thousand elements. These are the sizes at which the
// kernels go by 16 bytes, have several blocks to an output, or several parts.

// placedAt returns an array with these bytes, shift elements behind the start of memory.
func placedAt(be kernels.Backend, d tensor.DType, raw []byte, shift int, shape ...int) tensor.Tensor {
	units := len(raw) / d.BlockBytes()
	whole := tensor.MustNew(be, d, shift+units, d.BlockLen())
	part := whole.Slice(shift, shift+units).Reshape(shape...)
	part.SetRaw(raw)
	return part
}

// numbersAt returns normal deviates in an array.
func numbersAt(be kernels.Backend, seed uint64, shift int, shape ...int) tensor.Tensor {
	n := 1
	for _, s := range shape {
		n *= s
	}
	values := make([]float32, n)
	philox.New(seed, 0).FillNormal(values, 0, 0, 2)
	return placedAt(be, tensor.F32, tensor.Bytes(values), shift, shape...)
}

// wantBits fails unless got has want's bits; all NaNs are alike.
func wantBits(t *testing.T, what string, got, want tensor.Tensor) {
	t.Helper()
	have, wish := got.Float32s(), want.Float32s()
	for i, v := range have {
		if math.Float32bits(v) != math.Float32bits(wish[i]) && (v == v || wish[i] == wish[i]) {
			t.Fatalf("%s: [%d] = %v, want %v", what, i, v, wish[i])
		}
	}
}

// eachShift runs f on tensors that begin at a multiple of 16 bytes, all of them or all but
// one, and wants the bits of ref each time. f returns what it wrote.
func eachShift(t *testing.T, what string, operands int, f func(be kernels.Backend, shift func(int) int) tensor.Tensor) {
	t.Helper()
	be := cudatest.Open(t, cudatest.Options{})
	want := f(ref.New(), func(int) int { return 0 })
	for shifted := -1; shifted < operands; shifted++ {
		got := f(be, func(o int) int {
			if o == shifted {
				return 1
			}
			return 0
		})
		if err := be.Sync(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		wantBits(t, what, got, want)
	}
}

func TestTilesOfElements(t *testing.T) {
	for _, n := range []int{1023, 1024, 1025, 3000} {
		eachShift(t, "Binary", 3, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.Binary(be, kernels.Mul, y, numbersAt(be, 2, shift(1), n), numbersAt(be, 3, shift(2), n))
			return y
		})
		eachShift(t, "AddScaled by 1", 2, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.AddScaled(be, y, numbersAt(be, 2, shift(1), n), 1)
			return y
		})
		eachShift(t, "Fill", 1, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.Fill(be, y, 0.1)
			return y
		})
		eachShift(t, "Unary", 2, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.Unary(be, kernels.Square, y, numbersAt(be, 2, shift(1), n))
			return y
		})
		eachShift(t, "UnaryBackward", 3, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.UnaryBackward(be, kernels.ReLU, y, numbersAt(be, 2, shift(1), n), numbersAt(be, 3, shift(2), n))
			return y
		})
		eachShift(t, "Gated", 3, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), n)
			kernels.Gated(be, kernels.ReLU, y, numbersAt(be, 2, shift(1), n), numbersAt(be, 3, shift(2), n))
			return y
		})
		for output := range 2 {
			eachShift(t, "GatedBackward", 5, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
				out := [2]tensor.Tensor{numbersAt(be, 1, shift(0), n), numbersAt(be, 1, shift(1), n)}
				kernels.GatedBackward(be, kernels.ReLU, out[0], out[1],
					numbersAt(be, 2, shift(2), n), numbersAt(be, 3, shift(3), n), numbersAt(be, 4, shift(4), n))
				return out[output]
			})
		}
	}
}

func TestBroadcastOverTiles(t *testing.T) {
	for _, shape := range [][3][]int{
		{{70, 33}, {70, 33}, {33}}, {{70, 33}, {70, 1}, {33}}, {{3, 5, 7, 11}, {3, 1, 7, 1}, {5, 1, 11}},
	} {
		eachShift(t, "Binary", 3, func(be kernels.Backend, shift func(int) int) tensor.Tensor {
			y := numbersAt(be, 1, shift(0), shape[0]...)
			kernels.Binary(be, kernels.Div, y, numbersAt(be, 2, shift(1), shape[1]...), numbersAt(be, 3, shift(2), shape[2]...))
			return y
		})
	}
}

// Whole numbers, whose sums are exact in any order, and maxima.
func TestReduceOfManyElements(t *testing.T) {
	be, oracle := cudatest.Open(t, cudatest.Options{}), ref.New()
	for _, c := range []struct{ y, x []int }{
		{[]int{1}, []int{1025}}, {[]int{3, 1}, []int{3, 2000}}, // a block for each
		{[]int{}, []int{70001}}, // parts of each
		{[]int{2, 1}, []int{2, 40000}},
		{[]int{1, 33}, []int{4500, 33}}, {[]int{2, 1, 5}, []int{2, 300, 5}}, // columns in parts
		{[]int{1, 3, 1}, []int{40, 3, 50}}, {[]int{2, 1, 3, 1}, []int{2, 20, 3, 70}}, // folds that are no neighbours
	} {
		n := 1
		for _, s := range c.x {
			n *= s
		}
		values := make([]float32, n)
		philox.New(1, uint64(n)).FillNormal(values, 0, 0, 100)
		for i, v := range values {
			values[i] = float32(math.Round(float64(v)))
		}
		for op := range kernels.NumReduceOps {
			for _, sick := range []bool{false, true} {
				if sick {
					values[n*3/4] = float32(math.NaN())
				}
				want, got := tensor.MustNew(oracle, tensor.F32, c.y...), tensor.MustNew(be, tensor.F32, c.y...)
				kernels.Reduce(oracle, op, want, placedAt(oracle, tensor.F32, tensor.Bytes(values), 0, c.x...))
				kernels.Reduce(be, op, got, placedAt(be, tensor.F32, tensor.Bytes(values), 1, c.x...))
				if err := be.Sync(); err != nil {
					t.Fatal(err)
				}
				wantBits(t, "Reduce("+op.String()+")", got, want)
				values[n*3/4] = 1
			}
		}
	}
}
