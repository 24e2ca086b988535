package cuda

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/tensor"
)

// hardware opens a GPU: the one that LAMINA_CUDA names by its number. Without the variable,
// or a GPU, the test skips and says why. The test binary for a host without Go:
//
//	go test -c -tags cuda ./kernels/cuda
//	LAMINA_CUDA=0 ./cuda.test -test.run '^TestHardware'
func hardware(t *testing.T, o Options) *Backend {
	t.Helper()
	name := os.Getenv("LAMINA_CUDA")
	if name == "" {
		t.Skip("LAMINA_CUDA names no GPU to test")
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		t.Fatalf("LAMINA_CUDA=%s is no number of a GPU", name)
	}
	if err := Probe().Usable(n); err != nil {
		t.Skip(err)
	}
	o.Device = n
	be, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := be.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Log(be.Name())
	return be
}

// TestHardware holds a GPU against the contracts of package kernels: with products in F32
// all of it, in BF16 the products. With -test.short a part of the cases.
func TestHardware(t *testing.T) {
	o := kerneltest.Options{}
	if testing.Short() {
		o.Every, o.Thin = 5, 3
	}
	t.Run("f32", func(t *testing.T) {
		be, other := hardware(t, Options{}), hardware(t, Options{Poison: true})
		o.Same = []kernels.Backend{other}
		kerneltest.Run(t, be, o)
	})
	t.Run("bf16", func(t *testing.T) {
		be, other := hardware(t, Options{Precision: kernels.PrecisionBF16}), hardware(t, Options{Precision: kernels.PrecisionBF16, Poison: true})
		o.Same = []kernels.Backend{other}
		kerneltest.RunProducts(t, be, kernels.PrecisionBF16, o)
	})
}

// TestHardwareSteps: a step that is a graph comes to the bits of its kernels one by one.
func TestHardwareSteps(t *testing.T) {
	be := hardware(t, Options{})
	want := decode(bare{Backend: hardware(t, Options{Eager: true})}, 12, nil)
	if got := decode(bare{Backend: be}, 12, nil); !slices.Equal(got, want) {
		t.Error("a graph comes to other numbers")
	}
	if n := be.dev.graphLaunches.Load(); n != 11 {
		t.Errorf("%d graphs launched, want 11", n)
	}
}

// TestHardwareQueues: what one queue was given before comes first on another.
func TestHardwareQueues(t *testing.T) {
	be := hardware(t, Options{Poison: true})
	for range 20 {
		x := tensor.MustNew(be, tensor.F32, 1<<20)
		for v := range 30 {
			fillOn(be, x, float32(v))
		}
		q, err := be.queue()
		if err != nil {
			t.Fatal(err)
		}
		y := tensor.MustNew(q, tensor.F32, 1<<20)
		addOn(q, y, x, 2)
		x.Free()
		z := tensor.MustNew(be, tensor.F32, 1<<20)
		fillOn(be, z, -1)
		wantAll(t, y, 58)
		wantAll(t, z, -1)
		y.Free()
		z.Free()
	}
}
