package dry_test

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/dry"
	"lamina/tensor"
)

// How much memory a product's operands take, asked before any of it is there.
func Example() {
	be := &dry.Backend{}
	a := tensor.MustNew(be, tensor.F32, 64, 500)
	b := tensor.MustNew(be, tensor.BF16, 1000, 500)
	c := tensor.MustNew(be, tensor.F32, 64, 1000)
	kernels.MatMul(be, kernels.MatMulArgs{C: c, A: a, B: b, TransB: true}) // checks the shapes
	fmt.Println(be.Bytes, "bytes")
	// Output: 1384000 bytes
}
