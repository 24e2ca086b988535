package cpu_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// A Linear's weight is stored [out in], as checkpoints have it: TransB.
func ExampleBackend_MatMul() {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 3, 4}, 2, 2)
	w := tensor.MustFromFloats(be, tensor.BF16, []float64{1, 0, 0, 1, 1, 1}, 3, 2)
	y := tensor.MustNew(be, tensor.F32, 2, 3)
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true})
	fmt.Println(y.Floats())
	// Output: [1 2 3 3 4 7]
}
