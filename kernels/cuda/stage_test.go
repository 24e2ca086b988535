package cuda

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/tensor"
)

// TestCopiesGoThroughPinnedMemory: of any size, in order, with the source free at once
// and the destination ready after Sync.
func TestCopiesGoThroughPinnedMemory(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{Poison: true}, door.Options{})
	random := rand.New(rand.NewPCG(1, 1))
	const most = 50_000 // a dozen halves
	mem := tensor.Must(be.Alloc(most))
	defer mem.Free()
	want := make([]byte, most)
	var src, dst []byte
	for range 60 {
		n := 1 + random.IntN(most)
		if random.IntN(2) == 0 {
			n = 1 + random.IntN(300)
		}
		at := random.IntN(most - n + 1)
		src = append(src[:0], make([]byte, n)...)
		for i := range src {
			src[i] = byte(random.Uint32())
		}
		copy(want[at:], src)
		be.Upload(mem, at, src)
		clear(src)
	}
	dst = make([]byte, most)
	be.Download(dst, mem, 0)
	small := make([]byte, 10)
	be.Download(small, mem, most-10)
	if err := be.Sync(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst, want) || !bytes.Equal(small, want[most-10:]) {
		t.Error("other bytes come back")
	}
	weight := tensor.Must(be.Wrap(want))
	defer weight.Free()
	be.Download(dst, weight, 0)
	if err := be.Sync(); err != nil || !bytes.Equal(dst, want) {
		t.Errorf("wrapped bytes are others (%v)", err)
	}
}

// TestSmallUploadsDoNotWait: a step's uploads cost no wait as long as they fit.
func TestSmallUploadsDoNotWait(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{Stage: 64 << 10})
	x := tensor.MustNew(be, tensor.F32, 16)
	defer x.Free()
	for range 500 {
		x.SetFloat32s(make([]float32, 16))
		be.fill(x, 1)
	}
	if n := be.m.Count("cuStreamSynchronize") + be.m.Count("cuEventSynchronize"); n != 0 {
		t.Errorf("%d waits", n)
	}
}

// TestFailedQueueDeliversOnes: for what was asked before the error was known too, and
// nothing is launched afterwards.
func TestFailedQueueDeliversOnes(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 8)
	defer x.Free()
	mem, _ := x.Memory()
	before, after := make([]byte, 32), make([]byte, 32)
	be.Download(before, mem, 0)
	cause := errors.New("cause")
	be.fail(cause)
	launches := be.m.Count("cuLaunchKernel")
	be.fill(x, 1)
	be.Download(after, mem, 0)
	for range 2 {
		if err := be.Sync(); !errors.Is(err, cause) {
			t.Errorf("Sync returns %v", err)
		}
	}
	ones := bytes.Repeat([]byte{0xFF}, 32)
	if !bytes.Equal(before, ones) || !bytes.Equal(after, ones) {
		t.Errorf("%x and %x are delivered", before, after)
	}
	if be.m.Count("cuLaunchKernel") != launches {
		t.Error("a failed queue works")
	}
	if _, err := be.queue(); !errors.Is(err, cause) {
		t.Errorf("a queue of a failed one: %v", err)
	}
}

// TestBadIDs: the fault word comes back as what host backends panic with.
func TestBadIDs(t *testing.T) {
	kernels := goKernels()
	fault := []byte{faultScatterAdd, 0, 0, 0, 7, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 50, 0, 0, 0}
	kernels["lamina_fill"] = func(l sim.Launch) error {
		b, err := l.Memory(uint64(l.Params[0])|uint64(l.Params[1])<<8|uint64(l.Params[2])<<16|uint64(l.Params[3])<<24|uint64(l.Params[4])<<32|uint64(l.Params[5])<<40, faultBytes)
		copy(b, fault)
		return err
	}
	be := simulated(t, sim.Options{Kernels: kernels}, Options{}, door.Options{})
	l := be.start("lamina_fill")
	l.ptr(be.faultPtr())
	l.u64(1)
	l.f32(1)
	l.launch(1, 32)
	err := be.Sync()
	if want := "kernels: ScatterAdd: id out of range [0, 50): place 7, id -2"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestADeadDeviceIsSoForAllQueues: an error after which the driver takes nothing is
// everybody's, and Close still ends.
func TestADeadDeviceIsSoForAllQueues(t *testing.T) {
	fail := func(call string, n int) int {
		if call == "cuStreamSynchronize" && n == 2 {
			return 700
		}
		return 0
	}
	be := simulated(t, sim.Options{Fail: fail}, Options{}, door.Options{})
	q, err := be.queue()
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.MustNew(be, tensor.F32, 8)
	be.fill(x, 1)
	if err := q.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*Backend{be.Backend, q} {
		if err := b.Sync(); !errors.Is(err, drv.ErrSticky) || !strings.Contains(err.Error(), "lamina_fill") {
			t.Errorf("Sync returns %v", err)
		}
	}
	x.Free()
	if err := be.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
