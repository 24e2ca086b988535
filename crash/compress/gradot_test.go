package compress_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/crash/compress"
)

// gradotCase is a case of the gradient-preserving compression score: layers gate, up and
// down of an MLP, each a weight, its gradient, rows of inputs and of outputs' gradients.
type gradotCase struct {
	Width, Hidden int
	Lambda        float64
	Layers        [3][4][]float32
	Ranked        []chosen
	Gated         []chosen
	Plain         chosen
}

type chosen struct {
	Scores, Product, Down []float64
	Kept                  []int
}

func curved(t *testing.T, out, in int, parts [4][]float32) compress.CurvedLayer {
	t.Helper()
	return compress.CurvedLayer{Out: out, In: in, Weight: parts[0], Gradient: parts[1], Inputs: moments(t, in, parts[2]), Outputs: moments(t, out, parts[3])}
}

func TestGradOTEqualsNumpy(t *testing.T) {
	const bar = 1e-9
	cases := readGolden(t).GradOT
	if len(cases) < 4 {
		t.Fatalf("%d cases", len(cases))
	}
	worst := 0.0
	hold := func(what string, d float64, got, want []int) {
		t.Helper()
		if worst = max(worst, d); !(d <= bar) || !slices.Equal(got, want) {
			t.Errorf("%s: %v stay, want %v; %.3g from numpy's", what, got, want, d)
		}
	}
	for i, c := range cases {
		gate, up, down := curved(t, c.Hidden, c.Width, c.Layers[0]), curved(t, c.Hidden, c.Width, c.Layers[1]), curved(t, c.Width, c.Hidden, c.Layers[2])
		for _, want := range c.Ranked {
			got := must[compress.Ranked](t)(compress.GradOTRanks(gate, len(want.Kept), c.Lambda))
			hold(fmt.Sprintf("case %d, rank %d", i, got.Rank), max(distance(got.Scores, want.Scores), distance(got.Product(), want.Product)), got.Kept, want.Kept)
		}
		check := func(want chosen, into ...compress.CurvedLayer) {
			t.Helper()
			got := must[compress.Narrowed](t)(compress.GradOTChannels(into, down, len(want.Kept), c.Lambda))
			hold(fmt.Sprintf("case %d, %d channels", i, len(got.Kept)), max(distance(got.Scores, want.Scores), distance(got.Down, want.Down)), got.Kept, want.Kept)
		}
		for _, want := range c.Gated {
			check(want, gate, up)
		}
		check(c.Plain, up)
	}
	t.Logf("largest distance from numpy %.2g", worst)
}

// isotropic are moments that are the same in all directions.
func isotropic(t *testing.T, width int) *compress.Moments {
	t.Helper()
	rows := make([]float32, width*width)
	for i := range width {
		rows[i*width+i] = 1
	}
	return moments(t, width, rows)
}

// hadamard returns the matrix [8 8] of signs whose rows are orthogonal.
func hadamard() (h [8][8]float64) {
	for i := range h {
		for j := range h[i] {
			h[i][j] = 1
			for b := i & j; b != 0; b &= b - 1 {
				h[i][j] = -h[i][j]
			}
		}
	}
	return h
}

// TestWithoutCurvatureRanksAreThoseOfSVD: if nothing but the weights is known and the loss
// does not count, a direction's score is σ·‖u‖₁·‖v‖₁: the order of singular values where
// vectors have equal sums of magnitudes, be they of one number or of all.
func TestWithoutCurvatureRanksAreThoseOfSVD(t *testing.T) {
	const n = 8
	sigmas := []float32{3, 8, 1, 5, 2, 7, 4, 6}
	h := hadamard()
	diagonal, full := make([]float32, n*n), make([]float32, n*n)
	for k, sigma := range sigmas {
		diagonal[k*n+(k+3)%n] = sigma
		for i := range n {
			for j := range n {
				full[i*n+j] += sigma / n * float32(h[i][k]*h[j][(k+1)%n])
			}
		}
	}
	for name, w := range map[string][]float32{"diagonal": diagonal, "full": full} {
		l := compress.CurvedLayer{Out: n, In: n, Weight: w, Gradient: normal32(1, n*n), Inputs: isotropic(t, n), Outputs: isotropic(t, n)}
		for rank := 1; rank <= n; rank++ {
			got := must[compress.Ranked](t)(compress.GradOTRanks(l, rank, 0))
			want := must[compress.Factors](t)(compress.SVD(w, n, n, rank))
			if d := distance(got.Product(), want.Product()); d > 1e-6 || got.Kept[rank-1] != rank-1 {
				t.Errorf("%s matrix, rank %d: directions %v, %v from SVD's", name, rank, got.Kept, d)
			}
		}
	}
}

// TestWithoutCurvatureChannelsAreThoseOfMagnitude: the sum of |w| of what would go.
func TestWithoutCurvatureChannelsAreThoseOfMagnitude(t *testing.T) {
	const width, hidden = 6, 12
	layer := func(out, in int, seed uint64) compress.CurvedLayer {
		return compress.CurvedLayer{Out: out, In: in, Weight: normal32(seed, out*in), Gradient: normal32(seed+1, out*in), Inputs: isotropic(t, in), Outputs: isotropic(t, out)}
	}
	gate, up, down := layer(hidden, width, 1), layer(hidden, width, 3), layer(width, hidden, 5)
	sums, order := make([]float64, hidden), make([]int, hidden)
	for j := range hidden {
		order[j] = j
		for i := range width {
			sums[j] += math.Abs(float64(gate.Weight[j*width+i])) + math.Abs(float64(up.Weight[j*width+i])) + math.Abs(float64(down.Weight[i*hidden+j]))
		}
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(sums[j], sums[i]) })
	for keep := 1; keep <= hidden; keep++ {
		got := must[compress.Narrowed](t)(compress.GradOTChannels([]compress.CurvedLayer{gate, up}, down, keep, 0))
		want := slices.Sorted(slices.Values(order[:keep]))
		if !slices.Equal(got.Kept, want) {
			t.Errorf("%d channels: %v stay, want %v", keep, got.Kept, want)
		}
	}
}

