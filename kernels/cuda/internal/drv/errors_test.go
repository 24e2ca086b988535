package drv_test

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
	"lamina/kernels/cuda/internal/sys"
)

// after returns a Fail that answers code to the nth call of a function.
func after(call string, n, code int) func(string, int) int {
	return func(c string, i int) int {
		if c == call && i == n {
			return code
		}
		return 0
	}
}

// Each way in which taking a device into use fails says why, and what to do.
func TestOpeningSays(t *testing.T) {
	old := sim.Device{Name: "GeForce GTX 1080", Major: 6, Minor: 1}
	for _, c := range []struct {
		name   string
		o      sim.Options
		device int
		want   []string
		is     error
	}{
		{"no device", sim.Options{Devices: []sim.Device{}}, 0,
			[]string{"cuda: driver 12.2: cuInit: no CUDA-capable device is detected (CUDA_ERROR_NO_DEVICE, 100)", "CUDA_VISIBLE_DEVICES", "--gpus all"}, drv.ErrNoDevice},
		{"mismatch", sim.Options{Fail: after("cuInit", 1, 803)}, 0, []string{"(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 803)", "reboot"}, nil},
		{"unknown code", sim.Options{Fail: after("cuInit", 1, 4711)}, 0, []string{"cuInit: unknown error (CUDA error 4711, 4711)"}, nil},
		{"stub", sim.Options{Fail: after("cuDriverGetVersion", 1, 34)}, 0, []string{"stub library", "LD_LIBRARY_PATH"}, nil},
		{"old driver", sim.Options{Driver: 11040}, 0,
			[]string{"cuda: driver 11.4 (libcuda.so.1 (simulated)) is too old, need 11.8 or later: update the NVIDIA driver to 520"}, nil},
		{"a function is missing", sim.Options{Missing: []string{"cuMemcpyDtoDAsync_v2"}}, 0,
			[]string{"cuda: driver 12.2: libcuda.so.1 (simulated) has no cuMemcpyDtoDAsync_v2, which libcuda has from CUDA 3.2 on: update the NVIDIA driver"}, nil},
		{"no version", sim.Options{Missing: []string{"cuDriverGetVersion"}}, 0, []string{"this is no driver"}, nil},
		{"too old a device", sim.Options{Devices: []sim.Device{old}}, 0,
			[]string{"cuda: device 0 (GeForce GTX 1080) is compute 6.1, need >= 8.0"}, nil},
		{"one of two is of use", sim.Options{Devices: []sim.Device{old, {Name: "A100", Major: 8}}}, 0,
			[]string{"device 0 (GeForce GTX 1080) is compute 6.1, need >= 8.0", "; use cuda:1 (A100)"}, nil},
		{"forbidden", sim.Options{Devices: []sim.Device{{Mode: 2}}}, 0, []string{`compute mode "prohibited": nvidia-smi -i 0 -c DEFAULT`}, nil},
		{"no such device", sim.Options{}, 3, []string{"cuda: no device 3: there is one, cuda:0"}, drv.ErrNoDevice},
		{"no such of two", sim.Options{Devices: []sim.Device{{}, {}}}, 2, []string{"cuda: no device 2: there are 2, cuda:0 to cuda:1"}, drv.ErrNoDevice},
		{"hidden", sim.Options{Fail: after("cuDeviceGet", 1, 101)}, 0, []string{"cuDeviceGet: invalid device ordinal (CUDA_ERROR_INVALID_DEVICE, 101)", "nvidia-smi -L"}, drv.ErrNoDevice},
		{"taken", sim.Options{Fail: after("cuDevicePrimaryCtxRetain", 1, 46)}, 0, []string{"cuda:0: cuDevicePrimaryCtxRetain: ", "another process has the device"}, nil},
		{"full", sim.Options{Fail: after("cuDevicePrimaryCtxRetain", 1, 2)}, 0, []string{"out of memory (CUDA_ERROR_OUT_OF_MEMORY, 2)", "nvidia-smi"}, drv.ErrOOM},
	} {
		driver, err := drv.Open(sim.New(c.o))
		if err == nil {
			_, err = driver.Device(c.device)
		}
		expect(t, c.name, err, c.want, c.is)
	}
}

