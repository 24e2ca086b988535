package repair_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"lamina/crash/repair"
)

// Without a ridge no linear map of the stream leaves less than Ghost's; with one, its
// error and the ridge's share together are least.
func TestGhostLeavesLeast(t *testing.T) {
	for seed := range uint64(50) {
		width := 2 + 2*int(seed%8)
		g := newGap(t, width, 3*width+int(seed), []string{"plain", "rms", "first"}[seed%3], seed+1)
		for _, ridge := range []float64{0, 1e-6, 1e-2} {
			ghost, err := repair.Ghost(g.moments, ridge)
			if err != nil {
				t.Fatal(err)
			}
			for name, other := range g.linearRepairs(t) {
				bound := g.objective(other, ridge)
				if got := g.objective(ghost.W, ridge); got > bound*(1+1e-9) {
					t.Errorf("seed %d, ridge %v: Ghost has %v, %s %v", seed, ridge, got, name, bound)
				}
				if left := g.left(other); ridge == 0 && ghost.Left > left*(1+1e-9) {
					t.Errorf("seed %d: Ghost leaves %v, %s %v", seed, ghost.Left, name, left)
				}
			}
			if measured := g.left(ghost.W); math.Abs(measured-ghost.Left) > 1e-7 {
				t.Errorf("seed %d: Left says %v, the rows %v", seed, ghost.Left, measured)
			}
		}
	}
}

// linearRepairs returns the matrix of every other linear map of the stream. ReplaceMe
// is one where the MLP's output is a linear map of the stream, here a turn by a channel.
func (g *gap) linearRepairs(t *testing.T) map[string][]float64 {
	t.Helper()
	plain, err := repair.LinearPatch(g.moments)
	if err != nil {
		t.Fatal(err)
	}
	hadamard, err := repair.HadamardPatch(g.moments)
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := repair.PruneComp(g.moments)
	if err != nil {
		t.Fatal(err)
	}
	turned := make([]float32, len(g.x))
	for i := range turned {
		turned[i] = g.x[i-i%g.width+(i+1)%g.width]
	}
	m := repair.NewFoldMoments(g.width)
	if err := m.Add(turned, g.x, g.y, g.weights); err != nil {
		t.Fatal(err)
	}
	fold, err := repair.ReplaceMe(m, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	restricted, identity := eye(g.width, 1), eye(g.width, 1)
	for from := range g.width {
		to := (from + 1) % g.width // the channel that is at position from of a turned row
		for k := range g.width {
			restricted[to*g.width+k] += fold.A[from*g.width+k] - identity[from*g.width+k]
		}
	}
	return map[string][]float64{
		"LinearPatch": plain.Matrix(), "HadamardPatch": hadamard.Matrix(), "PruneComp": eye(g.width, scalar.S),
		"removing": identity, "ReplaceMe": restricted,
	}
}

func eye(width int, scale float64) []float64 {
	m := make([]float64, width*width)
	for i := range width {
		m[i*width+i] = scale
	}
	return m
}

// residual returns ‖XW-Y‖², ‖Y-X‖² and ‖X‖² of the weighted rows.
func (g *gap) residual(w []float64) (square, change, norm float64) {
	for n := range len(g.x) / g.width {
		weight := 1.0
		if g.weights != nil {
			weight = g.weights[n]
		}
		x, y := g.x[n*g.width:(n+1)*g.width], g.y[n*g.width:(n+1)*g.width]
		for k := range y {
			var got float64
			for i, v := range x {
				got += float64(v) * w[i*g.width+k]
			}
			d, e := float64(y[k])-float64(x[k]), got-float64(y[k])
			square, change, norm = square+weight*e*e, change+weight*d*d, norm+weight*float64(x[k])*float64(x[k])
		}
	}
	return square, change, norm
}

func (g *gap) left(w []float64) float64 {
	square, change, _ := g.residual(w)
	return math.Sqrt(square / change)
}

// objective returns what Ghost minimises.
func (g *gap) objective(w []float64, ridge float64) float64 {
	square, _, norm := g.residual(w)
	for i, v := range eye(g.width, 1) {
		square += ridge * norm / float64(g.width) * (w[i] - v) * (w[i] - v)
	}
	return square
}

func TestDampedLeavesNoMoreThanRemovingOrRepeating(t *testing.T) {
	for seed := range uint64(100) {
		g := newGap(t, 1+int(seed%9), 1+int(seed), "plain", seed+1)
		if seed%2 == 1 {
			g.branch = g.mlp
			g.add(t, 7)
		}
		s, err := repair.Damped(g.damping)
		if err != nil {
			t.Fatal(err)
		}
		if s.Left > 1 || s.Left > s.Repeat*(1+1e-12) {
			t.Errorf("seed %d: %+v", seed, s)
		}
	}
}

func TestChunksAndWorkersHaveTheSameBits(t *testing.T) {
	g := newGap(t, 72, 300, "rms", 3)
	all := func() string {
		ghost, err := repair.Ghost(g.moments, 1e-6)
		hadamard, err2 := repair.HadamardPatch(g.moments)
		fold, err3 := repair.ReplaceMe(g.folding, 1e-6)
		damped, err4 := repair.Damped(g.damping)
		return fmt.Sprintf("%x %x %x %x %v %v %v %v", ghost, hadamard, fold, damped, err, err2, err3, err4)
	}
	want := all()
	for _, workers := range []int{1, 2, 5} {
		before := runtime.GOMAXPROCS(workers)
		for _, chunk := range []int{1, 63, 64, 65, 300} {
			g.add(t, chunk)
			if all() != want {
				t.Errorf("%d workers, %d rows a call: other bits", workers, chunk)
			}
		}
		runtime.GOMAXPROCS(before)
	}
}

// The folded projection does to an activation what A does to the MLP's output.
func TestDownFoldsTheMap(t *testing.T) {
	fold := repair.Fold{A: []float64{1, 2, 3, 4}}
	got := fold.Down([]float32{1, 0, 2, 0, 1, 1}, 3) // [D F] = [2 3]
	// Aᵀ·W = [[1 3] [2 4]]·[[1 0 2] [0 1 1]]
	if want := []float32{1, 3, 5, 2, 4, 8}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHadamardIsItsOwnInverse(t *testing.T) {
	for _, width := range []int{2, 6, 12, 64, 576} {
		p := repair.Patch{Scale: slices.Repeat([]float64{1}, width), Block: repair.HadamardBlock(width)}
		identity := eye(width, 1)
		for i, v := range p.Matrix() {
			if math.Abs(v-identity[i]) > 1e-14 {
				t.Fatalf("width %d: entry %d is %v", width, i, v)
			}
		}
	}
	if got := repair.HadamardBlock(576); got != 64 {
		t.Errorf("576 has blocks of %d", got)
	}
}
