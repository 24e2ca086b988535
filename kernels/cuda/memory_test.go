package cuda

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/tensor"
)

// TestAllocIsZeroed, aligned, and used again in the order of the queue.
func TestAllocIsZeroed(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{Poison: true}, door.Options{})
	for range 3 {
		x := tensor.MustNew(be, tensor.F32, 300)
		m, _ := x.Memory()
		if p := m.(*memory).block.ptr; p%512 != 0 {
			t.Errorf("memory at %#x", uint64(p))
		}
		wantAll(t, x, 0)
		be.fill(x, 7)
		x.Free()
		x.Free()
	}
	if n := be.m.Count("cuMemAlloc_v2"); n != 1 {
		t.Errorf("%d segments for one block at a time", n)
	}
	empty := tensor.MustNew(be, tensor.F32, 0)
	if err := be.Sync(); err != nil || len(empty.Raw()) != 0 {
		t.Error(err)
	}
	empty.Free()
}

// TestPoolKeepsItsBooks: blocks do not overlap, neighbours become one, and what is not in
// use goes back to the driver.
func TestPoolKeepsItsBooks(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	var live []tensor.Memory
	for step := range 3000 {
		if i := random.IntN(40); i < len(live) {
			live[i].Free()
			live = slices.Delete(live, i, i+1)
		} else {
			size := 1 + random.IntN(100_000)
			if step%50 == 0 {
				size += 3 << 20
			}
			live = append(live, tensor.Must(be.Alloc(size)))
		}
		if step%100 == 0 {
			checkBooks(t, be.Backend, live)
		}
	}
	for _, m := range live {
		m.Free()
	}
	be.mu.Lock()
	be.pool.trim()
	be.mu.Unlock()
	u := &be.dev.usage
	if left := len(be.pool.segments); left != 1 { // the one with the fault word
		t.Errorf("%d segments left", left)
	}
	if u.held[tagTensor].Load() != 0 || u.reserved.Load() != smallSegment {
		t.Errorf("%d bytes held, %d reserved", u.held[tagTensor].Load(), u.reserved.Load())
	}
}

func checkBooks(t *testing.T, be *Backend, live []tensor.Memory) {
	t.Helper()
	type span struct{ from, to uint64 }
	var spans []span
	held := int64(0)
	for _, m := range live {
		b := m.(*memory).block
		if b.free || b.size < b.asked || b.epoch != m.(*memory).epoch {
			t.Fatalf("block %+v", b)
		}
		spans = append(spans, span{uint64(b.ptr), uint64(b.ptr) + uint64(b.size)})
		held += b.asked
	}
	for _, list := range [][]*block{be.pool.small, be.pool.large} {
		if !slices.IsSortedFunc(list, bySize) {
			t.Fatal("free blocks are not in order")
		}
		for _, b := range list {
			if !b.free || b.next != nil && b.next.free {
				t.Fatalf("free neighbours, or a block in use among the free ones: %+v", b)
			}
			spans = append(spans, span{uint64(b.ptr), uint64(b.ptr) + uint64(b.size)})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(int64(a.from) - int64(b.from)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			t.Fatalf("blocks overlap: %#x", spans[i].from)
		}
	}
	if got := be.dev.usage.held[tagTensor].Load(); got != held {
		t.Fatalf("%d bytes held, the books say %d", held, got)
	}
}

// TestOutOfMemorySaysWho: what is cached is given back first; then the error has the
// numbers and who holds most, and everything goes on.
func TestOutOfMemorySaysWho(t *testing.T) {
	be := simulated(t, sim.Options{Devices: []sim.Device{{Memory: 64 << 20}}}, Options{}, door.Options{})
	tensor.Must(be.Alloc(30 << 20)).Free()
	big := tensor.Must(be.Alloc(55 << 20)) // fits only where the 30 MiB were
	weight := tensor.Must(be.Wrap(make([]byte, 900)))
	_, err := be.Alloc(20 << 20)
	var oom *tensor.OutOfMemory
	if !errors.As(err, &oom) || oom.Wanted != 20<<20 || oom.Held != 55<<20+900+faultBytes {
		t.Fatalf("%v", err)
	}
	for _, part := range []string{"wanted 20 MiB", "free ", "cached ", "tensors 55 MiB", "weights 900 B", "pinned"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %v", part, err)
		}
	}
	if err := be.Sync(); err != nil {
		t.Errorf("a refused Alloc is the queue's error: %v", err)
	}
	big.Free()
	again := tensor.Must(be.Alloc(20 << 20))
	again.Free()
	weight.Free()

	s := be.scratch(100 << 20)
	x := tensor.MustNew(be, tensor.F32, 4)
	be.fill(x, 1)
	s.free()
	if err := be.Sync(); !errors.As(err, &oom) || s.Ptr != 0 {
		t.Errorf("scratch that is refused: %v", err)
	}
	if v := x.Float32s()[0]; v == v {
		t.Errorf("a failed queue delivers %v", v)
	}
}