func expect(t *testing.T, name string, err error, want []string, is error) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q has no %q", name, err, w)
		}
	}
	for _, e := range []error{drv.ErrOOM, drv.ErrNoDevice, drv.ErrSticky} {
		if errors.Is(err, e) != (e == is) {
			t.Errorf("%s: %v is %v: %v", name, err, e, errors.Is(err, e))
		}
	}
}

// Each error of a call while a device is in use.
func TestCallsSay(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(string, int) int
		do   func(b *bench) error
		want []string
		is   error
	}{
		{"memory", after("cuMemAlloc_v2", 1, 2), func(b *bench) error { _, err := b.dev.Alloc(1 << 20); return err },
			[]string{"cuda:0: Alloc: cuMemAlloc_v2: out of memory (CUDA_ERROR_OUT_OF_MEMORY, 2): make batches or sequences smaller"}, drv.ErrOOM},
		{"pinned", after("cuMemHostAlloc", 1, 2), func(b *bench) error { _, err := b.dev.AllocHost(8); return err }, []string{"AllocHost: "}, drv.ErrOOM},
		{"context", after("cuCtxSetCurrent", 4, 201), func(b *bench) error { _, err := b.dev.NewEvent(); return err },
			[]string{"cuda:0: NewEvent: cuCtxSetCurrent: invalid device context (CUDA_ERROR_INVALID_CONTEXT, 201): the thread is bound to no device", "report"}, nil},
		{"old PTX", after("cuModuleLoadDataEx", 2, 222), func(b *bench) error { _, err := b.dev.Load([]byte(module)); return err },
			[]string{"Load: cuModuleLoadDataEx: ", "(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, 222): the driver is too old for the kernels: update"}, nil},
		{"bad PTX", nil, func(b *bench) error { _, err := b.dev.Load([]byte("nonsense")); return err },
			[]string{"(CUDA_ERROR_INVALID_PTX, 218)", "\nptxas application ptx input: ptx: line 1: "}, nil},
		{"launch", after("cuLaunchKernel", 1, 701), func(b *bench) error { return b.s.Launch(b.add, one, one, 0, nil) },
			[]string{"cuda:0: add: cuLaunchKernel: too many resources requested for launch (CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701)"}, nil},
		{"query", after("cuStreamQuery", 1, 700), func(b *bench) error { _, err := b.s.Done(); return err }, []string{"cuStreamQuery: ", "700"}, drv.ErrSticky},
		{"ecc", after("cuStreamSynchronize", 1, 214), func(b *bench) error { return b.s.Sync() }, []string{"CUDA_ERROR_ECC_UNCORRECTABLE", "Xid"}, drv.ErrSticky},
		{"closed", nil, func(b *bench) error { b.must(b.dev.Close()); return b.s.Sync() }, []string{"cuda:0: cuStreamSynchronize: the device is closed"}, nil},
	} {
		b := newBench(t, sim.Options{Fail: c.fail})
		expect(t, c.name, c.do(b), c.want, c.is)
	}
}

