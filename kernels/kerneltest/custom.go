package kerneltest

import (
	"testing"

	"lamina/kernels"
	"lamina/tensor"
)

var customRows = []row{
	{"Custom", (*suite).custom},
}

// foreign is an operation from outside without code for any device.
type foreign struct{}

func (foreign) Name() string { return "foreign" }

// doubled is one with code for the host: y = 2·x.
type doubled struct{ y, x tensor.Tensor }

func (doubled) Name() string { return "doubled" }

func (k doubled) Len() int { return k.x.Len() }

func (k doubled) Run(from, to int) {
	y, x := tensor.HostFloats[float32](k.y), tensor.HostFloats[float32](k.x)
	for i := from; i < to; i++ {
		y[i] += 2 * x[i]
	}
}

// custom wants each piece of a kernel run once, or none if the backend has no use for
// code of the host, and no claim to have run what has no code.
func (s *suite) custom(t *testing.T) {
	if kernels.Custom(s.be, foreign{}) {
		t.Error("a kernel without code is said to have run")
	}
	for _, n := range []int{0, 1, 1000, 100_000} {
		x := newSource(uint64(n)).normal(n, 1)
		k := doubled{tensor.MustNew(s.be, tensor.F32, n), tensor.MustFromFloats(s.be, tensor.F32, x, n)}
		defer k.x.Free()
		defer k.y.Free()
		times := float32(0)
		if kernels.Custom(s.be, k) {
			times = 2
		}
		want := k.x.Float32s()
		for i, got := range k.y.Float32s() {
			if got != times*want[i] {
				t.Fatalf("%d elements: element %d is %v times %v", n, i, got, want[i])
			}
		}
	}
}
