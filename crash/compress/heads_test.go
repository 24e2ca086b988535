package compress_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/crash/compress"
)

// headsCase is a case of NystromHeads; one without W and X has those of the case before.
type headsCase struct {
	Out, Heads, KV, Keep int
	Ridge                float64
	W                    []float64
	X                    []float32
	Kept                 []int
	Made, Costs          []float64
}

func TestHeadsEqualNumpy(t *testing.T) {
	const bar = 1e-9
	cases := readGolden(t).Heads
	if len(cases) < 12 {
		t.Fatalf("%d cases", len(cases))
	}
	worst := 0.0
	var w []float64
	var x []float32
	for i, c := range cases {
		if c.W != nil {
			w, x = c.W, c.X
		}
		m := moments(t, len(w)/c.Out, x)
		f := must[compress.FewerHeads](t)(compress.NystromHeads(w, c.Out, c.Heads, c.KV, c.Keep, m, c.Ridge))
		d := distance(f.Out, c.Made)
		if c.KV > 1 { // of a single head nothing is left to make up for it
			d = max(d, distance(f.Costs, c.Costs))
		}
		if worst = max(worst, d); !(d <= bar) || !slices.Equal(f.KVHeads, c.Kept) {
			t.Errorf("case %d: heads %v stay, %.3g from numpy's %v", i, f.KVHeads, d, c.Kept)
		}
	}
	t.Logf("largest distance from numpy %.2g", worst)
}

// TestHeadsGoWithTheirQueries: what is kept names whole heads.
func TestHeadsGoWithTheirQueries(t *testing.T) {
	const out, heads, kv, width = 5, 6, 3, 4
	w, x := random(1, out*heads*width), mixed(2, 60, heads*width)
	f := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, heads, kv, 2, moments(t, heads*width, x), 1e-3))
	var queries, columns []int
	for _, g := range f.KVHeads {
		queries = append(queries, 2*g, 2*g+1)
		for i := range 2 * width {
			columns = append(columns, 2*g*width+i)
		}
	}
	if len(f.KVHeads) != 2 || !slices.Equal(f.Heads, queries) || !slices.Equal(f.Kept, columns) || len(f.Out) != out*len(columns) {
		t.Errorf("key/value heads %v, query heads %v, columns %v, %d weights", f.KVHeads, f.Heads, f.Kept, len(f.Out))
	}
}

// TestTheHeadThatCostsLeastGoes: of all heads that could go alone it is the one without
// which the best projection of the others errs least over the rows, and the error is never
// above that of the heads just left out.
func TestTheHeadThatCostsLeastGoes(t *testing.T) {
	const out, heads, width = 5, 4, 3
	const n, ridge = heads * width, 0
	for seed := range uint64(20) {
		w, x := random(500+seed, out*n), mixed(600+seed, 80, n)
		m, y := moments(t, n, x), outputs(x, w, n)
		without := func(kept []int, made []float64) float64 {
			var some []float32
			for row := range slices.Chunk(x, n) {
				some = append(some, compress.Rows(row, n, kept)...)
			}
			return distance(outputs(some, made, len(kept)), y)
		}
		whole := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, heads, heads, heads, m, ridge))
		if !slices.Equal(whole.Out, w) {
			t.Errorf("seed %d: all heads kept do not give W", seed)
		}
		before := 0.0
		for keep := heads - 1; keep > 0; keep-- {
			f := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, heads, heads, keep, m, ridge))
			var plain []float64
			for row := range slices.Chunk(w, n) {
				plain = append(plain, compress.Rows(row, n, f.Kept)...)
			}
			repaired, removed := without(f.Kept, f.Out), without(f.Kept, plain)
			if !(repaired < removed) || !(repaired >= before) {
				t.Errorf("seed %d, %d heads: error %v repaired, %v removed, %v with one more", seed, keep, repaired, removed, before)
			}
			before = repaired
		}
		f := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, heads, heads, heads-1, m, ridge))
		chosen := without(f.Kept, f.Out)
		for g := range heads {
			var others []float32
			for row := range slices.Chunk(x, n) {
				others = append(others, row[:g*width]...)
				others = append(others, row[(g+1)*width:]...)
			}
			best := residual(others, y, n-width, out)
			if best < chosen*(1-1e-7) {
				t.Errorf("seed %d: without head %d the error is %v, without the one that went %v", seed, g, best, chosen)
			}
			norm := 0.0
			for _, v := range y {
				norm += v * v
			}
			if cost := math.Sqrt(f.Costs[g] / (norm / 80)); math.Abs(cost-best) > 1e-7*best {
				t.Errorf("seed %d: head %d alone costs %v, its cost says %v", seed, g, best, cost)
			}
		}
	}
}

