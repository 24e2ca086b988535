package sim_test

import (
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"lamina/kernels/cuda/internal/sim"
)

// caller calls functions of a machine by their names, as C does, from one thread.
type caller struct {
	t *testing.T
	m *sim.Machine
}

// cell is memory that the library writes to.
type cell [64]uintptr

// keep has the cells of all tests: what the library knows by address only stays.
var keep []*cell

func newCell() *cell {
	c := new(cell)
	keep = append(keep, c)
	return c
}

func (c *cell) at(i int) uintptr { return uintptr(unsafe.Pointer(&c[i])) }

// call calls a function and returns its code.
func (c caller) call(name string, args ...uintptr) int {
	c.t.Helper()
	p, err := c.m.Lookup(name)
	if err != nil {
		c.t.Fatal(err)
	}
	return int(p(args...))
}

// make calls a function that writes a handle to its first argument.
func (c caller) make(name string, args ...uintptr) uintptr {
	c.t.Helper()
	out := newCell()
	if code := c.call(name, append([]uintptr{out.at(0)}, args...)...); code != 0 {
		c.t.Fatalf("%s: %d", name, code)
	}
	return out[0]
}

// start returns a machine whose first device is bound to the thread, which the test
// keeps.
func start(t *testing.T, o sim.Options) caller {
	runtime.LockOSThread()
	t.Cleanup(runtime.UnlockOSThread)
	c := caller{t, sim.New(o)}
	c.call("cuInit", 0)
	c.call("cuCtxSetCurrent", c.make("cuDevicePrimaryCtxRetain", 0))
	return c
}

// params returns what cuLaunchKernel takes as extra.
func params(bytes int) uintptr {
	c := newCell()
	*c = cell{1, c.at(8), 2, c.at(5), 0, uintptr(bytes)}
	return c.at(0)
}

const entry = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry one(\n\t.param .u64 one_param_0\n)\n.maxntid 64, 1, 1\n{\n\tret;\n}\n"

// mistake is something that a program may not do, the code that it gets, and what the
// simulation says.
type mistake struct {
	name string
	do   func(c caller, stream uintptr) int
	code int
	want string
}

// find makes each mistake on a machine of its own.
func find(t *testing.T, mistakes []mistake) {
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, sim.Options{})
			s := b.make("cuStreamCreate", 1)
			if code := c.do(b, s); code != c.code {
				t.Errorf("code %d, want %d", code, c.code)
			}
			if err := b.m.Err(); c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("the simulation says %v, want %q", err, c.want)
			}
		})
	}
}

func TestMistakesInMemory(t *testing.T) {
	find(t, []mistake{
		{"double free", func(c caller, s uintptr) int {
			p := c.make("cuMemAlloc_v2", 8)
			c.call("cuMemFree_v2", p)
			return c.call("cuMemFree_v2", p)
		}, 1, "was freed before"},
		{"free of what is within", func(c caller, s uintptr) int { return c.call("cuMemFree_v2", c.make("cuMemAlloc_v2", 8)+4) }, 1, "is no memory of device 0"},
		{"use after free", func(c caller, s uintptr) int {
			p := c.make("cuMemAlloc_v2", 8)
			c.call("cuMemFree_v2", p)
			return c.call("cuMemsetD8Async", p, 0, 8, s)
		}, 1, "cuMemsetD8Async: "},
		{"free while work is under way", func(c caller, s uintptr) int {
			p := c.make("cuMemAlloc_v2", 8)
			c.call("cuMemsetD8Async", p, 0, 8, s)
			c.call("cuMemFree_v2", p)
			return c.call("cuStreamSynchronize", s)
		}, 700, "cuMemsetD8Async: "},
		{"a fill too long", func(c caller, s uintptr) int { return c.call("cuMemsetD32Async", c.make("cuMemAlloc_v2", 8), 0, 3, s) }, 1, "cuMemsetD32Async: "},
		{"a fill beside words", func(c caller, s uintptr) int {
			return c.call("cuMemsetD32Async", c.make("cuMemAlloc_v2", 8)+1, 0, 1, s)
		}, 1, "is no multiple of 4"},
		{"a copy onto itself", func(c caller, s uintptr) int {
			p := c.make("cuMemAlloc_v2", 16)
			return c.call("cuMemcpyDtoDAsync_v2", p, p+4, 8, s)
		}, 0, "overlap"},
		{"memory of Go", func(c caller, s uintptr) int {
			return c.call("cuMemcpyHtoDAsync_v2", c.make("cuMemAlloc_v2", 8), newCell().at(0), 8, s)
		}, 1, "of the host are not pinned"},
		{"no bytes", func(c caller, s uintptr) int { return c.call("cuMemAlloc_v2", newCell().at(0), 0) }, 1, "cuMemAlloc: 0 bytes"},
		{"pinned memory freed twice", func(c caller, s uintptr) int {
			p := c.make("cuMemHostAlloc", 8, 1)
			c.call("cuMemFreeHost", p)
			return c.call("cuMemFreeHost", p)
		}, 1, "is no pinned memory, or was freed before"},
	})
}

