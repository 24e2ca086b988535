package cuda_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/kernels"
	"lamina/kernels/cuda/cudatest"
	"lamina/tensor"
)

// TestWorkIsDoneInOrder as package tensor has it: nothing is there before Sync, everything
// afterwards, in the order of the calls, freed memory included.
func TestWorkIsDoneInOrder(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	values := []float64{1, 2}
	x := tensor.MustFromFloats(be, tensor.F32, values, 2)
	y := tensor.MustNew(be, tensor.F32, 2)
	defer y.Free()
	kernels.AddScaled(be, y, x, 3)
	kernels.Fill(be, x, 0)
	x.Free()
	early := make([]float32, 2)
	mem, off := y.Memory()
	be.Download(tensor.Bytes(early), mem, off)
	if early[0] != 0 || early[1] != 0 {
		t.Errorf("before Sync %v is read", early)
	}
	if err := be.Sync(); err != nil {
		t.Fatal(err)
	}
	if early[0] != 3 || early[1] != 6 {
		t.Errorf("after Sync %v is read", early)
	}
	kernels.Fill(be, y, 5)
	queue, err := be.Queue()
	if err != nil {
		t.Fatal(err)
	}
	z := tensor.MustNew(queue, tensor.F32, 2)
	defer z.Free()
	kernels.AddScaled(queue, z, y, 1)
	if got := z.Floats(); got[1] != 5 {
		t.Errorf("work before the queue was made comes to %v", got)
	}
}

// TestArenaIsTheStepsMemory: after the first pass an arena asks the device for nothing,
// and a pass waits for nothing.
func TestArenaIsTheStepsMemory(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{Clean: true})
	arena := tensor.NewArena(be)
	defer arena.Close()
	pass := func() tensor.Tensor {
		arena.Reset()
		x := tensor.Must(arena.New(tensor.F32, 1000))
		kernels.Fill(be, x, 1)
		for range 20 {
			mark := arena.Begin()
			y := tensor.Must(arena.New(tensor.F32, 1000))
			kernels.Fill(be, y, 2)
			kernels.AddScaled(be, x, y, 0.5)
			arena.End(mark)
		}
		return x
	}
	pass()
	taken := be.Count("cuMemAlloc_v2")
	for range 5 {
		pass()
	}
	if n := be.Count("cuMemAlloc_v2") - taken; n != 0 {
		t.Errorf("%d times memory from the driver after the first pass", n)
	}
	if n := be.Count("cuStreamSynchronize") + be.Count("cuEventSynchronize"); n != 0 {
		t.Errorf("%d waits", n)
	}
	for _, v := range pass().Float32s() {
		if v != 21 {
			t.Fatalf("%v, want 21", v)
		}
	}
	_, err := be.Alloc(2 << 30)
	if err == nil || !strings.Contains(err.Error(), ": arenas 32 MiB") {
		t.Errorf("who holds most is not told: %v", err)
	}
}

// TestWeightsStayAsTheFileHasThem: a wrapped block type takes its own bytes.
func TestWeightsStayAsTheFileHasThem(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	raw := make([]byte, 3*tensor.Q8_0.BlockBytes())
	for i := range raw {
		raw[i] = byte(i)
	}
	w := tensor.Must(tensor.Wrap(be, tensor.Q8_0, raw, 3, tensor.Q8_0.BlockLen()))
	defer w.Free()
	if mem, _ := w.Memory(); mem.Len() != len(raw) || !slices.Equal(w.Raw(), raw) {
		t.Errorf("%d bytes %x", mem.Len(), w.Raw())
	}
}

// TestBadIDsShowAtSync, with the words of a host backend, and everything is NaN from then
// on.
func TestBadIDsShowAtSync(t *testing.T) {
	be := cudatest.Open(t, cudatest.Options{})
	table := tensor.MustNew(be, tensor.F32, 5, 4)
	rows := tensor.MustNew(be, tensor.F32, 3, 4)
	ids := tensor.MustFromInts(be, []int32{0, 3, 5}, 3)
	kernels.Gather(be, rows, table, ids)
	err := be.Sync()
	if want := "kernels: Gather: id out of range [0, 5): place 2, id 5"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("the error is %v, want %s", err, want)
	}
	if v := rows.Floats()[0]; !math.IsNaN(v) {
		t.Errorf("a failed queue delivers %v", v)
	}
}
