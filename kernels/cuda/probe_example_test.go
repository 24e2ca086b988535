//go:build !cuda

package cuda_test

import (
	"fmt"

	"lamina/kernels/cuda"
)

// A program that was built without the tag says so in its report too.
func ExampleProbe() {
	r := cuda.Probe()
	fmt.Println(r.Built, len(r.Tried))
	fmt.Println(r.Usable(0))
	// Output:
	// false 0
	// cuda: built without CUDA: build with -tags cuda
}