// TestOutOfMemoryNamesTheLargestFive of all that hold memory, the largest first.
func TestOutOfMemoryNamesTheLargestFive(t *testing.T) {
	be := simulated(t, sim.Options{Devices: []sim.Device{{Memory: 64 << 20}}}, Options{}, door.Options{})
	tensor.Must(be.Wrap(make([]byte, 2<<20)))
	tensor.Must(be.Alloc(3 << 20))
	tensor.Must(be.AllocArena(5<<20, true))
	defer be.scratch(4 << 20).free()
	_, err := be.Alloc(60 << 20)
	if err == nil || !strings.HasSuffix(err.Error(), ": arenas 5 MiB, scratch 4 MiB, tensors 3 MiB, weights 2 MiB, pinned 8 KiB") { // the sixth are tables
		t.Errorf("the error is %v", err)
	}
}

// TestFreedMemoryIsPoison: what reads it after its time reads NaN, and without poison what
// was there.
func TestFreedMemoryIsPoison(t *testing.T) {
	for _, poison := range []bool{false, true} {
		be := simulated(t, sim.Options{}, Options{Poison: poison}, door.Options{})
		y := tensor.MustNew(be, tensor.F32, 1000)
		for _, give := range []func() drv.Ptr{
			func() drv.Ptr {
				x := tensor.MustNew(be, tensor.F32, 1000)
				be.fill(x, 3)
				p := mustReach(be, x)
				x.Free()
				return p
			},
			func() drv.Ptr {
				s := be.scratch(4000)
				l := be.start("lamina_fill")
				l.ptr(s.Ptr)
				l.u64(1000)
				l.f32(3)
				l.launch(1, 256)
				s.free()
				return s.Ptr
			},
		} {
			be.fill(y, 1)
			stale := give()
			l := be.start("lamina_add_scaled")
			l.tensor(y)
			l.ptr(stale)
			l.u64(1000)
			l.f32(1)
			l.launch(1, 256)
			if v := y.Float32s()[999]; (v != v) != poison || !poison && v != 4 {
				t.Errorf("poison %t: %v is read", poison, v)
			}
		}
	}
}

