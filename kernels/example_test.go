package kernels_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// A ragged batch of two sequences, of three and of one row: a row sees its own
// sequence up to itself. With equal keys it takes the mean of the values.
func ExampleAttention() {
	be := ref.New()
	q, k := tensor.MustNew(be, tensor.F32, 4, 1), tensor.MustNew(be, tensor.F32, 4, 1)
	v := tensor.MustFromFloats(be, tensor.F32, []float64{1, 3, 8, 5}, 4, 1)
	out := tensor.MustNew(be, tensor.F32, 4, 1)
	kernels.Attention(be, kernels.AttentionArgs{
		Out: out, Q: q, K: k, V: v,
		Segments: []kernels.Segment{{Start: 0, Len: 3}, {Start: 3, Len: 1}},
		Heads:    1, KVHeads: 1, HeadDim: 1, Scale: 1,
	})
	fmt.Println(out.Floats())
	// Output: [1 2 4 5]
}

func ExampleMatMul() {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	w := tensor.MustFromFloats(be, tensor.F16, []float64{1, 1, 1, 0, 0, 1}, 2, 3) // [out in]
	y := tensor.MustNew(be, tensor.F32, 2, 2)
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true})
	fmt.Println(y.Floats())
	// Output: [6 3 15 6]
}

func ExampleBinary() {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	mean := tensor.MustFromFloats(be, tensor.F32, []float64{2, 5}, 2, 1)
	kernels.Binary(be, kernels.Sub, x, x, mean) // in place
	fmt.Println(x.Floats())
	// Output: [-1 0 1 -1 0 1]
}
