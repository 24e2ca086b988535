package cuda_test

import (
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/kerneltest"
)

// TestConformance holds some of the cases of every row, which the tests of each family go
// through with more, on two devices that run blocks in other orders: they have the same
// bits.
func TestConformance(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Clean: true})
	other := cudatest.Open(t, cudatest.Options{Seed: 5, Workers: 2, Multiprocessors: 7})
	o := kerneltest.Options{Same: []kernels.Backend{other}, Every: 5, Thin: 7}
	if testing.Short() {
		o.Every, o.Thin = 29, 13
	}
	kerneltest.Run(t, be, o)
}
