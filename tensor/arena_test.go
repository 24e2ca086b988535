package tensor_test

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"lamina/internal/philox"
	"lamina/kernels/ref"
	"lamina/tensor"
)

func ExampleArena() {
	a := tensor.NewArena(ref.New())
	mark := a.Begin()
	scratch := tensor.Must(a.New(tensor.F32, 100))
	kept, result := tensor.Must(a.New(tensor.F32, 10)), tensor.Must(a.New(tensor.F32, 1))
	a.Retain(kept)
	a.End(mark, result)
	fmt.Println(a.InUse(), a.Peak()) // scratch is gone
	a.Release(kept)
	fmt.Println(a.InUse(), scratch.Len())
	a.Reset()
	fmt.Println(a.InUse())
	// Output:
	// 44 444
	// 4 100
	// 0
}

// TestArenaMemoryIsNobodyElses allocates, retains and frees by chance, with
// every live tensor holding a number of its own in all elements.
func TestArenaMemoryIsNobodyElses(t *testing.T) {
	a := tensor.NewArena(ref.New())
	a.Poison = true
	rng := philox.New(5, 0).Sequence()
	type owned struct {
		x     tensor.Tensor
		value float64
	}
	next, bytes := 0.0, 0
	check := func(live []owned) {
		t.Helper()
		for _, o := range live {
			for i, v := range o.x.Floats() {
				if v != o.value {
					t.Fatalf("%v: element %d is %v, want %v", o.x, i, v, o.value)
				}
			}
		}
	}
	for range 20 {
		var held []owned
		bytes = 0
		for range 10 {
			mark := a.Begin()
			var scoped []owned
			for range 1 + rng.Intn(8) {
				next++
				x := tensor.Must(a.New(tensor.F32, 1+rng.Intn(700)))
				values := make([]float64, x.Len())
				for i := range values {
					values[i] = next
				}
				x.SetFloats(values)
				scoped = append(scoped, owned{x, next})
				if rng.Intn(3) == 0 {
					a.Retain(x)
					held = append(held, owned{x, next})
					bytes += x.Bytes()
				}
			}
			check(scoped)
			a.End(mark)
			check(held)
			if a.InUse() != bytes {
				t.Fatalf("%d bytes in use, want those retained: %d", a.InUse(), bytes)
			}
			for len(held) > 3 {
				i := rng.Intn(len(held))
				a.Release(held[i].x)
				bytes -= held[i].x.Bytes()
				held = append(held[:i], held[i+1:]...)
			}
		}
		a.Reset()
	}
}

func TestArenaScopes(t *testing.T) {
	a := tensor.NewArena(ref.New())
	outer := a.Begin()
	inner := a.Begin()
	x, y := tensor.Must(a.New(tensor.F32, 8)), tensor.Must(a.New(tensor.F32, 8))
	view := x.Reshape(2, 4).Slice(1, 2)
	a.End(inner, view) // keeps the tensor that the view is of
	if a.InUse() != 32 {
		t.Errorf("%d bytes in use, want x", a.InUse())
	}
	z := tensor.Must(a.New(tensor.F32, 8))
	if !z.Overlaps(y) {
		t.Error("freed memory of the same size is not used again")
	}
	a.Retain(z)
	a.Retain(z)
	a.Release(z) // within its scope: stays
	a.End(outer)
	if a.InUse() != 32 || !a.Held(tensor.MustNew(ref.New(), tensor.F32, 1)) || a.Held(z) {
		t.Errorf("%d bytes in use, want z; held %t", a.InUse(), a.Held(z))
	}
	a.Release(z)
	if a.InUse() != 0 || a.Peak() != 64 {
		t.Errorf("%d bytes in use, peak %d", a.InUse(), a.Peak())
	}
	a.ResetPeak()
	if a.Peak() != 0 {
		t.Errorf("peak after ResetPeak: %d", a.Peak())
	}
	foreign := tensor.MustNew(ref.New(), tensor.F32, 1)
	a.Retain(foreign)
	a.Release(foreign)
	a.Release(foreign) // no business of the arena
}

func TestArenaMisusePanics(t *testing.T) {
	a := tensor.NewArena(ref.New())
	mark := a.Begin()
	x := tensor.Must(a.New(tensor.F32, 3))
	mustPanic(t, "tensor: Release: F32[3] was not retained", func() { a.Release(x) })
	a = tensor.NewArena(ref.New())
	x = tensor.Must(a.New(tensor.F32, 3))
	a.End(mark)
	mustPanic(t, "tensor: Retain: F32[3] is freed", func() { a.Retain(x) })
}

func TestArenaPoisonShowsReadsAfterFree(t *testing.T) {
	a := tensor.NewArena(ref.New())
	a.Poison = true
	mark := a.Begin()
	x := tensor.Must(a.New(tensor.F32, 3))
	x.SetFloats([]float64{1, 2, 3})
	a.End(mark)
	if got := x.Floats(); !math.IsNaN(got[0]) || !math.IsNaN(got[2]) {
		t.Errorf("freed memory still reads %v", got)
	}
	y := tensor.Must(a.New(tensor.F32, 5))
	y.SetFloats([]float64{1, 2, 3, 4, 5})
	a.Reset()
	if got := y.Floats(); !math.IsNaN(got[4]) {
		t.Errorf("memory reads %v after Reset", got)
	}
}

