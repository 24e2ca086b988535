package drv_test

import (
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"lamina/kernels/cuda/internal/drv"
	"lamina/kernels/cuda/internal/sim"
)

// one is a grid or a block of one.
var one = [3]int{1, 1, 1}

// module is PTX with no kernel of its own: those of kernels stand beside it.
const module = ".version 7.8\n.target sm_80\n.address_size 64\n"

// kernels are what these tests launch.
var kernels = map[string]sim.Kernel{
	"add":   add,
	"note":  func(l sim.Launch) error { noted = l; return nil },
	"stray": func(l sim.Launch) error { _, err := l.Memory(16, 4); return err },
}

// noted is the last launch of note.
var noted sim.Launch

// add adds a number to the float32s of a block: parameters (pointer, count, number).
func add(l sim.Launch) error {
	n := int(binary.LittleEndian.Uint32(l.Params[8:]))
	b, err := l.Memory(binary.LittleEndian.Uint64(l.Params), 4*n)
	if err != nil {
		return err
	}
	by := math.Float32frombits(binary.LittleEndian.Uint32(l.Params[12:]))
	for i := range n {
		v := math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v+by))
	}
	return nil
}

// addParams packs the parameters of add.
func addParams(p drv.Ptr, n int, by float32) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(p))
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(by))
}

// bench is a device of a simulated machine with what most tests use.
type bench struct {
	t      *testing.T
	m      *sim.Machine
	driver *drv.Driver
	dev    *drv.Device
	s      *drv.Stream
	module *drv.Module
	add    *drv.Function
}

func newBench(t *testing.T, o sim.Options) *bench {
	t.Helper()
	o.Kernels = kernels
	b := &bench{t: t, m: sim.New(o)}
	var err error
	b.driver, err = drv.Open(b.m)
	b.must(err)
	b.dev, err = b.driver.Device(0)
	b.must(err)
	b.s, err = b.dev.NewStream()
	b.must(err)
	b.module, err = b.dev.Load([]byte(module))
	b.must(err)
	b.add, err = b.module.Function("add")
	b.must(err)
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// launched returns a launch as the kernel sees it.
func (b *bench) launched(l sim.Launch) sim.Launch {
	f, err := b.module.Function("note")
	b.must(err)
	b.must(b.s.Launch(f, l.Grid, l.Block, l.Shared, nil))
	b.must(b.s.Sync())
	noted.Memory, noted.Params, noted.Run = nil, nil, nil
	return noted
}

// close gives all back, and fails the test for what the simulation found.
func (b *bench) close() {
	b.t.Helper()
	b.must(b.s.Destroy())
	b.must(b.module.Unload())
	b.must(b.dev.Close())
	b.must(b.dev.Close()) // does nothing
	b.must(b.m.Close())
}

func (b *bench) alloc(bytes int64) drv.Ptr {
	b.t.Helper()
	p, err := b.dev.Alloc(bytes)
	b.must(err)
	return p
}

func (b *bench) host(bytes int) *drv.Host {
	b.t.Helper()
	h, err := b.dev.AllocHost(bytes)
	b.must(err)
	return h
}

func put(h *drv.Host, v ...float32) {
	for i, x := range v {
		binary.LittleEndian.PutUint32(h.Bytes()[4*i:], math.Float32bits(x))
	}
}

func get(h *drv.Host, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(h.Bytes()[4*i:]))
}

func TestWorkOfAStream(t *testing.T) {
	b := newBench(t, sim.Options{})
	x, y := b.alloc(16), b.alloc(16)
	h := b.host(32)
	put(h, 1, 2, 3, 4)
	b.must(b.s.CopyIn(x, h, 0, 16))
	b.must(b.s.Launch(b.add, one, one, 0, addParams(x, 4, 10)))
	b.must(b.s.Copy(y, x, 16))
	b.must(b.s.Fill8(x, 0, 8))
	b.must(b.s.Fill32(x+8, math.Float32bits(7), 2))
	b.must(b.s.CopyOut(h, 0, x, 16))
	b.must(b.s.CopyOut(h, 16, y, 16))
	if done, err := b.s.Done(); done || err != nil {
		t.Errorf("all is done before it was waited for: %v, %v", done, err)
	}
	b.must(b.s.Sync())
	for i, want := range []float32{0, 0, 7, 7, 11, 12, 13, 14} {
		if got := get(h, i); got != want {
			t.Errorf("number %d is %v, want %v", i, got, want)
		}
	}
	if done, err := b.s.Done(); !done || err != nil {
		t.Errorf("done is %v, %v after Sync", done, err)
	}
	free, total, err := b.dev.MemInfo()
	if err != nil || total != 1<<30 || free != total-32 {
		t.Errorf("%d of %d free, %v", free, total, err)
	}
	b.must(b.dev.Free(x))
	b.must(b.dev.Free(y))
	b.must(h.Free())
	b.must(h.Free())
	b.close()
}