// A kernel that leaves its memory is found later, in another call: the error lists the
// launches before it, and stays.
func TestFaultIsKept(t *testing.T) {
	b := newBench(t, sim.Options{})
	stray, err := b.module.Function("stray")
	b.must(err)
	x := b.alloc(4)
	for range 80 {
		b.must(b.s.Launch(b.add, one, [3]int{32, 2, 1}, 0, addParams(x, 1, 1)))
	}
	b.must(b.s.Launch(stray, [3]int{7, 1, 1}, one, 0, nil))
	b.must(b.s.Launch(b.add, one, one, 0, addParams(x, 1, 1)))
	err = b.s.Sync()
	expect(t, "fault", err, []string{"cuda:0: Sync: cuStreamSynchronize: an illegal memory access was encountered (CUDA_ERROR_ILLEGAL_ADDRESS, 700): a kernel left its memory: ",
		"; device 0 takes no more work in this process.\nThe last launches, newest first (with LAMINA_CUDA_SYNC=1 the error names the one that made it):\n" +
			"  add 1x1x1 of 1\n  stray 7x1x1 of 1\n  add 1x1x1 of 64, 62 times"}, drv.ErrSticky)
	_, again := b.dev.Alloc(4)
	if again != err {
		t.Errorf("the first error was %v, a later one %v", err, again)
	}
	if err := b.s.Launch(b.add, one, one, 0, nil); !errors.Is(err, drv.ErrSticky) {
		t.Error(err)
	}
	if err := b.dev.Close(); err != nil {
		t.Error(err)
	}
	if err := b.m.Err(); err == nil || !regexp.MustCompile(`^sim: stray: ptx: 4 bytes at 0x10 .*$`).MatchString(err.Error()) {
		t.Errorf("the simulation says %v", err)
	}
}

// With LAMINA_CUDA_SYNC=1 the error names its kernel.
func TestSyncNamesTheKernel(t *testing.T) {
	t.Setenv(drv.SyncVariable, "1")
	b := newBench(t, sim.Options{})
	stray, err := b.module.Function("stray")
	b.must(err)
	expect(t, "fault", b.s.Launch(stray, one, one, 0, nil), []string{"cuda:0: stray: cuStreamSynchronize: an illegal memory access"}, drv.ErrSticky)
}

// quiet is a library whose enqueueing functions do nothing, so that what is counted is
// this package's.
type quiet struct{ *sim.Machine }

func (q quiet) Lookup(symbol string) (sys.Proc, error) {
	switch symbol {
	case "cuLaunchKernel", "cuCtxSetCurrent", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoDAsync_v2", "cuMemsetD8Async",
		"cuEventRecord", "cuStreamWaitEvent", "cuGraphLaunch", "cuGraphExecKernelNodeSetParams", "cuStreamSynchronize":
		return func(args ...uintptr) uintptr { return 0 }, nil
	}
	p, err := q.Machine.Lookup(symbol)
	if err != nil {
		return nil, err
	}
	bind, err := q.Machine.Lookup("cuCtxSetCurrent")
	if err != nil {
		return nil, err
	}
	return func(args ...uintptr) uintptr { // cold calls are bound here
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if ctx := q.Machine.Context(0); ctx != 0 {
			bind(ctx)
		}
		return p(args...)
	}, nil
}