// TestStaleFreesAreNamed: memory used or given back after its time is an error of the
// queue that says so.
func TestStaleFreesAreNamed(t *testing.T) {
	for name, misuse := range map[string]func(be bare){
		"stale free: 100 bytes of scratch": func(be bare) {
			s := be.scratch(100)
			s.free()
			s.free()
		},
		"lamina_fill: parameter 0: F32[4]: used after it was freed": func(be bare) {
			x := tensor.MustNew(be, tensor.F32, 4)
			x.Free()
			be.fill(x, 1)
		},
		"Upload: used after it was freed": func(be bare) {
			x := tensor.MustNew(be, tensor.F32, 4)
			x.Free()
			x.SetFloat32s(make([]float32, 4))
		},
		"Download: used after it was freed": func(be bare) {
			x := tensor.MustNew(be, tensor.F32, 4)
			x.Free()
			x.Float32s()
		},
		"guard bytes behind 40 bytes of tensors were written to": func(be bare) {
			x := tensor.MustNew(be, tensor.F32, 10)
			l := be.start("lamina_fill")
			l.tensor(x)
			l.u64(11)
			l.f32(1)
			l.launch(1, 256)
			x.Free()
		},
	} {
		t.Run(name, func(t *testing.T) {
			be := simulated(t, sim.Options{}, Options{Poison: true}, door.Options{})
			misuse(be)
			if err := be.Sync(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestAKernelThatGoesAstrayIsNamed: what the interpreter found, at the next Sync, and the
// kernel that did it.
func TestAKernelThatGoesAstrayIsNamed(t *testing.T) {
	be := simulated(t, sim.Options{Kernels: map[string]sim.Kernel{}, Fail: func(string, int) int { return 0 }}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 100)
	l := be.start("lamina_add_scaled")
	l.tensor(x)
	l.tensor(x)
	l.u64(1 << 20) // more than the segment has
	l.f32(1)
	l.launch(1<<20/1024, 256)
	err := be.Sync()
	if err == nil || !strings.Contains(err.Error(), "lamina_add_scaled") || !errors.Is(err, drv.ErrSticky) {
		t.Errorf("the error is %v", err)
	}
	if found := be.m.Err(); found == nil || !strings.Contains(found.Error(), "lamina_add_scaled") {
		t.Errorf("the interpreter found %v", found)
	}
}

// TestCloseWaitsForAllQueues: memory of the first queue is given back when the others, which
// nobody has waited for, are done with it too.
func TestCloseWaitsForAllQueues(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 1000)
	q, err := be.queue()
	if err != nil {
		t.Fatal(err)
	}
	fillOn(q, x, 1)
	if err := be.Close(); err != nil {
		t.Error(err)
	}
}

// TestQueuesWaitForEachOther: work before Queue comes first, memory of one is zero on the
// other, and freed memory is used again only when the other is done with it. With the
// waits left out the numbers are wrong: the simulation is late enough to show it.
func TestQueuesWaitForEachOther(t *testing.T) {
	run := func(t *testing.T, seed uint64, drop bool) string {
		be := simulated(t, sim.Options{Seed: seed}, Options{Poison: true}, door.Options{DropWaits: drop})
		x := tensor.MustNew(be, tensor.F32, 1000)
		be.fill(x, 3)
		q, err := be.queue()
		if err != nil {
			t.Fatal(err)
		}
		y := tensor.MustNew(q, tensor.F32, 1000)
		addOn(q, y, x, 2)
		late := tensor.MustNew(be, tensor.F32, 1000) // zeros of the first queue
		addOn(q, late, y, 1)
		x.Free()
		z := tensor.MustNew(be, tensor.F32, 1000) // not x's bytes yet
		be.fill(z, 9)
		got := make([]float32, 2)
		for i, v := range []tensor.Tensor{y, late} {
			mem, off := v.Memory()
			q.Download(tensor.Bytes(got[i:i+1]), mem, off+4*999)
		}
		if !drop && seed%2 == 0 {
			wantAll(t, z, 9) // before the other queue has done anything
		}
		if err := q.Sync(); err != nil {
			t.Fatal(err)
		}
		wantAll(t, z, 9)
		return fmt.Sprint(got)
	}
	for seed := range uint64(6) {
		if got := run(t, seed, false); got != "[6 6]" {
			t.Errorf("seed %d: %v", seed, got)
		}
	}
	if got := run(t, 0, true); got == "[6 6]" {
		t.Error("without waiting the numbers are right all the same: the simulation is too early")
	}
}