// Fresh memory reads as NaN, on the device and on the host.
func TestFreshMemoryIsPoison(t *testing.T) {
	b := newBench(t, sim.Options{})
	x, h := b.alloc(4), b.host(8)
	b.must(b.s.CopyOut(h, 0, x, 4))
	b.must(b.s.Sync())
	for i := range 2 {
		if v := get(h, i); v == v {
			t.Errorf("fresh memory reads as %v", v)
		}
	}
	b.must(b.dev.Free(x))
	b.must(h.Free())
	b.close()
}

// What the order of streams leaves open shows: without the event the second stream reads
// what the first has not written.
func TestMissingEventShows(t *testing.T) {
	for _, event := range []bool{true, false} {
		b := newBench(t, sim.Options{})
		s2, err := b.dev.NewStream()
		b.must(err)
		e, err := b.dev.NewEvent()
		b.must(err)
		x, h := b.alloc(4), b.host(8)
		put(h, 5)
		b.must(b.s.CopyIn(x, h, 0, 4))
		b.must(b.s.Record(e))
		if event {
			b.must(s2.Wait(e))
		}
		b.must(s2.CopyOut(h, 4, x, 4))
		b.must(s2.Sync())
		if got := get(h, 1) == 5; got != event {
			t.Errorf("with the event: %v; the number has come: %v", event, got)
		}
		b.must(b.s.Sync())
		b.must(b.dev.Free(x))
		b.must(h.Free())
		b.must(e.Destroy())
		b.must(s2.Destroy())
		b.close()
	}
}

// Host memory that is used again before its copy is done shows as wrong numbers.
func TestHostMemoryUsedTooEarlyShows(t *testing.T) {
	b := newBench(t, sim.Options{})
	x, h := b.alloc(4), b.host(4)
	put(h, 1)
	b.must(b.s.CopyIn(x, h, 0, 4))
	put(h, 2)
	b.must(b.s.CopyOut(h, 0, x, 4))
	b.must(b.s.Sync())
	if got := get(h, 0); got != 2 {
		t.Errorf("the copy was done at once: %v", got)
	}
	b.must(b.dev.Free(x))
	b.must(h.Free())
	b.close()
}

// Drawn orders keep what streams and events promise, and differ where they promise nothing.
func TestDrawnOrders(t *testing.T) {
	outcomes := map[float32]bool{}
	for seed := range uint64(20) {
		b := newBench(t, sim.Options{Seed: seed + 1})
		s2, err := b.dev.NewStream()
		b.must(err)
		e, err := b.dev.NewEvent()
		b.must(err)
		x, h := b.alloc(8), b.host(16)
		put(h, 0, 0)
		b.must(b.s.CopyIn(x, h, 0, 8))
		b.must(b.s.Launch(b.add, one, one, 0, addParams(x, 1, 1)))
		b.must(b.s.Record(e))
		b.must(b.s.Launch(b.add, one, one, 0, addParams(x+4, 1, 1)))
		b.must(s2.Wait(e))
		b.must(s2.CopyOut(h, 8, x, 8)) // the second number may have come, or not
		b.must(s2.Sync())
		if got := get(h, 2); got != 1 {
			t.Errorf("seed %d: what the event promises is %v", seed, got)
		}
		outcomes[get(h, 3)] = true
		b.must(b.s.Sync())
		b.must(b.dev.Free(x))
		b.must(h.Free())
		b.must(e.Destroy())
		b.must(s2.Destroy())
		b.close()
	}
	if len(outcomes) != 2 {
		t.Errorf("20 orders with the one outcome %v", outcomes)
	}
}

