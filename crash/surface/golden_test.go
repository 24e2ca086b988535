package surface

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels/ref"
	"lamina/tensor"
)

type golden struct {
	Weight    []float32 `json:"weight"`
	Direction []float32 `json:"direction"`
	Rows      int       `json:"rows"`
	ByRows    []float64 `json:"by_rows"`
	ByColumns []float64 `json:"by_columns"`
	EqualNorm []float64 `json:"equal_norm"`
	Lines     []struct {
		X      []float64 `json:"x"`
		Loss   []float64 `json:"loss"`
		Height float64   `json:"height"`
		At     float64   `json:"at"`
	} `json:"lines"`
	A        []float32 `json:"a"`
	B        []float32 `json:"b"`
	Relative float64   `json:"relative"`
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestDirectionsAgainstNumpy holds filter normalisation and equal norms against numpy, to
// the rounding to F32.
func TestDirectionsAgainstNumpy(t *testing.T) {
	g := readGolden(t)
	near := func(what string, got []float32, want []float64) {
		for i := range want {
			if math.Abs(float64(got[i])-want[i]) > 0x1p-23*math.Abs(want[i]) {
				t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			}
		}
	}
	rows, columns, equal := slices.Clone(g.Direction), slices.Clone(g.Direction), slices.Clone(g.Direction)
	filterNormalise(rows, g.Weight, g.Rows, false)
	filterNormalise(columns, g.Weight, g.Rows, true)
	scaleTo(equal, 0.75)
	near("rows", rows, g.ByRows)
	near("columns", columns, g.ByColumns)
	near("equal norm", equal, g.EqualNorm)
}

// TestBarrierAgainstNumpy holds the barrier and the relative distance against numpy.
func TestBarrierAgainstNumpy(t *testing.T) {
	g := readGolden(t)
	for i, l := range g.Lines {
		var points []LinePoint
		var ends [2]LinePoint
		for k, x := range l.X {
			p := LinePoint{Number(x), Measured{Loss: Number(l.Loss[k])}}
			points = append(points, p)
			if x == 0 || x == 1 {
				ends[int(x)] = p
			}
		}
		b := BarrierOf(points, ends)
		if math.Abs(float64(b.Height)-l.Height) > 1e-15 || l.Height > 0 && float64(b.X) != l.At {
			t.Errorf("line %d: barrier %v, want %v at %v", i, b, l.Height, l.At)
		}
		points[4].Loss = Number(math.NaN()) // one that overflowed is left out
		if b := BarrierOf(points, ends); !b.Height.Finite() {
			t.Errorf("line %d: barrier %v with a point without a loss", i, b)
		}
		ends[0].Loss = Number(math.Inf(1))
		if b := BarrierOf(points, ends); b.Height.Finite() {
			t.Errorf("line %d: barrier %v of an end without a loss", i, b)
		}
	}
	be := ref.New()
	w := func(v []float32) *autograd.Parameter {
		return &autograd.Parameter{Name: "w", Value: tensor.Must(tensor.FromFloat32s(be, tensor.F32, v, 8, 5))}
	}
	c, err := compare(Checkpoint{}, Checkpoint{}, w(g.A), w(g.B))
	if got := math.Sqrt(c.diff) / math.Sqrt(c.norm); err != nil || math.Abs(got-g.Relative) > 1e-15 {
		t.Errorf("relative distance %v, %v, want %v", got, err, g.Relative)
	}
}

// TestRandomDirections: each filter has the weight's norm, vectors stay; an equal direction
// has the other's norm in each tensor; a seed and a draw give the same one again, others
// another.
func TestRandomDirections(t *testing.T) {
	for _, family := range []string{"llama", "gpt2"} {
		a, b, _ := three(t, ref.New(), family)
		d, err := FilterNormalised(a, 7, 0)
		if err != nil {
			t.Fatal(err)
		}
		columns := inOut(a)
		if (len(columns) > 0) != (family == "gpt2") {
			t.Errorf("%s: filters are columns in %v", family, columns)
		}
		for i, w := range a.weights() {
			if w.Value.Rank() == 1 {
				if d.moves[i] {
					t.Errorf("%s: %s moves", family, w.Name)
				}
				continue
			}
			if got, want := d.norms[i], norm(w.Value.Float32s()); math.Abs(got-want) > 1e-5*want {
				t.Errorf("%s: %s: norm %v, want %v", family, w.Name, got, want)
			}
		}
		to, err := Toward(a, b)
		if err != nil {
			t.Fatal(err)
		}
		r, again, other := OfNorms(a, to, 7, 0), OfNorms(a, to, 7, 0), OfNorms(a, to, 7, 1)
		for i := range to.moves {
			if math.Abs(r.norms[i]-to.norms[i]) > 1e-6*to.norms[i] {
				t.Errorf("%s: tensor %d: norm %v, want %v", family, i, r.norms[i], to.norms[i])
			}
			if !slices.Equal(r.random[i], again.random[i]) || r.random[i] != nil && slices.Equal(r.random[i], other.random[i]) {
				t.Errorf("%s: tensor %d: the draw is not the seed's", family, i)
			}
		}
	}
	if v := philox.New(7, philox.Stream(0, 0, philoxOp)).Normal(0); float32(v) != normal(4, 7, 0, 0)[0] {
		t.Errorf("the first deviate is %v", v)
	}
}
