package cuda

import (
	"encoding/binary"
	"math"
	"testing"

	"lamina/kernels/cuda/internal/door"
	"lamina/kernels/cuda/internal/sim"
	"lamina/tensor"
)

// goKernels are two kernels in Go, for tests that are not about kernels.
func goKernels() map[string]sim.Kernel {
	u64 := func(l sim.Launch, at int) uint64 { return binary.LittleEndian.Uint64(l.Params[at:]) }
	f32 := func(l sim.Launch, at int) float32 {
		return math.Float32frombits(binary.LittleEndian.Uint32(l.Params[at:]))
	}
	floats := func(l sim.Launch, at int, n uint64) ([]float32, error) {
		b, err := l.Memory(u64(l, at), int(4*n))
		if err != nil {
			return nil, err
		}
		return tensor.View[float32](b), nil
	}
	return map[string]sim.Kernel{
		"lamina_fill": func(l sim.Launch) error {
			y, err := floats(l, 0, u64(l, 8))
			for i := range min(len(y), 4*l.Grid[0]*l.Block[0]) {
				y[i] = f32(l, 16)
			}
			return err
		},
		"lamina_add_scaled": func(l sim.Launch) error {
			n := u64(l, 16)
			y, err := floats(l, 0, n)
			if err != nil {
				return err
			}
			x, err := floats(l, 8, n)
			for i := range x {
				y[i] += f32(l, 24) * x[i]
			}
			return err
		},
	}
}

// bare is a backend on a machine that the test has in hand.
type bare struct {
	*Backend
	m *sim.Machine
}

// simulated opens a backend with Go kernels on small pinned memory, and closes both when
// the test ends: with a complaint about what was not given back, unless calls were to
// fail.
func simulated(t testing.TB, machine sim.Options, o Options, with door.Options) bare {
	t.Helper()
	if machine.Kernels == nil {
		machine.Kernels = goKernels()
	}
	m := sim.New(machine)
	with.Driver = m
	if with.Stage == 0 {
		with.Stage = 4 << 10
	}
	be, err := openWith(o, with)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := be.Close(); err != nil && machine.Fail == nil {
			t.Error(err)
		}
		if err := m.Close(); err != nil && machine.Fail == nil {
			t.Error(err)
		}
	})
	return bare{be, m}
}

// fill and addScaled are the two kernels.
func (be bare) fill(y tensor.Tensor, v float32) { fillOn(be.Backend, y, v) }

func fillOn(be *Backend, y tensor.Tensor, v float32) {
	l := be.start("lamina_fill")
	l.tensor(y)
	l.u64(uint64(y.Len()))
	l.f32(v)
	l.launch((y.Len()+1023)/1024, 256)
}

func (be bare) addScaled(y, x tensor.Tensor, s float32) { addOn(be.Backend, y, x, s) }

func addOn(be *Backend, y, x tensor.Tensor, s float32) {
	l := be.start("lamina_add_scaled")
	l.tensor(y)
	l.tensor(x)
	l.u64(uint64(y.Len()))
	l.f32(s)
	l.launch((y.Len()+1023)/1024, 256)
}

// wantAll fails unless every element is v.
func wantAll(t testing.TB, x tensor.Tensor, v float32) {
	t.Helper()
	for i, got := range x.Float32s() {
		if got != v {
			t.Fatalf("element %d of %v is %v, want %v", i, x, got, v)
		}
	}
}
