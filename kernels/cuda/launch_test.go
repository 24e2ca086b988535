package cuda

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/kernels/ref"
	"lamina/tensor"
)

// TestLaunchesAllocateNothing, once a kernel is loaded.
func TestLaunchesAllocateNothing(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 8)
	defer x.Free()
	data := make([]byte, 16)
	n := testing.AllocsPerRun(200, func() {
		l := be.start("lamina_fill")
		l.tensor(x)
		l.u64(8)
		l.f32(1)
		l.launch(0, 256) // all but the driver's call, which the simulation allocates for
		s := be.scratch(1000)
		s.free()
		_ = data
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLaunchesAreChecked: what the kernel would misread is a panic that names kernel and
// parameter, and the queue goes on.
func TestLaunchesAreChecked(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 8)
	defer x.Free()
	full := func() *launch {
		l := be.start("lamina_fill")
		l.tensor(x)
		l.u64(8)
		l.f32(1)
		return l
	}
	for want, misuse := range map[string]func(){
		"lamina_fill: takes 3 parameters, is given 1":                         func() { l := be.start("lamina_fill"); l.tensor(x); l.launch(1, 1) },
		"lamina_fill: takes 3 parameters, is given more":                      func() { full().u32(1) },
		"lamina_fill: parameter 0 is .u64 of 8 bytes, is given u32":           func() { be.start("lamina_fill").u32(1) },
		"lamina_fill: parameter 0 is .u64 of 8 bytes, is given f32":           func() { be.start("lamina_fill").f32(1) },
		"lamina_fill: parameter 0 is .u64 of 8 bytes, is given b64":           func() { be.start("lamina_fill").bytes(make([]byte, 8)) },
		"lamina_fill: a block of [512 1 1] threads, may have 256":             func() { full().launch(1, 512) },
		"lamina_fill: a grid of [1 70000 1] blocks, may have":                 func() { full().launch3([3]int{1, 70000, 1}, [3]int{1, 1, 1}, 0) },
		"lamina_fill: 300000 bytes of shared memory, a block may have 232448": func() { full().launch3([3]int{1, 1, 1}, [3]int{1, 1, 1}, 300_000) },
		"lamina_none: no such kernel":                                         func() { be.start("lamina_none") },
		"has no memory":                                                       func() { be.start("lamina_fill").tensor(tensor.NoMemory(nil, tensor.F32, 8)) },
		"does not lie on cuda/sm_90":                                          func() { be.start("lamina_fill").tensor(tensor.MustNew(ref.New(), tensor.F32, 8)) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, want) {
					t.Errorf("panic %q, want %q", text, want)
				}
			}()
			misuse()
		}()
	}
	be.fill(x, 5)
	wantAll(t, x, 5)
}

// TestKernelsThatDoNotLoad: the error has the compiler's text, and what is launched is
// lost.
func TestKernelsThatDoNotLoad(t *testing.T) {
	fail := func(call string, n int) int {
		if call == "cuModuleLoadDataEx" {
			return 218
		}
		return 0
	}
	be := simulated(t, sim.Options{Fail: fail}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 8)
	be.fill(x, 1)
	err := be.Sync()
	var e *drv.Error
	if !errors.As(err, &e) || e.Code != 218 || !strings.Contains(err.Error(), "kernels of elementwise") {
		t.Errorf("%v", err)
	}
}

// TestManyGoroutines: several passes on one queue and on queues of their own.
func TestManyGoroutines(t *testing.T) {
	be := simulated(t, sim.Options{Seed: 3}, Options{Poison: true}, door.Options{})
	one := tensor.MustNew(be, tensor.F32, 100)
	be.fill(one, 1)
	var all sync.WaitGroup
	for i := range 6 {
		q := be.Backend
		if i%2 == 0 {
			var err error
			if q, err = be.queue(); err != nil {
				t.Fatal(err)
			}
		}
		all.Go(func() {
			for range 20 {
				x := tensor.MustNew(q, tensor.F32, 100)
				s := q.scratch(400)
				table := q.table(tensor.Bytes([]float32{float32(i)}))
				addOn(q, x, one, float32(i))
				addOn(q, x, one, 1)
				table.free()
				s.free()
				wantAll(t, x, float32(i+1))
				x.Free()
			}
		})
	}
	all.Wait()
	one.Free()
}

// TestTables: copies that a launch reads, in the ring and beyond it.
func TestTables(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{Poison: true}, door.Options{Stage: 128 << 10})
	sum := tensor.MustNew(be, tensor.F32, 64)
	defer sum.Free()
	want := float32(0)
	for i := range 50 {
		n := 64
		if i%5 == 0 {
			n = tableSmall/4 + 1 // too large for the ring
		} else if i%2 == 0 {
			n = tableSmall / 4
		}
		data := make([]float32, n)
		for j := range data {
			data[j] = float32(i)
		}
		want += float32(i)
		table := be.table(tensor.Bytes(data))
		clear(data)
		l := be.start("lamina_add_scaled")
		l.tensor(sum)
		l.ptr(table.Ptr)
		l.u64(64)
		l.f32(1)
		l.launch(1, 256)
		table.free()
	}
	wantAll(t, sum, want)
	if be.tablesOut != 0 {
		t.Errorf("%d tables out", be.tablesOut)
	}
}
