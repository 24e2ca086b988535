package repair_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"lamina/crash/repair"
)

// gap holds the streams of gen_repair.py.
type gap struct {
	width             int
	x, y, mlp, branch []float32
	weights           []float64
	positions         []int
	state             uint64
	moments           *repair.Moments
	folding           *repair.FoldMoments
	damping           *repair.DampedMoments
}

func newGap(t testing.TB, width, rows int, weighting string, seed uint64) *gap {
	t.Helper()
	g := &gap{width: width, state: seed}
	x, u, v := g.draw(rows), g.draw(rows), g.draw(rows)
	for n := range rows {
		for k := range width {
			at := func(shift int) float64 { return x[n*width+(k+shift)%width] }
			u, v := u[n*width+k], v[n*width+k]
			g.x = append(g.x, float32(at(0)))
			g.y = append(g.y, float32(0.5*at(0)+0.25*at(1)+0.25*u))
			g.mlp = append(g.mlp, float32(0.5*v+0.25*at(2)))
			g.branch = append(g.branch, float32(0.5*u+0.25*v))
		}
		g.positions = append(g.positions, n%10)
	}
	switch weighting {
	case "rms":
		var err error
		if g.weights, err = repair.InverseSquareRMS(g.x, width); err != nil {
			t.Fatal(err)
		}
	case "first":
		g.weights = repair.WithoutFirst(g.positions)
	}
	g.add(t, rows)
	return g
}

// draw returns rows of the generator's next numbers.
func (g *gap) draw(rows int) []float64 {
	out := make([]float64, rows*g.width)
	for i := range out {
		g.state = (1103515245*g.state + 12345) % (1 << 31)
		out[i] = float64(g.state>>11)/(1<<19) - 1
	}
	return out
}

// add forms the moments anew, of so many rows a call.
func (g *gap) add(t testing.TB, chunk int) {
	t.Helper()
	g.moments, g.folding, g.damping = repair.NewMoments(g.width), repair.NewFoldMoments(g.width), repair.NewDampedMoments(g.width)
	rows := len(g.x) / g.width
	for from := 0; from < rows; from += chunk {
		to := min(from+chunk, rows)
		cut := func(s []float32) []float32 { return s[from*g.width : to*g.width] }
		var weights []float64
		if g.weights != nil {
			weights = g.weights[from:to]
		}
		for _, err := range []error{
			g.moments.Add(cut(g.x), cut(g.y), weights),
			g.folding.Add(cut(g.mlp), cut(g.x), cut(g.y), weights),
			g.damping.Add(cut(g.branch), cut(g.x), cut(g.y), weights),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

type golden struct {
	Name, Weighting  string
	Width, Rows      int
	Ridge            float64
	Ghost, Replaceme struct {
		W    []float64
		Left float64
	}
	Patch, Hadamard struct {
		Scale []float64
		Left  float64
	}
	Prunecomp, Damped struct{ S, Left, Repeat float64 }
}

func TestRepairsEqualNumpy(t *testing.T) {
	text, err := os.ReadFile("testdata/repair.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			g := newGap(t, c.Width, c.Rows, c.Weighting, 1)
			ghost, err := repair.Ghost(g.moments, c.Ridge)
			same(t, "Ghost", err, append(ghost.W, ghost.Left), append(c.Ghost.W, c.Ghost.Left))
			patch, err := repair.LinearPatch(g.moments)
			same(t, "LinearPatch", err, append(patch.Scale, patch.Left), append(c.Patch.Scale, c.Patch.Left))
			if c.Width%2 == 0 {
				patch, err = repair.HadamardPatch(g.moments)
				same(t, "HadamardPatch", err, append(patch.Scale, patch.Left), append(c.Hadamard.Scale, c.Hadamard.Left))
			}
			scalar, err := repair.PruneComp(g.moments)
			same(t, "PruneComp", err, []float64{scalar.S, scalar.Left}, []float64{c.Prunecomp.S, c.Prunecomp.Left})
			fold, err := repair.ReplaceMe(g.folding, c.Ridge)
			same(t, "ReplaceMe", err, append(fold.A, fold.Left), append(c.Replaceme.W, c.Replaceme.Left))
			sharing, err := repair.Damped(g.damping)
			same(t, "Damped", err, []float64{sharing.S, sharing.Left, sharing.Repeat}, []float64{c.Damped.S, c.Damped.Left, c.Damped.Repeat})
		})
	}
}

// same holds two lists to 1e-9 of the larger one's largest value.
func same(t *testing.T, what string, err error, got, want []float64) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, numpy has %d", what, len(got), len(want))
	}
	var largest, off float64
	for i := range want {
		largest = max(largest, math.Abs(want[i]))
		off = max(off, math.Abs(got[i]-want[i]))
	}
	if !(off <= 1e-9*largest) {
		t.Errorf("%s: off by %.3g of %.3g", what, off, largest)
	}
	t.Logf("%s: %.1e", what, off/largest)
}
