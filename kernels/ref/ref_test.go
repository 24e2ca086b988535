package ref_test

import (
	"testing"

	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
)

// float32 ref against float64 ref: whatever fails here is a bound too tight or a
// contract that the oracle itself breaks.
func TestConformance(t *testing.T) {
	kerneltest.Run(t, ref.New(), kerneltest.Options{F64: true})
}

func FuzzShapes(f *testing.F) {
	kerneltest.Fuzz(f, ref.New(), kerneltest.Options{F64: true})
}
