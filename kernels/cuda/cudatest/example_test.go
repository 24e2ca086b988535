package cudatest_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
)

// Kernels run in an interpreter, as late as a GPU may run them.
func Example() {
	be, err := cudatest.Start(cudatest.Options{})
	if err != nil {
		panic(err)
	}
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2, 3}, 3)
	y := tensor.MustNew(be, tensor.F32, 3)
	kernels.AddScaled(be, y, x, 2)
	fmt.Println(be.Name(), y.Floats())
	x.Free()
	y.Free()
	fmt.Println(be.Close())
	// Output:
	// cuda/sm_90/NVIDIA-H200-(simulated) [2 4 6]
	// <nil>
}