func TestMistakesWithHandles(t *testing.T) {
	find(t, []mistake{
		{"too few arguments", func(c caller, s uintptr) int { return c.call("cuStreamWaitEvent", s) }, 1, "cuStreamWaitEvent: 1 arguments, want 3"},
		{"a stream that is gone", func(c caller, s uintptr) int {
			c.call("cuStreamDestroy_v2", s)
			return c.call("cuStreamSynchronize", s)
		}, 400, "was given back before"},
		{"an event as a stream", func(c caller, s uintptr) int { return c.call("cuStreamQuery", c.make("cuEventCreate", 0)) }, 400, "is of kind event, want stream"},
		{"a number as a stream", func(c caller, s uintptr) int { return c.call("cuStreamQuery", 5) }, 400, "0x5 is no stream"},
		{"a stream in order with all", func(c caller, s uintptr) int { return c.call("cuStreamCreate", newCell().at(0), 0) }, 0, "CU_STREAM_NON_BLOCKING"},
		{"a thread without context", func(c caller, s uintptr) int {
			code := make(chan int)
			go func() {
				runtime.LockOSThread() // another than the test's
				code <- c.call("cuStreamQuery", s)
			}()
			return <-code
		}, 201, "cuStreamQuery: the thread is bound to no context"},
		{"a node of a graph that is gone", func(c caller, s uintptr) int {
			p := c.make("cuMemAlloc_v2", 8)
			c.call("cuStreamBeginCapture_v2", s, 1)
			c.call("cuMemsetD8Async", p, 0, 8, s)
			g, n := newCell(), newCell()
			c.call("cuStreamEndCapture", s, g.at(0))
			n[1] = 1
			c.call("cuGraphGetNodes", g[0], n.at(0), n.at(1))
			e := c.make("cuGraphInstantiateWithFlags", g[0], 0)
			c.call("cuGraphDestroy", g[0])
			return c.call("cuGraphExecKernelNodeSetParams", e, n[0], newCell().at(0))
		}, 1, "was given back before"},
		{"before cuInit", func(c caller, s uintptr) int {
			return caller{c.t, c.m}.fresh().call("cuDeviceGetCount", newCell().at(0))
		}, 3, ""},
	})
}

// fresh returns a caller of a machine that nobody has initialised.
func (c caller) fresh() caller { return caller{c.t, sim.New(sim.Options{})} }

// Mistakes in launches.
func TestLaunchesAreChecked(t *testing.T) {
	type launch struct {
		grid, block  uintptr
		shared       uintptr
		bytes        int
		raw, noExtra bool
	}
	good := launch{grid: 4, block: 64, bytes: 8}
	for _, c := range []struct {
		name   string
		change func(l *launch)
		code   int
		want   string
	}{
		{"good", func(l *launch) {}, 0, ""},
		{"parameters too short", func(l *launch) { l.bytes = 4 }, 1, "one: 4 bytes of parameters, the entry has 8"},
		{"parameters too long", func(l *launch) { l.bytes = 16 }, 1, "one: 16 bytes of parameters, the entry has 8"},
		{"block too large", func(l *launch) { l.block = 65 }, 1, "one: 65 threads in a block, the kernel has at most 64"},
		{"no blocks", func(l *launch) { l.grid = 0 }, 1, "one: grid [0 1 1]"},
		{"grid too large", func(l *launch) { l.grid = 1 << 31 }, 1, "one: grid [2147483648 1 1]"},
		{"shared memory", func(l *launch) { l.shared = 49153 }, 1, "one: 49153 bytes of dynamic shared memory, permitted are 49152"},
		{"parameters one by one", func(l *launch) { l.raw = true }, 1, "parameters one by one"},
		{"no parameters", func(l *launch) { l.noExtra = true }, 1, "one: extra has no buffer"},
	} {
		b := start(t, sim.Options{})
		s := b.make("cuStreamCreate", 1)
		image, name := newCell(), newCell()
		copy(unsafe.Slice((*byte)(unsafe.Pointer(image)), len(image)*8), entry)
		copy(unsafe.Slice((*byte)(unsafe.Pointer(name)), len(name)*8), "one")
		f := b.make("cuModuleGetFunction", b.make("cuModuleLoadDataEx", image.at(0), 0, 0, 0), name.at(0))
		l := good
		c.change(&l)
		extra, one := params(l.bytes), uintptr(0)
		if l.noExtra {
			extra = 0
		}
		if l.raw {
			one = extra
		}
		if code := b.call("cuLaunchKernel", f, l.grid, 1, 1, l.block, 1, 1, l.shared, s, one, extra); code != c.code {
			t.Errorf("%s: code %d", c.name, code)
		}
		if err := b.m.Err(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the simulation says %v, want %q", c.name, err, c.want)
		}
	}
}

