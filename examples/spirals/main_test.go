package main

import (
	"math"
	"testing"

	"lamina/autograd"
	"lamina/autograd/gradcheck"
	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/kernels/ref"
	"lamina/tensor"
)

func Example() {
	main()
	// Output:
	// step   0  loss 0.9
	// step 100  loss 0.0
	// step 200  loss 0.0
	// right on 100% of the points between
}

// TestBumpGradient holds the operation's gradient against differences in float64.
func TestBumpGradient(t *testing.T) {
	be := ref.New()
	x := tensor.MustFromFloats(be, tensor.F64, []float64{-2.5, -1, -0.1, 0, 0.3, 1.7}, 2, 3)
	worst, err := gradcheck.Check(be, func(p *autograd.Pass, in []autograd.Var) autograd.Var {
		return bump(p, in[0])
	}, x)
	if err != nil {
		t.Errorf("worst relative error %g: %v", worst, err)
	}
}

// TestBumpOfItsOwnCode holds the kernel against the operations that stand in for it
// where a backend has no use for it.
func TestBumpOfItsOwnCode(t *testing.T) {
	be := ref.New()
	p := autograd.NewPass(be)
	values := []float64{-2.5, -1, -0.1, 0, 0.3, 1.7}
	x := p.Input(tensor.MustFromFloats(be, tensor.F32, values, 6))
	wide := p.Input(tensor.MustFromFloats(be, tensor.F64, x.T.Floats(), 6)) // no code for F64
	want := bump(p, wide).T.Floats()
	for i, got := range bump(p, x).T.Floats() {
		if math.Abs(got-want[i]) > 1e-7 {
			t.Errorf("bump(%v) = %v, want %v", values[i], got, want[i])
		}
	}
}

// TestBumpOnGPU runs the PTX on a simulated GPU.
func TestBumpOnGPU(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	values := []float64{-9, -2.5, -1, -0.1, 0, 0.3, 1.7}
	x, y := tensor.MustFromFloats(be, tensor.F32, values, 7), tensor.MustNew(be, tensor.F32, 7)
	if !kernels.Custom(be, bumpKernel{y, x}) {
		t.Fatal("the GPU has no use for the kernel")
	}
	for i, got := range y.Floats() {
		v := x.Floats()[i]
		if want := math.Exp(-v * v); math.Abs(got-want) > 1e-5*want {
			t.Errorf("bump(%v) = %v, want %v", values[i], got, want)
		}
	}
}

// TestSameOnReference trains on the oracle backend: the example depends on no
// device.
func TestSameOnReference(t *testing.T) {
	if testing.Short() {
		t.Skip("the reference backend is slow; Example trains on the fast one")
	}
	be := ref.New()
	net, err := train(be, func(int, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	if got := net.accuracy(be); got < 1 {
		t.Errorf("right on %.3f of the points, want all", got)
	}
}
