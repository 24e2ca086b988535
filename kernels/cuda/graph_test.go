package cuda

import (
	"slices"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/tensor"
)

// decode is a loop of steps, each of an upload, eight kernels and what extra does in the
// middle of step i; it returns what each step comes to.
func decode(be bare, steps int, extra func(i int, x tensor.Tensor)) (all []float32) {
	x, y := tensor.MustNew(be, tensor.F32, 64), tensor.MustNew(be, tensor.F32, 64)
	defer x.Free()
	defer y.Free()
	history := tensor.MustNew(be, tensor.F32, steps, 64) // at another place each time
	defer history.Free()
	for i := range steps {
		be.Step("decode", func() {
			in := make([]float32, 64)
			in[0] = float32(i)
			x.SetFloat32s(in)
			be.fill(y, 1)
			for k := range 3 {
				be.addScaled(y, x, float32(k+i))
			}
			if extra != nil {
				extra(i, y)
			}
			table := be.table(tensor.Bytes([]float32{float32(i), 2}))
			l := be.start("lamina_add_scaled")
			l.tensor(y)
			l.ptr(table.Ptr)
			l.u64(2)
			l.f32(1)
			l.launch(1, 256)
			table.free()
			s := be.scratch(256)
			l = be.start("lamina_fill")
			l.ptr(s.Ptr)
			l.u64(64)
			l.f32(float32(i))
			l.launch(1, 256)
			l = be.start("lamina_add_scaled")
			l.tensor(y)
			l.ptr(s.Ptr)
			l.u64(64)
			l.f32(1)
			l.launch(1, 256)
			s.free()
			be.addScaled(history.Slice(i, i+1), y, 1)
		})
		all = append(all, y.Float32s()[:3]...)
	}
	return append(all, history.Float32s()...)
}

// TestStepsAreGraphs: the numbers are those without graphs, and from the third step on
// there is one launch for all of it.
func TestStepsAreGraphs(t *testing.T) {
	open := func(o Options, machine sim.Options) bare { return simulated(t, machine, o, door.Options{}) }
	want := decode(open(Options{Eager: true}, sim.Options{}), 12, nil)

	be := open(Options{}, sim.Options{})
	if got := decode(be, 12, nil); !slices.Equal(got, want) {
		t.Error("a graph comes to other numbers")
	}
	if n := be.m.Count("cuGraphLaunch"); n != 11 {
		t.Errorf("%d graphs launched, want 11", n)
	}
	if n := be.m.Count("cuLaunchKernel"); n != 8*2 { // the first step, and the capture
		t.Errorf("%d kernels launched beside them, want 16", n)
	}
	if n := be.m.Count("cuGraphInstantiateWithFlags"); n != 1 {
		t.Errorf("%d graphs made", n)
	}
	if be.dev.graphLaunches.Load() != 11 {
		t.Errorf("%d graphs counted", be.dev.graphLaunches.Load())
	}
}

// TestStepsThatDiffer: other kernels, waits, copies, tables and memory in the middle, and
// drivers that refuse graphs, cost the graph and nothing else: no launch is lost or done
// twice.
func TestStepsThatDiffer(t *testing.T) {
	for name, extra := range map[string]func(be bare) func(i int, x tensor.Tensor){
		"another kernel": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				if i == 5 {
					be.fill(x.Slice(0, 1), 100)
				}
			}
		},
		"in every step": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				for range i {
					be.addScaled(x, x.Slice(0, 1).Reshape(1), 0)
				}
			}
		},
		"another grid": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				l := be.start("lamina_fill")
				l.tensor(x)
				l.u64(64)
				l.f32(3)
				l.launch3([3]int{1 + i%4, 1, 1}, [3]int{4, 1, 1}, i/8*60_000)
			}
		},
		"an upload": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				if i%4 == 3 {
					x.Slice(1, 2).SetFloat32s([]float32{40})
				}
			}
		},
		"a wait": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				if i >= 4 {
					_ = x.Float32s()
				}
			}
		},
		"memory": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				for range 2 { // the same bytes, zero each time
					y := tensor.MustNew(be, tensor.F32, 1<<i)
					be.addScaled(x.Slice(0, 1), y.Slice(0, 1), 1)
					be.fill(y, 5)
					y.Free()
				}
			}
		},
		"a large table": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				s := be.scratch(tableSmall + 4)
				for _, at := range []drv.Ptr{s.Ptr, 0} {
					data := make([]float32, tableSmall/4+1)
					data[0] = float32(i + 1)
					if at != 0 {
						l := be.start("lamina_fill")
						l.ptr(at)
						l.u64(64)
						l.f32(9)
						l.launch(1, 256)
						s.free()
						continue
					}
					table := be.table(tensor.Bytes(data)) // where the scratch was
					l := be.start("lamina_add_scaled")
					l.tensor(x.Slice(0, 1))
					l.ptr(table.Ptr)
					l.u64(1)
					l.f32(1)
					l.launch(1, 256)
					table.free()
				}
			}
		},
		"a library's work": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				be.call("library", func() error { return be.stream.Fill8(mustReach(be, x), 0, 8) })
			}
		},
		"a step within": func(be bare) func(int, tensor.Tensor) {
			return func(i int, x tensor.Tensor) {
				be.Step("inner", func() { be.fill(x.Slice(3, 4), 5) })
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(o Options, machine sim.Options) []float32 {
				be := simulated(t, machine, o, door.Options{Stage: 256 << 10})
				return decode(be, 10, extra(be))
			}
			want := run(Options{Eager: true}, sim.Options{})
			for _, o := range []Options{{}, {Poison: true}} {
				if got := run(o, sim.Options{}); !slices.Equal(got, want) {
					t.Errorf("%+v: other numbers", o)
				}
			}
		})
	}
}

