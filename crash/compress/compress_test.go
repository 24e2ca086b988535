package compress_test

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"lamina/crash/compress"
	"lamina/internal/philox"
)

// golden is what testdata/gen_compress.py writes.
type golden struct {
	Factors  []factorsCase
	Elements []elementsCase
	Heads    []headsCase
	GradOT   []gradotCase
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/compress.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

type factorsCase struct {
	Out             int       `json:"out"`
	In              int       `json:"in"`
	Rank            int       `json:"rank"`
	Ridge           float64   `json:"ridge"`
	W               []float64 `json:"w"`
	X               []float32 `json:"x"`
	SVD             []float64 `json:"svd"`
	SVDError        float64   `json:"svd_error"`
	Activation      []float64 `json:"activation"`
	ActivationError float64   `json:"activation_error"`
	Leverage        []float64 `json:"leverage"`
	Kept            []int     `json:"kept"`
	Down            []float64 `json:"down"`
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func moments(t *testing.T, width int, rows []float32) *compress.Moments {
	t.Helper()
	m := compress.NewMoments(width)
	if err := m.Add(rows); err != nil {
		t.Fatal(err)
	}
	return m
}

// distance returns the norm of got - want relative to that of want.
func distance(got, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	difference, norm := 0.0, 0.0
	for i, v := range want {
		difference += (got[i] - v) * (got[i] - v)
		norm += v * v
	}
	return math.Sqrt(difference / norm)
}

// outputs returns x·wᵀ for rows x and w [out in].
func outputs(x []float32, w []float64, in int) (y []float64) {
	for row := range slices.Chunk(x, in) {
		for weights := range slices.Chunk(w, in) {
			sum := 0.0
			for i, v := range weights {
				sum += v * float64(row[i])
			}
			y = append(y, sum)
		}
	}
	return y
}

func random(seed uint64, n int) []float64 {
	rng, values := philox.New(seed, 0), make([]float64, n)
	for i := range values {
		values[i] = rng.Normal(uint64(i))
	}
	return values
}

// mixed returns rows of which every number says something of the others, and the last
// half of a row follows from the first half but for a hundredth.
func mixed(seed uint64, rows, width int) []float32 {
	free, mix := random(seed, rows*width), random(seed+1, width*width)
	x := make([]float32, rows*width)
	for r := range rows {
		for j := range width {
			sum := 0.0
			for i := range width {
				scale := 1.0
				if i >= width/2 {
					scale = 0.01
				}
				sum += scale * free[r*width+i] * mix[i*width+j]
			}
			x[r*width+j] = float32(sum)
		}
	}
	return x
}

// TestFactorsAndChannelsEqualNumpy: everything the package computes, to 1e-9.
func TestFactorsAndChannelsEqualNumpy(t *testing.T) {
	const bar = 1e-9
	cases := readGolden(t).Factors
	if len(cases) < 12 {
		t.Fatalf("%d cases", len(cases))
	}
	worst := 0.0
	for i, c := range cases {
		hold := func(what string, d float64) {
			if worst = max(worst, d); !(d <= bar) {
				t.Errorf("case %d: %s is %.3g from numpy's", i, what, d)
			}
		}
		m := moments(t, c.In, c.X)
		plain := must[compress.Factors](t)(compress.SVD(c.W, c.Out, c.In, c.Rank))
		aware := must[compress.Factors](t)(compress.ActivationSVD(c.W, c.Out, c.Rank, m, c.Ridge))
		hold("the product of SVD", distance(plain.Product(), c.SVD))
		hold("the product of ActivationSVD", distance(aware.Product(), c.Activation))
		y := outputs(c.X, c.W, c.In)
		hold("the error of SVD", math.Abs(distance(outputs(c.X, plain.Product(), c.In), y)-c.SVDError))
		hold("the error of ActivationSVD", math.Abs(distance(outputs(c.X, aware.Product(), c.In), y)-c.ActivationError))
		hold("leverage", distance(must[[]float64](t)(compress.Leverage(m, 1e-2)), c.Leverage))
		n := must[compress.Narrowed](t)(compress.Nystrom(c.W, c.Out, c.Rank, m, 1e-2))
		hold("the last layer of Nystrom", distance(n.Down, c.Down))
		if !slices.Equal(n.Kept, c.Kept) {
			t.Errorf("case %d: channels %v stay, want %v", i, n.Kept, c.Kept)
		}
	}
	t.Logf("largest distance from numpy %.2g", worst)
}

// TestInputsDecideWhatMatters: over the rows that it was fitted to, ActivationSVD is never
// worse than SVD, and better where a rank is short; at full rank both give W.
func TestInputsDecideWhatMatters(t *testing.T) {
	for seed := range uint64(20) {
		out, in := 5+int(seed)%7, 4+int(seed)%9
		w, x := random(100+seed, out*in), mixed(200+seed, 40, in)
		m, y := moments(t, in, x), outputs(x, w, in)
		for rank := 1; rank <= min(out, in); rank++ {
			for _, ridge := range []float64{0, 1e-6, 1e-2, 10} {
				plain := must[compress.Factors](t)(compress.SVD(w, out, in, rank)).Product()
				aware := must[compress.Factors](t)(compress.ActivationSVD(w, out, rank, m, ridge)).Product()
				a, b := distance(outputs(x, aware, in), y), distance(outputs(x, plain, in), y)
				switch full := rank == min(out, in); {
				case full && max(distance(plain, w), distance(aware, w)) > 1e-9:
					t.Errorf("seed %d: rank %d of [%d %d] does not give W", seed, rank, out, in)
				case !full && !(a <= b*(1+1e-12)), !full && ridge == 0 && !(a < b):
					t.Errorf("seed %d, rank %d, ridge %v: error %v with the inputs, %v without", seed, rank, ridge, a, b)
				}
			}
		}
	}
}

// TestLastLayerMakesUpForChannels: over the rows that it was fitted to, the outputs are
// never further from the MLP's than with the channels just left out; all channels kept
// give W, and channels that follow from others can go.
func TestLastLayerMakesUpForChannels(t *testing.T) {
	const out, channels = 6, 10
	for seed := range uint64(20) {
		w, a := random(300+seed, out*channels), mixed(400+seed, 60, channels)
		m, y := moments(t, channels, a), outputs(a, w, channels)
		for keep := 1; keep <= channels; keep++ {
			n := must[compress.Narrowed](t)(compress.Nystrom(w, out, keep, m, 1e-3))
			var plain []float64
			for row := range slices.Chunk(w, channels) {
				for _, k := range n.Kept {
					plain = append(plain, row[k])
				}
			}
			var some []float32
			for row := range slices.Chunk(a, channels) {
				some = append(some, compress.Rows(row, channels, n.Kept)...)
			}
			repaired, removed := distance(outputs(some, n.Down, keep), y), distance(outputs(some, plain, keep), y)
			switch {
			case keep == channels && !slices.Equal(n.Down, w):
				t.Errorf("seed %d: all channels kept do not give W", seed)
			case keep < channels && !(repaired < removed):
				t.Errorf("seed %d, %d channels: error %v repaired, %v removed", seed, keep, repaired, removed)
			}
		}
	}
	a := mixed(1, 60, channels)
	for row := range slices.Chunk(a, channels) {
		row[2], row[7] = 2*row[3]-row[4], row[3]
	}
	w := random(2, out*channels)
	n := must[compress.Narrowed](t)(compress.Nystrom(w, out, channels-2, moments(t, channels, a), 1e-12))
	var some []float32
	for row := range slices.Chunk(a, channels) {
		some = append(some, compress.Rows(row, channels, n.Kept)...)
	}
	if d := distance(outputs(some, n.Down, channels-2), outputs(a, w, channels)); d > 1e-5 {
		t.Errorf("without two channels that follow from others the outputs are %v apart", d)
	}
}

func TestRankForShare(t *testing.T) {
	for _, c := range []struct {
		share   float64
		out, in int
		want    int
	}{{0.5, 576, 576, 144}, {0.5, 1536, 576, 209}, {1, 8, 8, 4}, {0.25, 8, 8, 1}, {1, 1, 1, 0}, {0.24, 8, 8, 0}, {0, 8, 8, 0}, {1.01, 8, 8, 0}, {math.NaN(), 8, 8, 0}} {
		got, err := compress.RankFor(c.share, c.out, c.in)
		if got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("share %v of [%d %d]: rank %d, %v, want %d", c.share, c.out, c.in, got, err, c.want)
		}
		if over := (got + 1) * (c.out + c.in); got > 0 && (got*(c.out+c.in) > int(c.share*float64(c.out*c.in)) || over <= int(c.share*float64(c.out*c.in))) {
			t.Errorf("share %v of [%d %d]: rank %d is not the largest", c.share, c.out, c.in, got)
		}
	}
}

// TestBitsDoNotDependOnThreadsOrCuts: matrices large enough for gonum to share out.
func TestBitsDoNotDependOnThreadsOrCuts(t *testing.T) {
	const out, in, rows = 150, 140, 200
	w, x := random(1, out*in), mixed(2, rows, in)
	all := func(cut int) (all []float64) {
		m := compress.NewMoments(in)
		for some := range slices.Chunk(x, cut*in) {
			if err := m.Add(some); err != nil {
				t.Fatal(err)
			}
		}
		f := must[compress.Factors](t)(compress.ActivationSVD(w, out, 40, m, 1e-3))
		n := must[compress.Narrowed](t)(compress.Nystrom(w, out, 70, m, 1e-3))
		h := must[compress.FewerHeads](t)(compress.NystromHeads(w, out, 10, 5, 2, m, 1e-3))
		return slices.Concat(f.Up, f.Down, f.Product(), n.Down, h.Out, h.Costs)
	}
	before := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(before)
	want := all(rows)
	for threads, cut := range map[int]int{2: 1, 4: 67, 7: 64} {
		runtime.GOMAXPROCS(threads)
		if !slices.Equal(all(cut), want) {
			t.Errorf("%d threads and rows %d at a time give other bits", threads, cut)
		}
	}
}

// TestBadInputIsNamed: one line each, with what to do.
func TestBadInputIsNamed(t *testing.T) {
	w, x := random(1, 12), mixed(2, 20, 4)
	good := moments(t, 4, x)
	few, zero := moments(t, 4, x[:8]), moments(t, 4, make([]float32, 40))
	bad := slices.Clone(w)
	bad[6] = math.NaN()
	huge, large := slices.Clone(w), slices.Clone(x)
	huge[0] = 1e300
	for i := range large {
		large[i] *= 1e30
	}
	twice := slices.Clone(x)
	for row := range slices.Chunk(twice, 4) {
		row[3] = row[0]
	}
	svd := func(w []float64, rank int) error { _, err := compress.SVD(w, 3, 4, rank); return err }
	aware := func(w []float64, rank int, m *compress.Moments, ridge float64) error {
		_, err := compress.ActivationSVD(w, 3, rank, m, ridge)
		return err
	}
	nystrom := func(keep int, m *compress.Moments, ridge float64) error {
		_, err := compress.Nystrom(w, 3, keep, m, ridge)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{svd(w, 0), "SVD: rank 0 of a matrix [3 4]: want 1 to 3"},
		{svd(w, 4), "SVD: rank 4 of a matrix [3 4]: want 1 to 3"},
		{svd(bad, 2), "element [1 2] of the matrix [3 4] is NaN"},
		{aware(w, 0, good, 0), "ActivationSVD: rank 0"},
		{aware(bad, 2, good, 0), "element [1 2] of the matrix [3 4] is NaN"},
		{aware(huge, 2, moments(t, 4, large), 0), "too large or too different in size"},
		{aware(w, 2, few, 0), "moments of 2 rows of 4 numbers are singular with a ridge of 0: want 4 rows or more, or a larger ridge, such as 1e-6"},
		{aware(w, 2, moments(t, 4, twice), 0), "are singular with a ridge of 0: want a larger ridge"},
		{aware(w, 2, zero, 1e-3), "are singular with a ridge of 0.001: want other rows"},
		{aware(w, 2, compress.NewMoments(4), 1), "moments of no rows"},
		{aware(w, 2, good, -1), "ridge -1: want a finite number"},
		{aware(w, 2, good, math.NaN()), "ridge NaN"},
		{nystrom(0, good, 1e-3), "Nystrom: 0 of 4 channels: want 1 to 4"},
		{nystrom(5, good, 1e-3), "Nystrom: 5 of 4 channels"},
		{nystrom(2, good, 0), "a ridge of 0 gives every channel the same leverage"},
		{nystrom(2, zero, 1e-3), "singular"},
		{good.Add([]float32{0, 1, 2, 3, 4, float32(math.Inf(1)), 6, 7}), "number 1 of row 21 is +Inf"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "compress: ") || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
	if err := aware(w, 2, few, 1e-6); err != nil {
		t.Errorf("few rows with a ridge: %v", err)
	}
	if good.Rows() != 20 {
		t.Errorf("%d rows after some were refused, want 20", good.Rows())
	}
}

// TestSharesAreCountedAlike: a share that is a whole number of ranks or weights, but for the
// rounding of the product, is that number, as [compress.CountFor] has it.
func TestSharesAreCountedAlike(t *testing.T) {
	for percent := 1; percent <= 100; percent++ {
		share := float64(percent) / 100
		if rank, err := compress.RankFor(share, 200, 200); err != nil || rank != percent {
			t.Errorf("RankFor %v: %d, %v, want %d", share, rank, err, percent)
		}
		w := random(1, 100)
		narrow := make([]float32, len(w))
		for i, v := range w {
			narrow[i] = float32(v)
		}
		if pruned, err := compress.Magnitude(narrow, 1, 100, share); err != nil || zeros(pruned) != percent {
			t.Errorf("Magnitude %v: %d weights are 0, %v, want %d", share, zeros(pruned), err, percent)
		}
	}
}