// TestLambdaRaisesTheLoss: the more λ weighs, the more the loss rises to first order with
// what is left out; the first twentieth of the directions stays all the same; and scales
// of gradients do not matter, as both terms are in units of their own mean.
func TestLambdaRaisesTheLoss(t *testing.T) {
	const out, in, rank = 44, 40, 20
	w, d := normal32(1, out*in), normal32(2, out*in)
	x, dy := mixed(3, 60, in), mixed(4, 60, out)
	l := curved(t, out, in, [4][]float32{w, d, x, dy})
	small := func(x []float32) []float32 {
		y := slices.Clone(x)
		for i := range y {
			y[i] /= 1 << 10
		}
		return y
	}
	before := math.Inf(-1)
	for _, lambda := range []float64{0, 0.1, 1, 10, 1e6} {
		got := must[compress.Ranked](t)(compress.GradOTRanks(l, rank, lambda))
		rise := 0.0
		for i, v := range got.Product() {
			rise += float64(d[i]) * (v - float64(w[i]))
		}
		if !(rise >= before-1e-6) || got.Kept[0] != 0 || got.Kept[1] != 1 || len(got.Kept) != rank || !slices.IsSorted(got.Kept) {
			t.Errorf("lambda %v: the loss rises by %v, by %v with less; %v stay", lambda, rise, before, got.Kept)
		}
		before = rise
		scaled := must[compress.Ranked](t)(compress.GradOTRanks(curved(t, out, in, [4][]float32{w, small(d), x, small(dy)}), rank, lambda))
		if !slices.Equal(scaled.Kept, got.Kept) {
			t.Errorf("lambda %v: smaller gradients keep %v, not %v", lambda, scaled.Kept, got.Kept)
		}
	}
}

func TestBadGradOTIsNamed(t *testing.T) {
	const out, in = 3, 4
	good := curved(t, out, in, [4][]float32{normal32(1, 12), normal32(2, 12), mixed(3, 9, in), mixed(4, 9, out)})
	with := func(change func(l *compress.CurvedLayer)) compress.CurvedLayer {
		l := good
		l.Weight, l.Gradient = slices.Clone(l.Weight), slices.Clone(l.Gradient)
		change(&l)
		return l
	}
	ranks := func(l compress.CurvedLayer, rank int, lambda float64) error {
		_, err := compress.GradOTRanks(l, rank, lambda)
		return err
	}
	channels := func(l compress.CurvedLayer, keep int, lambda float64) error {
		_, err := compress.GradOTChannels(nil, l, keep, lambda)
		return err
	}
	nan := float32(math.NaN())
	badWeight := with(func(l *compress.CurvedLayer) { l.Weight[5] = nan })
	badGradient := with(func(l *compress.CurvedLayer) { l.Gradient[5] = nan })
	noRows := with(func(l *compress.CurvedLayer) { l.Outputs = compress.NewMoments(out) })
	dead := with(func(l *compress.CurvedLayer) { l.Outputs = moments(t, out, make([]float32, 2*out)) })
	for _, c := range []struct {
		err  error
		want string
	}{
		{ranks(good, 0, 0), "GradOTRanks: rank 0 of a matrix [3 4]: want 1 to 3"},
		{ranks(good, 4, 0), "GradOTRanks: rank 4 of a matrix [3 4]: want 1 to 3"},
		{ranks(good, 1, -1), "GradOTRanks: lambda -1: want a finite number, 0 or more"},
		{ranks(badWeight, 1, 0), "GradOTRanks: element [1 1] of the matrix [3 4] is NaN"},
		{ranks(badGradient, 1, 0), "GradOTRanks: gradient: element [1 1] of the matrix [3 4] is NaN"},
		{ranks(noRows, 1, 0), "GradOTRanks: moments of no rows: add some first"},
		{ranks(dead, 1, 0), "GradOTRanks: weights, inputs or the gradients of outputs are all 0: want other rows"},
		{channels(good, 0, 0), "GradOTChannels: 0 of 4 channels: want 1 to 4"},
		{channels(good, 5, 0), "GradOTChannels: 5 of 4 channels: want 1 to 4"},
		{channels(good, 1, math.Inf(1)), "GradOTChannels: lambda +Inf"},
		{channels(badGradient, 1, 0), "GradOTChannels: gradient: element [1 1]"},
		{channels(noRows, 1, 0), "GradOTChannels: moments of no rows"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "compress: ") || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
	// A gradient of 0 is no error: what is left is the first term.
	flat := with(func(l *compress.CurvedLayer) { clear(l.Gradient) })
	a := must[compress.Ranked](t)(compress.GradOTRanks(flat, 2, 1))
	b := must[compress.Ranked](t)(compress.GradOTRanks(good, 2, 0))
	if !slices.Equal(a.Scores, b.Scores) {
		t.Errorf("scores %v without a gradient, %v without lambda", a.Scores, b.Scores)
	}
}
