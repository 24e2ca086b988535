package emulate_test

import (
	"testing"

	"lamina/autograd"
	"lamina/crash/crashtest"
	"lamina/crash/emulate"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestExactShareOfPlans is the model without its removed blocks, to the bit, whatever is
// trained or stands twice.
func TestExactShareOfPlans(t *testing.T) {
	be := ref.New()
	for _, family := range crashtest.Families {
		full := crashtest.Small(be, family)
		for text, kept := range map[string]int{"0* 1 2 3 4 5*": 6, "0* 5": 2, "0* 0 2 2 2 5*": 3, "3*": 1} {
			e, err := emulate.New(full, crashtest.Plan(t, text))
			if err != nil {
				t.Fatal(err)
			}
			c := full.Config
			want := float64(c.Params()-(c.Layers-kept)*c.BlockParams()) / float64(c.Params())
			if got := e.ExactShare(full); got != want {
				t.Errorf("%s, %s: %v, want %v", family, text, got, want)
			}
		}
		if got := emulate.Whole(full).ExactShare(full); got != 1 {
			t.Errorf("%s, the whole: %v", family, got)
		}
	}
}

// TestExactShareCountsWhatIsLeft of a matrix: elements, rows or columns, and nothing of
// factors.
func TestExactShareCountsWhatIsLeft(t *testing.T) {
	be := ref.New()
	full := crashtest.Small(be, "llama")
	const name = "model.layers.2.mlp.up_proj.weight"
	all := nn.Count(full.Params())
	for _, c := range []struct {
		what  string
		spoil func(v []float32, rows, cols int) ([]float32, int, int)
		lost  func(rows, cols int) int
	}{
		{"three elements", func(v []float32, rows, cols int) ([]float32, int, int) {
			v[0], v[7], v[len(v)-1] = 2, 0, -v[len(v)-1]
			return v, rows, cols
		}, func(rows, cols int) int { return 3 }},
		{"the first and the last row", func(v []float32, rows, cols int) ([]float32, int, int) {
			return v[cols : len(v)-cols], rows - 2, cols
		}, func(rows, cols int) int { return 2 * cols }},
		{"a row, and another changed", func(v []float32, rows, cols int) ([]float32, int, int) {
			v[3*cols] = 9
			return v[cols:], rows - 1, cols
		}, func(rows, cols int) int { return 2 * cols }},
		{"all columns but two", func(v []float32, rows, cols int) ([]float32, int, int) {
			var out []float32
			for r := range rows {
				out = append(out, v[r*cols+1], v[r*cols+4])
			}
			return out, rows, 2
		}, func(rows, cols int) int { return (cols - 2) * rows }},
		{"both sizes", func(v []float32, rows, cols int) ([]float32, int, int) {
			return v[:(rows-1)*(cols-1)], rows - 1, cols - 1
		}, func(rows, cols int) int { return rows * cols }},
	} {
		e := emulate.Whole(full)
		w := find(t, e.Decoder, name)
		rows, cols := w.Value.Rows(), w.Value.Cols()
		values, r, k := c.spoil(w.Value.Float32s(), rows, cols)
		w.Value = tensor.MustFromFloat32s(be, tensor.F32, values, r, k)
		if got, want := e.ExactShare(full), float64(all-c.lost(rows, cols))/float64(all); got != want {
			t.Errorf("%s: %v, want %v", c.what, got, want)
		}
	}
	e := emulate.Whole(full)
	factor(t, be, e.Decoder, func(out, in int) int { return 2 })
	linears := 0
	for _, field := range full.Linears() {
		in, out := (*field).(*nn.Linear).Sizes()
		linears += in * out
	}
	if got, want := e.ExactShare(full), float64(all-linears)/float64(all); got != want {
		t.Errorf("factors: %v, want %v", got, want)
	}
}

func find(t *testing.T, d *transformer.Decoder, name string) *autograd.Parameter {
	t.Helper()
	for w := range d.Params() {
		if w.Name == name {
			return w
		}
	}
	t.Fatalf("no %s", name)
	return nil
}
