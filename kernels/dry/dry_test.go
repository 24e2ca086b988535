package dry_test

import (
	"testing"

	"lamina/kernels/dry"
	"lamina/tensor"
)

func TestDryMemoryReadsAsZero(t *testing.T) {
	be := &dry.Backend{}
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2}, 2)
	if got := x.Floats(); got[0] != 0 || got[1] != 0 || be.Name() != "dry" || be.Sync() != nil {
		t.Errorf("read back %v", got)
	}
}
