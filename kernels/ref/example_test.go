package ref_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

func Example() {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F64, []float64{1, 2, 3, 4}, 2, 2)
	w := tensor.MustFromFloats(be, tensor.BF16, []float64{1, 0, 1, -1, 0.5, 0.5}, 3, 2)
	bias := tensor.MustFromFloats(be, tensor.F64, []float64{0, 0, 10}, 3)
	y := tensor.MustNew(be, tensor.F64, 2, 3)
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true, Bias: bias})
	fmt.Println(y.Floats())
	// Output: [1 -1 11.5 3 -1 13.5]
}
