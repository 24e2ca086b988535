package tensor_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestHostCountsWhatItHandsOut: what is freed is no longer held, once.
func TestHostCountsWhatItHandsOut(t *testing.T) {
	var h tensor.Host
	a, b := tensor.Must(h.Alloc(100)), tensor.Must(h.Alloc(28))
	w := tensor.Must(h.Wrap(make([]byte, 64)))
	if h.Held() != 128 {
		t.Errorf("%d bytes held, want 128", h.Held())
	}
	a.Free()
	a.Free()
	w.Free()
	if h.Held() != 28 || a.Len() != 0 {
		t.Errorf("%d bytes held after a is freed, want 28", h.Held())
	}
	b.Free()
	if h.Held() != 0 || h.Close() != nil {
		t.Errorf("%d bytes held at the end", h.Held())
	}
}

// TestHostRefusesWhatTheMachineLacks: an error with three numbers, where taking the
// memory would end the program.
func TestHostRefusesWhatTheMachineLacks(t *testing.T) {
	be := ref.New()
	free, total := be.Memory()
	if total == 0 {
		t.Skip("this system does not say what memory it has")
	}
	if free <= 0 || free > total {
		t.Errorf("%d bytes free of %d", free, total)
	}
	tensor.MustNew(be, tensor.F32, 25)
	_, err := tensor.New(be, tensor.F32, 1<<40)
	var oom *tensor.OutOfMemory
	if !errors.As(err, &oom) || oom.Wanted != 1<<42 || oom.Free <= 0 || oom.Free > total || oom.Held != 100 {
		t.Fatalf("4 TiB: %v", err)
	}
	if text := err.Error(); !strings.Contains(text, "wanted 4 TiB, free ") || !strings.HasSuffix(text, "held 100 B") {
		t.Errorf("the error says %q", text)
	}
	for _, make := range []func() error{
		func() error { _, err := tensor.FromFloats(refusing{}, tensor.F32, []float64{1}, 1); return err },
		func() error { _, err := tensor.FromFloat32s(refusing{}, tensor.F16, []float32{1}, 1); return err },
		func() error { _, err := tensor.FromInts(refusing{}, []int32{1}, 1); return err },
		func() error { _, err := tensor.Wrap(refusing{}, tensor.U8, []byte{1}, 1); return err },
		func() error { return tensor.NewArena(refusing{}).Reserve(1) },
	} {
		if err := make(); !errors.As(err, &oom) {
			t.Errorf("a device without memory: %v", err)
		}
	}
}

// refusing is a device without memory.
type refusing = tensor.Nowhere

// TestNoMemoryReadsAsNothing: NaN and -1, through every view.
func TestNoMemoryReadsAsNothing(t *testing.T) {
	cause := errors.New("cause")
	x := tensor.NoMemory(cause, tensor.F32, 2, 3)
	x.SetFloats(make([]float64, 6))
	for _, d := range []tensor.DType{tensor.F64, tensor.F32, tensor.F16, tensor.BF16} {
		for _, v := range tensor.NoMemory(cause, d, 4).Floats() {
			if !math.IsNaN(v) {
				t.Errorf("%v reads as %v", d, v)
			}
		}
	}
	ids := x.Slice(1, 2).Reshape(3).As(tensor.I32, 3)
	for _, id := range ids.Ints() {
		if id != -1 {
			t.Errorf("an id reads as %d", id)
		}
	}
	if ids.Err() != cause || x.Overlaps(x) || x.Overlaps(tensor.Tensor{}) {
		t.Errorf("error %v; it overlaps something", ids.Err())
	}
	if tensor.MustNew(ref.New(), tensor.F32, 1).Err() != nil || (tensor.Tensor{}).Err() != nil {
		t.Error("a tensor with memory, or none at all, has an error")
	}
	x.Free()
}

// TestArenaGivesBack: chunks that one replaces, and all of them at Close.
func TestArenaGivesBack(t *testing.T) {
	be := ref.New()
	a := tensor.NewArena(be)
	if err := a.Reserve(1 << 10); err != nil {
		t.Fatal(err)
	}
	tensor.Must(a.New(tensor.U8, 1<<10))
	tensor.Must(a.New(tensor.U8, 1<<11)) // does not fit: a second chunk
	both := int64(a.Capacity())
	if be.Held() != both {
		t.Errorf("%d bytes held, the arena has %d", be.Held(), both)
	}
	a.Reset()
	if be.Held() != 0 {
		t.Errorf("%d bytes held after the pieces are given back", be.Held())
	}
	tensor.Must(a.New(tensor.U8, 1))
	if be.Held() != both {
		t.Errorf("%d bytes held by the one chunk in place of two, want %d", be.Held(), both)
	}
	a.Close()
	a.Close()
	if be.Held() != 0 || a.InUse() != 0 || a.Capacity() != 0 {
		t.Errorf("%d bytes held after Close, %d in use", be.Held(), a.InUse())
	}
	tensor.Must(a.New(tensor.U8, 1)) // can be used again
}

// TestArenaRefusedIsAsBefore: an error leaves the counts and the scope alone.
func TestArenaRefusedIsAsBefore(t *testing.T) {
	a := tensor.NewArena(refusing{})
	mark := a.Begin()
	if _, err := a.New(tensor.F32, 1000); err == nil {
		t.Fatal("no error")
	}
	if a.InUse() != 0 || a.Peak() != 0 || a.Extent() != 0 || a.Begin() != mark {
		t.Errorf("%d bytes in use, %d at the peak, extent %d", a.InUse(), a.Peak(), a.Extent())
	}
}
