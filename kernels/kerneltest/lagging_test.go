package kerneltest

import (
	"math"
	"testing"

	"lamina/kernels"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestLaggingWaitsForSync: nothing is there before, everything afterwards, in the order
// of the calls, freed memory included.
func TestLaggingWaitsForSync(t *testing.T) {
	inner := ref.New()
	be := NewLagging(inner)
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2}, 2)
	y := tensor.MustNew(be, tensor.F32, 2)
	kernels.AddScaled(be, y, x, 3)
	kernels.Fill(be, x, 0)
	x.Free()
	early := make([]float32, 2)
	mem, off := y.Memory()
	be.Download(tensor.Bytes(early), mem, off)
	if !math.IsNaN(float64(early[0])) || inner.Held() != 16 {
		t.Errorf("before Sync %v is read and %d bytes are held", early, inner.Held())
	}
	if err := be.Sync(); err != nil {
		t.Fatal(err)
	}
	if early[0] != 3 || early[1] != 6 || inner.Held() != 8 {
		t.Errorf("after Sync %v is read and %d bytes are held", early, inner.Held())
	}
	kernels.Fill(be, y, 5)
	queue, err := be.Queue()
	if err != nil {
		t.Fatal(err)
	}
	z := tensor.MustNew(queue, tensor.F32, 2)
	kernels.AddScaled(queue, z, y, 1)
	if got := z.Floats(); got[1] != 5 {
		t.Errorf("work before the queue was made comes to %v", got)
	}
}
