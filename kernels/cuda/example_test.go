//go:build !cuda

package cuda_test

import (
	"fmt"

	"lamina/kernels/cuda"
)

// A program that was built without the tag says so.
func ExampleOpen() {
	_, err := cuda.Open(cuda.Options{})
	fmt.Println(err)
	// Output: cuda: built without CUDA: build with -tags cuda
}