// What may not be done while a stream is captured ends the capture.
func TestCaptureIsSpoiled(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(c caller, s uintptr) int
		code int
		end  int
		want string
	}{
		{"synchronize", func(c caller, s uintptr) int { return c.call("cuStreamSynchronize", s) }, 900, 901, "cuStreamSynchronize: during a capture"},
		{"query", func(c caller, s uintptr) int { return c.call("cuStreamQuery", s) }, 900, 901, "cuStreamQuery: during"},
		{"memory", func(c caller, s uintptr) int { return c.call("cuMemAlloc_v2", newCell().at(0), 8) }, 900, 901, "cuMemAlloc_v2: during"},
		{"twice", func(c caller, s uintptr) int { return c.call("cuStreamBeginCapture_v2", s, 1) }, 1, 0, "the second on this stream"},
		{"an event of elsewhere", func(c caller, s uintptr) int {
			e := c.make("cuEventCreate", 0)
			c.call("cuEventRecord", e, c.make("cuStreamCreate", 1))
			return c.call("cuStreamWaitEvent", s, e, 0)
		}, 905, 0, "not of the same capture"},
		{"another thread", func(c caller, s uintptr) int {
			code := make(chan int)
			context := c.m.Context(0)
			go func() {
				runtime.LockOSThread()
				c.call("cuCtxSetCurrent", context)
				code <- c.call("cuStreamEndCapture", s, newCell().at(0))
			}()
			return <-code
		}, 908, 0, "on another thread than it began on"},
	} {
		b := start(t, sim.Options{})
		s := b.make("cuStreamCreate", 1)
		b.call("cuStreamBeginCapture_v2", s, 1)
		if code := c.do(b, s); code != c.code {
			t.Errorf("%s: code %d", c.name, code)
		}
		if code := b.call("cuStreamEndCapture", s, newCell().at(0)); code != c.end {
			t.Errorf("%s: the end is %d, want %d", c.name, code, c.end)
		}
		if err := b.m.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the simulation says %v", c.name, err)
		}
	}
}

// Close tells what was not given back.
func TestCloseTellsWhatIsLeft(t *testing.T) {
	c := start(t, sim.Options{})
	c.make("cuStreamCreate", 1)
	c.make("cuEventCreate", 0)
	c.make("cuMemAlloc_v2", 8)
	c.make("cuMemHostAlloc", 8, 1)
	err := c.m.Close()
	for _, want := range []string{"1 × stream", "1 × event", "1 × block of memory", "1 × pinned block", "1 × primary context"} {
		if err == nil || !strings.Contains(err.Error(), "not given back: "+want) {
			t.Errorf("%v has no %s", err, want)
		}
	}
	if c.m.Err() != nil {
		t.Error(c.m.Err())
	}
}

// Memory is as large as was said, and what is freed can be had again.
func TestMemoryEnds(t *testing.T) {
	c := start(t, sim.Options{Devices: []sim.Device{{Memory: 1000}}})
	p := c.make("cuMemAlloc_v2", 600)
	if code := c.call("cuMemAlloc_v2", newCell().at(0), 500); code != 2 {
		t.Errorf("code %d", code)
	}
	c.call("cuMemFree_v2", p)
	c.make("cuMemAlloc_v2", 1000)
	free := newCell()
	c.call("cuMemGetInfo_v2", free.at(0), free.at(1))
	if free[0] != 0 || free[1] != 1000 {
		t.Errorf("%d of %d", free[0], free[1])
	}
}

// Work that another library enqueues waits in its stream, and is part of a graph.
func TestWorkOfAnotherLibrary(t *testing.T) {
	c := start(t, sim.Options{})
	s := c.make("cuStreamCreate", 1)
	p := c.make("cuMemAlloc_v2", 4)
	done := 0
	run := func() error {
		b, err := c.m.Bytes(uint64(p), 4)
		done += len(b)
		return err
	}
	if err := c.m.Enqueue(s, "product", run); err != nil || done != 0 {
		t.Errorf("%v, %d", err, done)
	}
	c.call("cuStreamSynchronize", s)
	if done != 4 {
		t.Errorf("done %d", done)
	}
	c.call("cuStreamBeginCapture_v2", s, 1)
	if err := c.m.Enqueue(s, "product", run); err != nil {
		t.Error(err)
	}
	g := newCell()
	c.call("cuStreamEndCapture", s, g.at(0))
	e := c.make("cuGraphInstantiateWithFlags", g[0], 0)
	c.call("cuGraphLaunch", e, s)
	c.call("cuGraphLaunch", e, s)
	c.call("cuStreamSynchronize", s)
	if done != 12 {
		t.Errorf("done %d after two graphs", done)
	}
	if err := c.m.Enqueue(s+1, "product", run); err == nil {
		t.Error("there is no such stream")
	}
	if _, err := c.m.Bytes(16, 4); err == nil {
		t.Error("there is no such memory")
	}
}