func TestEvents(t *testing.T) {
	b := newBench(t, sim.Options{})
	from, err := b.dev.NewEvent()
	b.must(err)
	to, err := b.dev.NewEvent()
	b.must(err)
	if done, err := from.Done(); !done || err != nil {
		t.Errorf("an event that was not recorded: %v, %v", done, err)
	}
	b.must(b.s.Record(from))
	b.must(b.s.Record(to))
	if done, err := to.Done(); done || err != nil {
		t.Errorf("an event that nobody waited for: %v, %v", done, err)
	}
	b.must(to.Sync())
	if done, err := to.Done(); !done || err != nil {
		t.Errorf("after Sync: %v, %v", done, err)
	}
	b.must(from.Destroy())
	b.must(to.Destroy())
	b.must(to.Destroy())
	b.close()
}

// Launches from many goroutines are bound each, and LAMINA_CUDA_SYNC waits for each.
func TestManyGoroutines(t *testing.T) {
	t.Setenv(drv.SyncVariable, "1")
	b := newBench(t, sim.Options{})
	x, h := b.alloc(4), b.host(4)
	b.must(b.s.Fill32(x, 0, 1))
	errs := make(chan error)
	for range 16 {
		go func() {
			var err error
			for range 20 {
				err = errors.Join(err, b.s.Launch(b.add, one, one, 0, addParams(x, 1, 1)))
			}
			errs <- err
		}()
	}
	for range 16 {
		b.must(<-errs)
	}
	if n := b.m.Count("cuStreamSynchronize"); n != 320 {
		t.Errorf("%d waits for 320 launches", n)
	}
	b.must(b.s.CopyOut(h, 0, x, 4))
	b.must(b.s.Sync())
	if get(h, 0) != 320 {
		t.Errorf("320 additions come to %v", get(h, 0))
	}
	b.must(b.dev.Free(x))
	b.must(h.Free())
	b.close()
}

func TestFunction(t *testing.T) {
	b := newBench(t, sim.Options{})
	if err := b.s.Launch(b.add, one, one, 64<<10, nil); err == nil {
		t.Error("64 KiB of shared memory were not asked for, and given")
	}
	if b.m.Err() == nil || !strings.Contains(b.m.Err().Error(), "65536 bytes of dynamic shared memory, permitted are 49152") {
		t.Errorf("the simulation says %v", b.m.Err())
	}
	b.must(b.add.SetShared(64 << 10))
	x := b.alloc(4)
	b.must(b.s.Launch(b.add, one, one, 64<<10, addParams(x, 1, 1)))
	b.must(b.s.Sync())
	if want := (sim.Launch{Grid: [3]int{2, 3, 4}, Block: [3]int{5, 6, 7}, Shared: 8}); !reflect.DeepEqual(b.launched(want), want) {
		t.Errorf("launched %+v", b.launched(want))
	}
	if u, err := b.add.Usage(); err != nil || u.Threads != 1024 {
		t.Errorf("%+v, %v", u, err)
	}
	if _, err := b.module.Function("none"); err == nil || !strings.Contains(err.Error(), "none: cuModuleGetFunction: ") {
		t.Error(err)
	}
	if err := b.s.Launch(b.add, one, one, 0, make([]byte, 5000)); err == nil || !strings.Contains(err.Error(), "at most 4096") {
		t.Error(err)
	}
}

// Copies outside of a host buffer are refused before the library sees them.
func TestHostBounds(t *testing.T) {
	b := newBench(t, sim.Options{})
	x, h := b.alloc(64), b.host(16)
	for _, r := range [][2]int{{-1, 4}, {0, 17}, {12, 8}, {16, 1}, {4, -1}} {
		if err := b.s.CopyIn(x, h, r[0], r[1]); err == nil {
			t.Errorf("%d bytes at %d", r[1], r[0])
		}
	}
	b.must(b.s.CopyIn(x, h, 16, 0))
	b.must(b.dev.Free(x))
	b.must(h.Free())
	b.close()
}