// TestWhatFollowsFromOthersGoes: a head that two others say can go, or one of these, and
// never the one that says something of its own; the outputs stay.
func TestWhatFollowsFromOthersGoes(t *testing.T) {
	const out, heads, width = 5, 4, 3
	const n = heads * width
	w, x := random(7, out*n), mixed(8, 80, n)
	for row := range slices.Chunk(x, n) {
		for i := range width {
			row[width+i] = row[i] - 2*row[2*width+i] // head 1 follows from heads 0 and 2
		}
	}
	f := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, heads, heads, heads-1, moments(t, n, x), 1e-10))
	var some []float32
	for row := range slices.Chunk(x, n) {
		some = append(some, compress.Rows(row, n, f.Kept)...)
	}
	if d := distance(outputs(some, f.Out, len(f.Kept)), outputs(x, w, n)); !slices.Contains(f.KVHeads, 3) || d > 1e-5 {
		t.Errorf("heads %v stay, and the outputs are %v apart; 3 follows from no other", f.KVHeads, d)
	}
}

// residual returns the error of the best linear map from rows x [N in] to y [N out], by the
// normal equations and Gauss-Jordan elimination.
func residual(x []float32, y []float64, in, out int) float64 {
	a := make([][]float64, in)
	for i := range a {
		a[i] = make([]float64, in+out)
		for r := range len(x) / in {
			for j := range in {
				a[i][j] += float64(x[r*in+i]) * float64(x[r*in+j])
			}
			for j := range out {
				a[i][in+j] += float64(x[r*in+i]) * y[r*out+j]
			}
		}
	}
	for p := range in {
		best := p
		for i := p; i < in; i++ {
			if math.Abs(a[i][p]) > math.Abs(a[best][p]) {
				best = i
			}
		}
		a[p], a[best] = a[best], a[p]
		for i := range in {
			if i == p {
				continue
			}
			f := a[i][p] / a[p][p]
			for j := p; j < in+out; j++ {
				a[i][j] -= f * a[p][j]
			}
		}
	}
	w := make([]float64, out*in)
	for j := range out {
		for i := range in {
			w[j*in+i] = a[i][in+j] / a[i][i]
		}
	}
	return distance(outputs(x, w, in), y)
}

func TestCountFor(t *testing.T) {
	for _, c := range []struct {
		share float64
		n     int
		want  int
	}{{1, 3, 3}, {0.5, 3, 1}, {0.67, 3, 2}, {0.34, 3, 1}, {0.33, 3, 0}, {1e-12, 3, 0}, {0.07, 100, 7}, {0.1, 30, 3}, {0.29, 100, 29}, {0, 3, 0}, {1.01, 3, 0}, {math.NaN(), 3, 0}} {
		got, err := compress.CountFor(c.share, c.n)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("share %v of %d: %d, %v, want %d", c.share, c.n, got, err, c.want)
		}
	}
}

func TestBadHeadsAreNamed(t *testing.T) {
	const out, n = 2, 8
	w, x := random(1, out*n), mixed(2, 30, n)
	good := moments(t, n, x)
	bad := slices.Clone(w)
	bad[9] = math.NaN()
	heads := func(w []float64, keep int, m *compress.Moments, ridge float64) error {
		_, err := compress.NystromHeads(w, out, 4, 2, keep, m, ridge)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{heads(w, 0, good, 1e-3), "NystromHeads: 0 of 2 key/value heads: want 1 to 2"},
		{heads(w, 3, good, 1e-3), "NystromHeads: 3 of 2 key/value heads: want 1 to 2"},
		{heads(bad, 1, good, 1e-3), "element [1 1] of the matrix [2 8] is NaN"},
		{heads(w, 1, good, -1), "ridge -1"},
		{heads(w, 1, moments(t, n, x[:3*n]), 0), "moments of 3 rows of 8 numbers are singular with a ridge of 0: want 8 rows or more, or a larger ridge, such as 1e-6"},
		{heads(w, 1, compress.NewMoments(n), 1e-3), "moments of no rows"},
		{heads(w, 1, moments(t, n, make([]float32, 10*n)), 1e-3), "singular with a ridge of 0.001: want other rows"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "compress: ") || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
}

// Two query heads read each of two key/value heads; what the second pair gives follows from
// the first.
func ExampleNystromHeads() {
	seen := compress.NewMoments(4)
	if err := seen.Add([]float32{1, 0, 0, 2, 0, 1, 2, 0, 1, 1, 2, 2, 2, -1, -2, 4}); err != nil {
		fmt.Println(err)
		return
	}
	o := []float64{1, 1, 0.25, 0.25}
	keep, err := compress.CountFor(0.5, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := compress.NystromHeads(o, 1, 4, 2, keep, seen, 1e-9)
	fmt.Println(f.KVHeads, f.Heads, f.Kept, err)
	fmt.Printf("%.3f\n", f.Out)
	// Output:
	// [1] [2 3] [2 3] <nil>
	// [0.750 0.750]
}
