package cuda_test

import (
	"testing"

	"lamina/internal/cases"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
)

// TestConformanceOnASimulatedGPU holds some of the cases of every row, which the tests of each family go
// through with more, on two devices that run blocks in other orders: they have the same
// bits.
func TestConformanceOnASimulatedGPU(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Clean: true})
	other := cudatest.Open(t, cudatest.Options{Seed: 5, Workers: 2, Multiprocessors: 7})
	o := kerneltest.Options{Same: []kernels.Backend{other}, Every: 5, Thin: 7}
	if cases.Few() {
		o.Every, o.Thin = 37, 17
	}
	kerneltest.Run(t, be, o)
}

// TestConcurrent is for the race detector, under which the rows take minutes.
func TestConcurrent(t *testing.T) {
	kerneltest.Run(t, cudatest.Open(t, cudatest.Options{}), kerneltest.Options{Only: []string{"Concurrent"}})
}
