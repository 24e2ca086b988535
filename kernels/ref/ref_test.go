package ref_test

import (
	"testing"

	"lamina/internal/cases"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
)

// float32 ref against float64 ref: whatever fails here is a bound too tight or a
// contract that the oracle itself breaks.
// TestConformance of the loops that the others are held against.
func TestConformance(t *testing.T) {
	kerneltest.Run(t, ref.New(), kerneltest.Options{F64: true, Every: cases.Each(7), Thin: cases.Each(7)})
}

func FuzzShapes(f *testing.F) {
	kerneltest.Fuzz(f, ref.New(), kerneltest.Options{F64: true})
}
