package cuda_test

import (
	"os"
	"strconv"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda"
	"lamina/kernels/kerneltest"
)

// TestHardware holds a GPU against the contracts of package kernels: the one that
// LAMINA_CUDA names by its number. Without the variable, or a GPU, it skips and says why.
// The test binary for a host without Go:
//
//	go test -c -tags cuda ./kernels/cuda
//	LAMINA_CUDA=0 ./cuda.test -test.run '^TestHardware'
func TestHardware(t *testing.T) {
	name := os.Getenv("LAMINA_CUDA")
	if name == "" {
		t.Skip("LAMINA_CUDA names no GPU to test")
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		t.Fatalf("LAMINA_CUDA=%s is no number of a GPU", name)
	}
	if err := cuda.Probe().Usable(n); err != nil {
		t.Skip(err)
	}
	for _, precision := range []cuda.Precision{cuda.F32} {
		open := func(o cuda.Options) kernels.Backend {
			o.Device, o.Precision = n, precision
			be, err := cuda.Open(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := be.Close(); err != nil {
					t.Error(err)
				}
			})
			return be
		}
		be, poisoned := open(cuda.Options{}), open(cuda.Options{Poison: true})
		t.Log(be.Name())
		kerneltest.Run(t, be, kerneltest.Options{Same: []kernels.Backend{poisoned}})
	}
}