func mustReach(be bare, x tensor.Tensor) (p drv.Ptr) {
	mem, off := x.Memory()
	at, err := be.reach(mem.(*memory))
	if err != nil {
		panic(err)
	}
	return at + drv.Ptr(off)
}

// TestDriversThatRefuseGraphs: each call that makes one fails once, or always, or is not
// there; and a launch fails while it is captured.
func TestDriversThatRefuseGraphs(t *testing.T) {
	want := decode(simulated(t, sim.Options{}, Options{Eager: true}, door.Options{}), 12, nil)
	for _, call := range []string{
		"cuStreamBeginCapture_v2", "cuGraphGetNodes", "cuGraphInstantiateWithFlags",
		"cuGraphExecKernelNodeSetParams", "cuGraphLaunch",
	} {
		for _, always := range []bool{false, true} {
			fail := func(name string, n int) int {
				if name == call && (n == 1 || always) {
					return 900
				}
				return 0
			}
			be := simulated(t, sim.Options{Fail: fail}, Options{}, door.Options{})
			if got := decode(be, 12, nil); !slices.Equal(got, want) {
				t.Errorf("%s fails: other numbers", call)
			}
			if err := be.Sync(); err != nil {
				t.Errorf("%s fails: %v", call, err)
			}
			if n := be.m.Count("cuGraphLaunch"); !always && n < 9 {
				t.Errorf("%s fails once: %d graphs launched", call, n)
			}
		}
		be := simulated(t, sim.Options{Missing: []string{call}}, Options{}, door.Options{})
		if got := decode(be, 12, nil); !slices.Equal(got, want) {
			t.Errorf("no %s: other numbers", call)
		}
	}
	fail := func(name string, n int) int {
		if name == "cuLaunchKernel" && n == 8+5 {
			return 901
		}
		return 0
	}
	be := simulated(t, sim.Options{Fail: fail}, Options{}, door.Options{})
	if got := decode(be, 12, nil); !slices.Equal(got, want) || be.Sync() != nil {
		t.Errorf("a launch fails in a capture: other numbers, or %v", be.Sync())
	}
	if n := be.m.Count("cuGraphLaunch"); n != 10 {
		t.Errorf("a launch fails in a capture: %d graphs launched, want 10", n)
	}
}

// TestStepsThatEndElsewhere: fewer kernels than the last time, and more.
func TestStepsThatEndElsewhere(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x, one := tensor.MustNew(be, tensor.F32, 8), tensor.MustNew(be, tensor.F32, 8)
	defer x.Free()
	defer one.Free()
	be.fill(one, 1)
	want := float32(0)
	for i, n := range []int{3, 3, 3, 2, 2, 2, 5, 5, 3, 0, 3} {
		be.Step("k", func() {
			for range n {
				be.addScaled(x, one, 1)
			}
		})
		want += float32(n)
		if i%2 == 0 {
			wantAll(t, x, want)
		}
	}
	wantAll(t, x, want)
}

// TestStepsLeaveOthersAlone: what is freed in a step is still read by its kernels, what it
// had for a while is guarded by nobody, and a table that somebody else made is not
// written to.
func TestStepsLeaveOthersAlone(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{Poison: true}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 4)
	defer x.Free()
	early := be.table(tensor.Bytes([]float32{100, 100, 100, 100})) // the first of the ring
	want := float32(0)
	for i := range 5 {
		w := tensor.MustNew(be, tensor.F32, 4)
		w.SetFloat32s([]float32{1, 1, 1, 1})
		foreign := be.table(tensor.Bytes([]float32{2, 2, 2, 2}))
		var kept scratch
		be.Step("k", func() {
			be.addScaled(x, w, 1)
			w.Free()
			s := be.scratch(1000)
			l := be.start("lamina_fill")
			l.ptr(s.Ptr)
			l.u64(250)
			l.f32(float32(i))
			l.launch(1, 256)
			s.free()
			kept = be.scratch(8)
			own := be.table(tensor.Bytes([]float32{10, 10, 10, 10}))
			addTable(be, x, own)
			own.free()
		})
		kept.free()
		addTable(be, x, foreign)
		foreign.free()
		want += 13
		wantAll(t, x, want)
	}
	addTable(be, x, early)
	early.free()
	wantAll(t, x, want+100)
}

// addTable adds four numbers of a table to x.
func addTable(be bare, x tensor.Tensor, table scratch) {
	l := be.start("lamina_add_scaled")
	l.tensor(x)
	l.ptr(table.Ptr)
	l.u64(4)
	l.f32(1)
	l.launch(1, 256)
}

// TestGraphsAreGivenBack: those of keys that nobody uses any more, before Close, which the
// simulation looks for what is left behind.
func TestGraphsAreGivenBack(t *testing.T) {
	be := simulated(t, sim.Options{}, Options{}, door.Options{})
	x := tensor.MustNew(be, tensor.F32, 8)
	defer x.Free()
	for key := range 3 * mostGraphs {
		for range 3 {
			be.Step(string(rune('A'+key)), func() { be.fill(x, float32(key)) })
		}
		wantAll(t, x, float32(key))
	}
	made, gone := be.m.Count("cuGraphInstantiateWithFlags"), be.m.Count("cuGraphExecDestroy")
	if made != 3*mostGraphs || made-gone > mostGraphs {
		t.Errorf("%d graphs made, %d given back", made, gone)
	}
}