func TestArenaReserve(t *testing.T) {
	a := tensor.NewArena(ref.New())
	a.Reserve(1 << 20)
	if got := a.Capacity(); got != 1<<20 {
		t.Errorf("capacity %d, want 1 MiB", got)
	}
	for range 15 {
		tensor.Must(a.New(tensor.F32, 16<<10)) // 64 KiB
	}
	a.Reserve(1 << 19)
	if got := a.Capacity(); got != 1<<20 {
		t.Errorf("capacity %d after what was reserved", got)
	}
}

// TestArenaExtentIsEnough: an arena that reserves the extent of a pass has room for
// the same pass, and for shorter ones whose sizes fall into other classes.
func TestArenaExtentIsEnough(t *testing.T) {
	pass := func(a *tensor.Arena, n int) {
		mark := a.Begin()
		x := tensor.Must(a.New(tensor.F32, n))
		for width := 1; width <= 12; width++ {
			inner := a.Begin()
			tensor.Must(a.New(tensor.F32, n, width))
			tensor.Must(a.New(tensor.F32, n, 13-width))
			y := tensor.Must(a.New(tensor.F32, n))
			a.End(inner, y)
			x = y
		}
		a.End(mark, x)
	}
	const longest = 3001
	probe := tensor.NewArena(ref.New())
	pass(probe, longest)
	a := tensor.NewArena(ref.New())
	a.Reserve(probe.Extent())
	for n := longest; n > 0; n -= 7 {
		pass(a, n)
		if a.Capacity() != probe.Extent() {
			t.Fatalf("a pass of %d takes %d bytes, %d were reserved for %d", n, a.Capacity(), probe.Extent(), longest)
		}
		a.Reset()
	}
	if a.Extent() != 0 {
		t.Errorf("extent %d after Reset", a.Extent())
	}
}

// watched is a device that says when memory of it is no longer referenced.
type watched struct {
	tensor.Host
	freed chan int
}

func (w *watched) Name() string { return "watched" }

func (w *watched) Alloc(bytes int) (tensor.Memory, error) {
	mem, err := w.Host.Alloc(bytes)
	if err == nil {
		runtime.AddCleanup(mem.(*tensor.HostMemory), func(n int) { w.freed <- n }, bytes)
	}
	return mem, err
}

func (w *watched) AllocArena(bytes int, _ bool) (tensor.Memory, error) { return w.Alloc(bytes) }

// TestArenaResetLetsGoOfPieces: chunks that became one are not kept alive by the
// bookkeeping of tensors past.
func TestArenaResetLetsGoOfPieces(t *testing.T) {
	dev := &watched{freed: make(chan int, 4)}
	a := tensor.NewArena(dev)
	a.Reserve(1 << 10)
	tensor.Must(a.New(tensor.U8, 1<<10))
	tensor.Must(a.New(tensor.U8, 1<<11)) // does not fit: a second chunk
	a.Reset()
	for range 2 {
		runtime.GC()
		runtime.GC() // cleanups of the first are queued at the latest now
		select {
		case <-dev.freed:
		case <-time.After(10 * time.Second):
			t.Fatal("a piece is still referenced after Reset")
		}
	}
	runtime.KeepAlive(a)
}

// TestChunkGivenBackIsOneArenas: a chunk that was given back twice, or is held by one arena, comes
// to no other, and what is held is counted.
func TestChunkGivenBackIsOneArenas(t *testing.T) {
	var host tensor.Host
	take := func() tensor.Memory {
		m, err := host.AllocArena(32<<20, true)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for range 3 {
		gone := take()
		gone.Free()
		gone.Free()
		seen := map[*byte]bool{}
		var held []tensor.Memory
		for i := range 3 {
			m := take()
			first := &m.(*tensor.HostMemory).Data[0]
			if seen[first] || m.Len() != 32<<20 {
				t.Fatalf("%d bytes at %p, which another arena may hold: %v", m.Len(), first, seen[first])
			}
			seen[first] = true
			if held = append(held, m); host.Held() != int64(i+1)<<25 {
				t.Fatalf("%d chunks are held, said to be %d bytes", i+1, host.Held())
			}
		}
		for _, m := range held {
			m.Free()
		}
		if host.Held() != 0 {
			t.Fatalf("nothing is held, said to be %d bytes", host.Held())
		}
	}
}

// TestTrimGivesBackSpareChunks: what arenas left for others is no longer on the heap, nor held by
// the process beside what comes next. A collection alone lets it lie until the second.
func TestTrimGivesBackSpareChunks(t *testing.T) {
	kept := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc + m.HeapIdle - m.HeapReleased)
	}
	tensor.Trim()
	before := kept()
	var all sync.WaitGroup
	for range 4 { // on whichever processor they are left
		all.Go(func() {
			a := tensor.NewArena(ref.New())
			tensor.Must(a.New(tensor.I8, 1<<20))
			a.Close()
		})
	}
	all.Wait()
	tensor.Trim()
	if left := kept() - before; left > 8<<20 {
		t.Errorf("%d MiB that an arena gave back are still there", left>>20)
	}
}

// TestArenaThatBecameOneKeepsOneChunk: of the chunks that one as large as all of them replaces, the
// heap has one at most after a collection. Training holds as much in its first pass as in
// each later one, and they would be there twice.
func TestArenaThatBecameOneKeepsOneChunk(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const chunk = 32 << 20
	a := tensor.NewArena(ref.New())
	before := heap()
	for range 8 {
		tensor.Must(a.New(tensor.I8, chunk))
	}
	capacity := int64(a.Capacity())
	a.Reset()
	if left := heap() - before; left > chunk+chunk/2 {
		t.Errorf("%d of %d MiB that were given back are on the heap", left>>20, capacity>>20)
	}
	a.Close()
}
