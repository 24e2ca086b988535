package kerneltest_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// A counting backend shows what was computed: here a product of 2·M·N·P = 48
// operations, with a 16-bit weight.
func ExampleCounting() {
	be := kerneltest.NewCounting(ref.New())
	x := tensor.MustNew(be, tensor.F32, 2, 4)
	w := tensor.MustNew(be, tensor.BF16, 3, 4)
	y := tensor.MustNew(be, tensor.F32, 2, 3)
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: w, TransB: true})

	p := be.Products()[0]
	fmt.Println(be.Times("MatMul"), be.FLOPs(), p.M, p.N, p.P, p.TransA, p.TransB, p.B)
	// Output: 1 48 2 3 4 false true BF16
}
