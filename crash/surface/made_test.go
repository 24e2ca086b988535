package surface

import (
	"context"
	"encoding/json"
	"testing"

	"lamina/crash/crashtest"
	"lamina/eval/task"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// three are a decoder and two that differ from it in blocks 2 and 4, and in block 4 and the
// final norm; the first one's blocks are F16 in place 1 and 2.
func three(t testing.TB, be kernels.Backend, family string) (a, b, c Checkpoint) {
	t.Helper()
	d := crashtest.Small(be, family)
	for place := 1; place < 3; place++ {
		for _, field := range nn.ProjectionsOf(d.Blocks[place]) {
			w := (*field).(*nn.Linear).Weight
			w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F16, w.Value.Float32s(), w.Value.Shape()...))
		}
	}
	moved := func(seed uint64, modules ...nn.Module) {
		for i, m := range modules {
			for w := range nn.ParamsOf(m) {
				v := w.Value.Float32s()
				for k := range v {
					v[k] += float32(0.05 * philox.New(seed, uint64(i)).Normal(uint64(k)))
				}
				w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, v, w.Value.Shape()...))
			}
		}
	}
	full, crash := d.Clone(), d.Clone()
	moved(1, full.Blocks[2], full.Blocks[4])
	moved(2, crash.Blocks[4])
	for w := range crash.Norm.Params() {
		w.Value = tensor.Must(tensor.FromFloat32s(be, tensor.F32, scaled(w.Value.Float32s(), 1.1), w.Value.Shape()...))
	}
	return Checkpoint{"init", d}, Checkpoint{"full", full}, Checkpoint{"crash", crash}
}

func scaled(v []float32, by float32) []float32 {
	for i := range v {
		v[i] *= by
	}
	return v
}

// questions are rows with three choices each, whose contexts are shared.
func questions(t testing.TB) *Rows {
	t.Helper()
	r := &task.Requests{}
	pairs := crashtest.Pairs(24)
	for i := 0; i < len(pairs); i += 3 {
		r.Items = append(r.Items, task.Item{Shape: task.Choice, Gold: i % 3, Requests: make([]task.Request, 3), Chars: []int{1, 1, 1}})
		r.Counts = append(r.Counts, 3)
		for k := range 3 {
			r.Pairs = append(r.Pairs, task.Pair{Context: pairs[i].Context, Target: pairs[i+k].Target})
		}
	}
	rows, err := NewRows(r)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// world is what a test measures.
type world struct {
	be       kernels.Backend
	rows     *Rows
	a, b, c  Checkpoint
	toB, toC *Direction
}

func newWorld(t testing.TB, be kernels.Backend, family string) world {
	t.Helper()
	w := world{be: be, rows: questions(t)}
	w.a, w.b, w.c = three(t, be, family)
	var err error
	if w.toB, err = Toward(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	if w.toC, err = Toward(w.a, w.c); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w world) space(t testing.TB, d ...*Direction) *Space {
	t.Helper()
	s, err := NewSpace(w.be, w.a, d...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (w world) measurement(t testing.TB, dir string) *Measurement {
	t.Helper()
	p, err := OpenPoints(dir, []byte(`{"command":"interpolate","seed":1}`), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return &Measurement{Backend: w.be, Rows: w.rows, Points: p, Memory: 1 << 20}
}

// score is what a checkpoint comes to by itself.
func (w world) score(t testing.TB, d *transformer.Decoder) Measured {
	t.Helper()
	m, err := w.rows.Measure(context.Background(), w.be, d, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// same compares results to the bit, and what has no number with what has none.
func same(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
