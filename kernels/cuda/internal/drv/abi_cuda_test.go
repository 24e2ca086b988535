//go:build cuda

package drv_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sys"
)

// mock is the library of testdata/mock.c.
type mock struct {
	sys.Library
	log sys.Proc
}

// mocked compiles and loads it, or skips the test.
func mocked(t *testing.T) mock {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("no gcc on this machine: how arguments come over to C is not looked at")
	}
	path := filepath.Join(t.TempDir(), "libcuda.so.1")
	if out, err := exec.Command(gcc, "-shared", "-fPIC", "-O1", "-w", "-o", path, "testdata/mock.c").CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	lib, err := sys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := lib.Lookup("mockLog")
	if err != nil {
		t.Fatal(err)
	}
	return mock{lib, log}
}

// said returns what C saw since the last call.
func (m mock) said() string {
	a := m.log()
	b := unsafe.Slice(*(**byte)(unsafe.Pointer(&a)), 1<<16)
	text, _, _ := strings.Cut(string(b), "\x00")
	return text
}

// see fails the test where C did not see just this.
func (m mock) see(t *testing.T, want string) {
	t.Helper()
	if got := m.said(); got != want {
		t.Errorf("C saw\n%swant\n%s", got, want)
	}
}

// Every argument comes over to C in its place and whole, eleven of them too.
func TestArgumentsComeOver(t *testing.T) {
	m := mocked(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	driver, err := drv.Open(m)
	must(err)
	if driver.Version() != 12040 {
		t.Errorf("version %d", driver.Version())
	}
	all, err := driver.Devices()
	must(err)
	want := drv.Info{Index: 1, Name: "Mock 1", UUID: "GPU-11111111-1111-1111-1111-111111111111", Major: 75, Minor: 76,
		Memory: 80<<30 + 1, Multiprocessors: 16, L2: 38, SharedPerBlock: 97}
	if len(all) != 2 || all[1] != want {
		t.Errorf("devices %+v", all)
	}
	dev, err := driver.Device(1)
	must(err)
	s, err := dev.NewStream()
	must(err)
	m.see(t, "cuInit 0\nretain 1\nstream flags 1\n")
	free, total, err := dev.MemInfo()
	if err != nil || free != 5<<32 || total != 6<<32 {
		t.Errorf("%d of %d, %v", free, total, err)
	}
	mod, err := dev.Load([]byte("ptx"))
	must(err)
	f, err := mod.Function("lamina_fill")
	must(err)
	must(f.SetShared(100 << 10))
	m.see(t, "load 3 bytes 2 options\nfunction 0x3d lamina_fill\nattribute 0xf0 8 102400\n")
	must(s.Launch(f, [3]int{1<<31 - 1, 2, 3}, [3]int{4, 5, 6}, 7, []byte{0xDE, 0xAD, 0xBE, 0xEF, 0xFF}))
	m.see(t, "launch 0xf0 grid 2147483647 2 3 block 4 5 6 shared 7 on 0x57 params (nil) keys 1 2 0, 5 bytes: de ad be ef ff\n")
	if u, err := f.Usage(); err != nil || u != (drv.Usage{Threads: 100, Shared: 101, Local: 103, Registers: 104}) {
		t.Errorf("%+v, %v", u, err)
	}
	testCopies(t, m, dev, s)
	testGraphCalls(t, m, s, f)
	must(mod.Unload())
	must(s.Destroy())
	must(dev.Close())
	m.see(t, "unload 0x3d\ndestroy stream 0x57\nrelease 1\n")
}

func testCopies(t *testing.T, m mock, dev *drv.Device, s *drv.Stream) {
	x, err := dev.Alloc(64)
	h, err2 := dev.AllocHost(32)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	copy(h.Bytes(), "0123456789abcdef")
	err = errors.Join(s.CopyIn(x, h, 4, 12), s.Copy(x+32, x, 12), s.Fill8(x+36, '-', 2), s.Fill32(x+40, 0x21212121, 1),
		s.CopyOut(h, 16, x+32, 12), s.Sync())
	if err != nil || string(h.Bytes()[16:28]) != "4567--ab!!!!" {
		t.Errorf("%q, %v", h.Bytes(), err)
	}
	m.see(t, "host 32 flags 1\nin 12 on 0x57\ncopy 12 on 0x57\nout 12 on 0x57\n")
	if done, err := s.Done(); done || err != nil {
		t.Errorf("done is %v, %v", done, err)
	}
	if _, err := dev.Alloc(1 << 33); !errors.Is(err, drv.ErrOOM) {
		t.Errorf("8 GiB: %v", err)
	}
	if err := errors.Join(dev.Free(x), h.Free()); err != nil {
		t.Error(err)
	}
}

func testGraphCalls(t *testing.T, m mock, s *drv.Stream, f *drv.Function) {
	if err := s.BeginCapture(); err != nil {
		t.Fatal(err)
	}
	g, err := s.EndCapture()
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := g.Nodes()
	if err != nil || len(nodes) != 2 || !nodes[0].Is(f) || nodes[0].Grid != [3]int{1, 2, 3} || nodes[0].Block != [3]int{4, 5, 6} || nodes[0].Shared != 7 || nodes[1].Kind != drv.CopyNode {
		t.Fatalf("%+v, %v", nodes, err)
	}
	e, err := g.Instantiate()
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(e.SetKernel(nodes[0], f, [3]int{9, 8, 7}, [3]int{6, 5, 4}, 3, []byte{1, 2}), e.Launch(s), e.Destroy(), g.Destroy())
	if err != nil {
		t.Error(err)
	}
	m.see(t, "capture 0x57 mode 1\ninstantiate 0x69 0\n"+
		"set 0xe0 0xa0 0xf0 grid 9 8 7 block 6 5 4 shared 3 params (nil) keys 1 2 0, 2 bytes: 01 02\ngraph 0xe0 on 0x57\n")
}

// Events, and the error of one: the library's own words, and the line of bad PTX.
func TestAnswersComeBack(t *testing.T) {
	m := mocked(t)
	driver, err := drv.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := driver.Device(0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Load([]byte("bad")); err == nil || !strings.HasSuffix(err.Error(), "\nline 7: the mock knows no such instruction") {
		t.Errorf("bad PTX: %v", err)
	}
	s, err := dev.NewStream()
	e, err2 := dev.NewEvent()
	if err := errors.Join(err, err2, s.Record(e), s.Wait(e)); err != nil {
		t.Fatal(err)
	}
	if done, err := e.Done(); !done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	m.see(t, "cuInit 0\nretain 0\nload 3 bytes 2 options\nstream flags 1\nevent flags 2\nrecord 0xe1 0x57\nwait 0x57 0xe1 0\n")
	if err := e.Sync(); err != nil {
		t.Error(err)
	}
	if err := s.Fill8(0, 0x71, 1); !errors.Is(err, drv.ErrSticky) || !strings.Contains(err.Error(), "words of the mock (CUDA_ERROR_MOCK, 719)") {
		t.Errorf("%v", err)
	}
}

// Goroutines that wander between threads are bound for each call, while the collector
// runs; and a call of the library allocates nothing.
func TestThreadsAndMemory(t *testing.T) {
	m := mocked(t)
	driver, err := drv.Open(m)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := driver.Device(0)
	if err != nil {
		t.Fatal(err)
	}
	mod, err := dev.Load([]byte("ptx"))
	s, err2 := dev.NewStream()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	f, err := mod.Function("f")
	if err != nil {
		t.Fatal(err)
	}
	m.said()
	params := make([]byte, 64)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 500 {
				if err := s.Sync(); err != nil {
					t.Error(err)
					return
				}
				if i%100 == 0 {
					runtime.GC()
				}
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	if n := testing.AllocsPerRun(50, func() {
		if err := s.Launch(f, one, one, 0, params); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("a launch allocates %v times", n)
	}
}

// What the loader says of a library that is not there, or is none.
func TestLoaderSays(t *testing.T) {
	if _, err := sys.Open("libnone.so.1"); err == nil || !strings.Contains(err.Error(), "No such file") {
		t.Error(err)
	}
	m := mocked(t)
	if _, err := m.Lookup("cuNone"); err == nil || !strings.Contains(err.Error(), "libcuda.so.1 has no cuNone: ") {
		t.Error(err)
	}
}
