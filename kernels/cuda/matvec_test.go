package cuda_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
)

// stored returns n numbers as weights of type d keep them, and what they are.
func stored(t *testing.T, random *rand.Rand, d tensor.DType, n int) (raw []byte, values []float32) {
	t.Helper()
	raw, values = make([]byte, d.Bytes(n)), make([]float32, n)
	if d.IsBlock() {
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		scale := func(b []byte) { tensor.EncodeF32(b[:2], []float32{float32(random.NormFloat64()) / 16}, tensor.F16) }
		for b := raw; len(b) > 0; b = b[d.BlockBytes():] {
			switch d {
			case tensor.Q6_K:
				scale(b[208:])
			case tensor.Q4_1, tensor.Q5_1, tensor.Q4_K, tensor.Q5_K:
				scale(b[2:])
				fallthrough
			default:
				scale(b)
			}
		}
	} else {
		for i := range values {
			values[i] = float32(random.NormFloat64())
		}
		if d == tensor.F64 {
			wide := make([]float64, n)
			for i, v := range values {
				wide[i] = float64(v)
			}
			raw = tensor.Bytes(wide)
		} else {
			tensor.EncodeF32(raw, values, d)
		}
	}
	tensor.DecodeF32(values, raw, d)
	return raw, values
}

// Long rows, of which a lane reads several runs at a time: against float64, with the same
// bits alone and in company, and at an address that is read number by number.
func TestVectorProductsOfLongRows(t *testing.T) {
	const m, n, k, last = 11, 5, 3 * 2048, 10 // rows of two groups of 8, or three of 4
	be := cudatest.Open(t, cudatest.Options{})
	random := rand.New(rand.NewPCG(7, 8))
	x := make([]float64, 1+m*k)
	for i := range x {
		x[i] = float64(float32(random.NormFloat64()))
	}
	a := tensor.MustFromFloats(be, tensor.F32, x[1:], m, k)
	shifted := tensor.MustFromFloats(be, tensor.F32, x, len(x)).Slice(1, 1+m*k).Reshape(m, k)
	for _, d := range []tensor.DType{
		tensor.F32, tensor.F64, tensor.F16, tensor.BF16, tensor.Q4_0, tensor.Q4_1, tensor.Q5_0, tensor.Q5_1, tensor.Q8_0, tensor.Q4_K, tensor.Q5_K, tensor.Q6_K,
	} {
		raw, values := stored(t, random, d, n*k)
		w := tensor.MustNew(be, d, n, k)
		w.SetRaw(raw)
		run := func(a tensor.Tensor) []float64 {
			c := tensor.MustNew(be, tensor.F32, a.Rows(), n)
			kernels.MatVec(be, kernels.MatMulArgs{C: c, A: a, B: w, TransB: true})
			return c.Floats()
		}
		got := run(a)
		for i, v := range got {
			var want, size float64
			for l := range k {
				term := x[1+i/n*k+l] * float64(values[i%n*k+l])
				want, size = want+term, size+math.Abs(term)
			}
			if bound := 0x1p-24 * 16 * size; !(math.Abs(v-want) <= bound) {
				t.Fatalf("%v: [%d] = %v, want %v within %.3g", d, i, v, want, bound)
			}
		}
		if alone := run(a.Slice(last, last+1)); !slices.Equal(alone, got[last*n:]) {
			t.Errorf("%v: a row alone has %v, in company %v", d, alone, got[last*n:])
		}
		if there := run(shifted.Slice(last-1, last+1)); !slices.Equal(there, got[(last-1)*n:]) {
			t.Errorf("%v: rows at another address have %v, not %v", d, there, got[(last-1)*n:])
		}
	}
}