// What is done for every operation of a model allocates nothing.
func TestNothingIsAllocated(t *testing.T) {
	b := &bench{t: t, m: sim.New(sim.Options{Kernels: kernels})}
	driver, err := drv.Open(quiet{b.m})
	b.must(err)
	b.dev, err = driver.Device(0)
	b.must(err)
	b.s, err = b.dev.NewStream()
	b.must(err)
	b.module, err = b.dev.Load([]byte(module))
	b.must(err)
	b.add, err = b.module.Function("add")
	b.must(err)
	x, h := b.alloc(64), b.host(64)
	e, err := b.dev.NewEvent()
	b.must(err)
	b.must(b.s.BeginCapture())
	g, err := b.s.EndCapture()
	b.must(err)
	run, err := g.Instantiate()
	b.must(err)
	params := addParams(x, 4, 1)
	for name, do := range map[string]func() error{
		"Launch":      func() error { return b.s.Launch(b.add, [3]int{4, 1, 1}, [3]int{256, 1, 1}, 0, params) },
		"CopyIn":      func() error { return b.s.CopyIn(x, h, 0, 64) },
		"CopyOut":     func() error { return b.s.CopyOut(h, 0, x, 64) },
		"Copy":        func() error { return b.s.Copy(x, x+32, 32) },
		"Fill8":       func() error { return b.s.Fill8(x, 0, 64) },
		"Record":      func() error { return b.s.Record(e) },
		"Wait":        func() error { return b.s.Wait(e) },
		"Sync":        func() error { return b.s.Sync() },
		"SetKernel":   func() error { return run.SetKernel(drv.Node{}, b.add, one, one, 0, params) },
		"Exec.Launch": func() error { return run.Launch(b.s) },
	} {
		if n := testing.AllocsPerRun(100, func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// After such an error what is given back is gone already, without another error.
func TestGivingBackAfterAFault(t *testing.T) {
	b := newBench(t, sim.Options{Fail: after("cuStreamSynchronize", 1, 702)})
	x, h := b.alloc(4), b.host(4)
	e, err := b.dev.NewEvent()
	b.must(err)
	first := b.s.Sync()
	if again := b.s.Sync(); !errors.Is(first, drv.ErrSticky) || again != first || b.m.Count("cuStreamSynchronize") != 1 {
		t.Fatalf("%v, then %v, in %d calls", first, again, b.m.Count("cuStreamSynchronize"))
	}
	b.must(errors.Join(b.dev.Free(x), h.Free(), e.Destroy(), b.module.Unload(), b.s.Destroy(), b.dev.Close(), b.dev.Close()))
	again, err := b.driver.Device(0) // a new context
	b.must(err)
	if _, err := again.Alloc(4); err != nil {
		t.Errorf("after the last one is closed: %v", err)
	}
}

// A function of another library is called with the thread bound, is named among the
// launches and by LAMINA_CUDA_SYNC; its status is its own.
func TestDo(t *testing.T) {
	for _, wait := range []string{"", "1"} {
		t.Setenv(drv.SyncVariable, wait)
		b := newBench(t, sim.Options{})
		stream := b.s.Handle()
		product := func(args ...uintptr) uintptr {
			if args[0] != 7 {
				return 15 // no code of CUDA's
			}
			if err := b.m.Enqueue(stream, "product", func() error { return errors.New("a word too many") }); err != nil {
				t.Error(err)
			}
			return 0
		}
		if status, err := b.s.Do("cublasLtMatmul", product, []uintptr{8}); status != 15 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
		_, err := b.s.Do("cublasLtMatmul", product, []uintptr{7})
		if wait == "" {
			b.must(err)
			expect(t, "late", b.s.Sync(), []string{"cuda:0: Sync: ", "\n  cublasLtMatmul, 2 times"}, drv.ErrSticky)
			continue
		}
		expect(t, "at once", err, []string{"cuda:0: cublasLtMatmul: cuStreamSynchronize: "}, drv.ErrSticky)
	}
}

// A graph stands among the launches by its kernels; with LAMINA_CUDA_SYNC=1 there are no
// graphs, so that each kernel stands for itself.
func TestGraphsInErrors(t *testing.T) {
	b := newBench(t, sim.Options{})
	stray, err := b.module.Function("stray")
	b.must(err)
	x := b.alloc(4)
	b.must(b.s.BeginCapture())
	b.must(b.s.Launch(b.add, one, one, 0, addParams(x, 1, 1)))
	b.must(b.s.Launch(stray, one, one, 0, nil))
	g, err := b.s.EndCapture()
	b.must(err)
	run, err := g.Instantiate()
	b.must(err)
	b.must(run.Launch(b.s))
	err = b.s.Sync()
	expect(t, "fault", err, []string{"\n  graph of 2 kernels, add to stray"}, drv.ErrSticky)

	t.Setenv(drv.SyncVariable, "1")
	b = newBench(t, sim.Options{})
	if err := b.s.BeginCapture(); !errors.Is(err, drv.ErrNoGraphs) {
		t.Error(err)
	}
	b.close()
}
