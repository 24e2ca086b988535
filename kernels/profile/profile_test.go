package profile_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/klauspost/cpuid/v2"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/kernels/profile"
	"lamina/kernels/ref"
	"lamina/tensor"
)

func Example() {
	be := profile.New(ref.New())
	x := tensor.MustFromFloats(be, tensor.F32, []float64{1, 2}, 1, 2)
	y := tensor.MustNew(be, tensor.F32, 1, 1)
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: x, TransB: true})
	kernels.MatMul(be, kernels.MatMulArgs{C: y, A: x, B: x, TransB: true})
	for _, e := range be.Entries() {
		fmt.Println(e.Method, e.Calls, e.Time > 0)
	}
	fmt.Println(y.Floats())
	// Output:
	// MatMul 2 true
	// [5]
}

// Every method that computes is measured, also where the call panics.
func TestEveryMethodIsMeasured(t *testing.T) {
	for _, name := range intercept.Methods() {
		be := profile.New(ref.New())
		call(reflect.ValueOf(be).MethodByName(name))
		entries := be.Entries()
		if len(entries) != 1 || entries[0].Method != name || entries[0].Calls != 1 {
			t.Errorf("%s: measured %v", name, entries)
		}
	}
}

// call runs a method on zero arguments: what it computes does not matter, and it
// may panic.
func call(method reflect.Value) {
	defer func() { _ = recover() }()
	args := make([]reflect.Value, method.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(method.Type().In(i))
	}
	method.Call(args)
}

// foreign is an operation from outside.
type foreign struct{}

func (foreign) Name() string { return "foreign" }

func TestKernelsFromOutsideGoByTheirNames(t *testing.T) {
	be := profile.New(ref.New())
	queue, err := be.Queue()
	if err != nil || kernels.Custom(queue, foreign{}) {
		t.Fatalf("a kernel without code ran, or %v", err)
	}
	if e := be.Entries(); len(e) != 1 || e[0].Method != "foreign" {
		t.Errorf("measured %v, on another queue of the device", e)
	}
}

// choosing is a backend that is asked for more than computing.
type choosing struct{ kernels.Backend }

func (choosing) LogitBytes() int             { return 12345 }
func (choosing) Step(_ string, issue func()) { panic("a step is taken as one") }

// TestWhatIsMeasuredChooses: how many logits there are at once, on every queue, or their
// sums would be others under a profile; but steps are measured call by call.
func TestWhatIsMeasuredChooses(t *testing.T) {
	be := profile.New(choosing{ref.New()})
	queue, err := profile.New(queued{choosing{ref.New()}}).Queue()
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []kernels.Backend{be, queue} {
		if got := kernels.LogitBytes(on); got != 12345 {
			t.Errorf("%d bytes of logits, want those of what is measured", got)
		}
	}
	x := tensor.MustNew(be, tensor.F32, 3)
	kernels.Step(be, "step", func() { kernels.Fill(be, x, 1) })
	if e := be.Entries(); len(e) != 1 || e[0].Method != "Fill" {
		t.Errorf("of a step there was measured %v", e)
	}
}

// queued has queues of its own kind.
type queued struct{ choosing }

func (q queued) Queue() (kernels.Backend, error) { return q.choosing, nil }

func TestReset(t *testing.T) {
	be := profile.New(ref.New())
	kernels.Fill(be, tensor.MustNew(be, tensor.F32, 3), 1)
	be.Reset()
	if e := be.Entries(); len(e) != 0 {
		t.Errorf("after Reset: %v", e)
	}
}

func TestLimitsArePositive(t *testing.T) {
	if f := profile.PeakFLOPS(1); !(f > 0) {
		t.Errorf("PeakFLOPS(1) = %v", f)
	}
	if b := profile.ReadBandwidth(1); !(b > 0) {
		t.Errorf("ReadBandwidth(1) = %v", b)
	}
	for _, threads := range []int{1, 2, 64} {
		if size := profile.MemoryBytes(threads); size < 64<<20 || size*threads < cpuid.CPU.Cache.L3 && size*threads < 1<<30 {
			t.Errorf("%d threads read %d bytes each, the largest cache has %d", threads, size, cpuid.CPU.Cache.L3)
		}
	}
}
