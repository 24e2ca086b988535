package exchange

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/internal/philox"
)

// fallingMatrix is that of testdata/gen_cut.py.
func fallingMatrix(rows, cols int) []float64 {
	state, out := uint64(1), make([]float64, rows*cols)
	for i := range out {
		state = (1103515245*state + 12345) % (1 << 31)
		out[i] = (float64(state>>11)/(1<<19) - 1) * math.Pow(0.5, float64(i%cols%6))
	}
	return out
}

// TestCutEqualsNumpy to 1e-9 of the largest number.
func TestCutEqualsNumpy(t *testing.T) {
	data, err := os.ReadFile("testdata/cut.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Shape []int
		Rank  int
		Cut   []float64
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 5 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		d, err := Delta{D: fallingMatrix(c.Shape[0], c.Shape[1])}.cut(c.Rank, c.Shape)
		if err != nil {
			t.Fatal(err)
		}
		largest, apart := 0.0, 0.0
		for i, want := range c.Cut {
			largest, apart = max(largest, math.Abs(want)), max(apart, math.Abs(d.D[i]-want))
		}
		if !(apart <= 1e-9*largest) {
			t.Errorf("%v to rank %d: %.3g apart, of %.3g", c.Shape, c.Rank, apart, largest)
		}
	}
	vector := Delta{D: []float64{1, 2}, Rest: map[int]float64{1: 3}}
	if d, err := vector.cut(1, []int{2}); err != nil || &d.D[0] != &vector.D[0] || d.Rest[1] != 3 {
		t.Errorf("a vector was cut: %v, %v", d, err)
	}
	full := Delta{D: fallingMatrix(3, 2), Rest: map[int]float64{1: 1e-9}}
	if d, err := full.cut(2, []int{3, 2}); err != nil || &d.D[0] != &full.D[0] || len(d.Rest) != 1 {
		t.Errorf("a matrix of that rank was cut: %v, %v", d, err)
	}
}

// TestDeltaIsExact for pairs of any bits: b + (a - b) is a, in both types.
func TestDeltaIsExact(t *testing.T) {
	const n = 200000
	rng := philox.New(3, 0).Sequence()
	a, b := make([]float32, n), make([]float32, n)
	for i := range a {
		for _, v := range []*float32{&a[i], &b[i]} {
			for *v = float32(math.NaN()); math.IsNaN(float64(*v)) || math.Abs(float64(*v)) > 1e38; {
				*v = math.Float32frombits(rng.Uint32())
			}
		}
		switch rng.Intn(8) {
		case 0:
			b[i] = -a[i]
		case 1:
			b[i] = a[i]
		case 2:
			b[i] = math.Nextafter32(a[i], 1)
		case 3:
			a[i] = float32(math.Copysign(0, float64(a[i])))
		case 4:
			b[i] = float32(math.Copysign(0, float64(b[i])))
		}
	}
	for what, d := range map[string]Delta{"F32": newDelta[float32](a, b), "F64": newDelta[float64](a, b)} {
		for i, v := range a {
			if got := d.plus(i, b[i], 1); !sameBits(got, v) {
				t.Fatalf("%s: %x + (%x - %[2]x) is %x", what, math.Float32bits(b[i]), math.Float32bits(v), math.Float32bits(got))
			}
			if got := d.plus(i, b[i], 0); !sameBits(got, b[i]) {
				t.Fatalf("%s: %x + 0·d is %x", what, math.Float32bits(b[i]), math.Float32bits(got))
			}
			if what == "F32" && float64(float32(d.D[i])) != d.D[i] {
				t.Fatalf("%g is no F32", d.D[i])
			}
			if rest := d.Rest[i]; what == "F32" && float64(float32(rest)) != rest {
				t.Fatalf("the rest %g is no F32", rest)
			}
		}
		if len(d.Rest) == 0 {
			t.Errorf("%s: no rest in %d pairs", what, n)
		}
	}
}
