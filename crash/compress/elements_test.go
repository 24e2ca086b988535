package compress_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"lamina/crash/compress"
)

// elementsCase is a case of what changes weights one by one.
type elementsCase struct {
	Out, In, Group int
	W, X           []float32
	Share          float64
	Rounded        map[int][]float32
	Magnitude      []float32
	Wanda          []float32
}

func norms(t *testing.T, width int, rows []float32) *compress.Norms {
	t.Helper()
	n := compress.NewNorms(width)
	if err := n.Add(rows); err != nil {
		t.Fatal(err)
	}
	return n
}

func normal32(seed uint64, n int) []float32 {
	w := make([]float32, n)
	for i, v := range random(seed, n) {
		w[i] = float32(v)
	}
	return w
}

func zeros(w []float32) (n int) {
	for _, v := range w {
		if v == 0 {
			n++
		}
	}
	return n
}

// TestElementsEqualNumpy: rounded and pruned weights, every one the same float32.
func TestElementsEqualNumpy(t *testing.T) {
	cases := readGolden(t).Elements
	if len(cases) < 4 {
		t.Fatalf("%d cases", len(cases))
	}
	for i, c := range cases {
		hold := func(what string, want []float32) func([]float32, error) {
			return func(got []float32, err error) {
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("case %d: %s: %v\n got %v\nwant %v", i, what, err, got, want)
				}
			}
		}
		for bits, want := range c.Rounded {
			hold("rounded", want)(compress.Quantise(c.W, c.Out, c.In, bits, c.Group))
		}
		hold("magnitude", c.Magnitude)(compress.Magnitude(c.W, c.Out, c.In, c.Share))
		hold("wanda", c.Wanda)(compress.Wanda(c.W, c.Out, c.Share, norms(t, c.In, c.X)))
		hold("wanda by moments", c.Wanda)(compress.Wanda(c.W, c.Out, c.Share, moments(t, c.In, c.X).Norms()))
	}
}

// TestRoundingIsWithinHalfAStep: for every number; the largest of a group and 0 stay, and
// each bit more makes the whole error smaller.
func TestRoundingIsWithinHalfAStep(t *testing.T) {
	const out, in = 5, 150
	for seed := range uint64(20) {
		w := normal32(seed, out*in)
		w[3], w[77] = 0, 0
		for _, group := range []int{1, 16, compress.Group, in, 1000} {
			before := math.Inf(1)
			for bits := 2; bits <= 8; bits++ {
				got := must[[]float32](t)(compress.Quantise(w, out, in, bits, group))
				total := 0.0
				for i, v := range w {
					start := i/in*in + i%in/group*group
					top := 0.0
					for _, other := range w[start:min(start+group, (i/in+1)*in)] {
						top = max(top, math.Abs(float64(other)))
					}
					step := top / float64(int(1)<<(bits-1)-1)
					diff := math.Abs(float64(got[i]) - float64(v))
					// What is left is the rounding to float32.
					if total += diff * diff; diff > step/2+math.Ldexp(top, -24) || (v == 0 || math.Abs(float64(v)) == top) && got[i] != v {
						t.Fatalf("seed %d, %d bits, groups of %d: weight %d, %v, becomes %v with steps of %v", seed, bits, group, i, v, got[i], step)
					}
				}
				if group > 1 && !(total < before) || group == 1 && total != 0 {
					t.Errorf("seed %d, groups of %d: squared error %v with %d bits, %v with one less", seed, group, total, bits, before)
				}
				before = total
			}
		}
	}
}

// TestTheLowestScoresGo: so many zeros and no more, none of a higher score than what
// stays, what stays has its bits, and a larger share takes these and more.
func TestTheLowestScoresGo(t *testing.T) {
	const out, in = 7, 60
	for seed := range uint64(10) {
		w, x := normal32(seed, out*in), mixed(seed+50, 30, in)
		n := norms(t, in, x)
		equal := norms(t, in, slices.Repeat([]float32{1}, in))
		var before, beforeW []float32
		for _, share := range []float64{0.02, 0.1, 0.33, 0.5, 0.9, 1} {
			pruned := must[[]float32](t)(compress.Magnitude(w, out, in, share))
			aware := must[[]float32](t)(compress.Wanda(w, out, share, n))
			if got, want := zeros(pruned), int(share*out*in); got != want {
				t.Errorf("seed %d: Magnitude of %v makes %d zeros, want %d", seed, share, got, want)
			}
			for row := range slices.Chunk(aware, in) {
				if got, want := zeros(row), int(share*in); got != want {
					t.Errorf("seed %d: Wanda of %v makes %d zeros in a row, want %d", seed, share, got, want)
				}
			}
			for i, v := range w {
				if pruned[i] != 0 && pruned[i] != v || aware[i] != 0 && aware[i] != v {
					t.Fatalf("seed %d: weight %v becomes %v and %v", seed, v, pruned[i], aware[i])
				}
				if before != nil && (before[i] == 0 && pruned[i] != 0 || beforeW[i] == 0 && aware[i] != 0) {
					t.Fatalf("seed %d: a share of %v spares what a smaller one took", seed, share)
				}
			}
			// With equal norms Wanda is Magnitude row by row.
			plain := must[[]float32](t)(compress.Wanda(w, out, share, equal))
			for i := range out {
				row := must[[]float32](t)(compress.Magnitude(w[i*in:(i+1)*in], 1, in, share))
				if !slices.Equal(row, plain[i*in:(i+1)*in]) {
					t.Errorf("seed %d: Wanda with equal norms is not Magnitude by rows", seed)
				}
			}
			before, beforeW = pruned, aware
		}
	}
	// Where inputs say nothing of each other nothing is better for an output than Wanda's
	// choice: rows of one number each, of different size.
	x := make([]float32, in*in)
	for j := range in {
		x[j*in+j] = float32(math.Exp(random(99, in)[j]))
	}
	w := normal32(3, out*in)
	wide := func(w []float32) []float64 {
		wide := make([]float64, len(w))
		for i, v := range w {
			wide[i] = float64(v)
		}
		return wide
	}
	y := outputs(x, wide(w), in)
	aware := distance(outputs(x, wide(must[[]float32](t)(compress.Wanda(w, out, 0.5, norms(t, in, x)))), in), y)
	plain := distance(outputs(x, wide(must[[]float32](t)(compress.Wanda(w, out, 0.5, norms(t, in, slices.Repeat([]float32{1}, in))))), in), y)
	if !(aware < plain) {
		t.Errorf("outputs are %v away with the norms of inputs, %v without", aware, plain)
	}
}

// TestTheFirstAmongEqualsGoes: on a matrix, and on each row by itself.
func TestTheFirstAmongEqualsGoes(t *testing.T) {
	w := []float32{1, -1, 1, 2, -1, 3, 1, -1}
	got := must[[]float32](t)(compress.Magnitude(w, 2, 4, 0.5))
	if want := []float32{0, 0, 0, 2, 0, 3, 1, -1}; !slices.Equal(got, want) {
		t.Errorf("Magnitude: %v, want %v", got, want)
	}
	got = must[[]float32](t)(compress.Wanda(w, 2, 0.5, norms(t, 4, []float32{1, 1, 1, 1})))
	if want := []float32{0, 0, 1, 2, 0, 3, 0, -1}; !slices.Equal(got, want) {
		t.Errorf("Wanda: %v, want %v", got, want)
	}
}

func TestBadElementsAreNamed(t *testing.T) {
	w := normal32(1, 12)
	bad := slices.Clone(w)
	bad[6] = float32(math.Inf(-1))
	good := norms(t, 4, mixed(2, 20, 4))
	quantise := func(w []float32, bits, group int) error {
		_, err := compress.Quantise(w, 3, 4, bits, group)
		return err
	}
	magnitude := func(w []float32, share float64) error { _, err := compress.Magnitude(w, 3, 4, share); return err }
	wanda := func(w []float32, share float64, n *compress.Norms) error {
		_, err := compress.Wanda(w, 3, share, n)
		return err
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{quantise(w, 1, 4), "Quantise: 1 bits: want 2 to 8"},
		{quantise(w, 9, 4), "Quantise: 9 bits: want 2 to 8"},
		{quantise(w, 4, 0), "Quantise: steps for groups of 0 weights: want 1 or more, such as 64"},
		{quantise(bad, 4, 4), "Quantise: element [1 2] of the matrix [3 4] is -Inf"},
		{magnitude(bad, 0.5), "Magnitude: element [1 2] of the matrix [3 4] is -Inf"},
		{magnitude(w, 0), "Magnitude: share 0 of the weights: want more than 0 and at most 1"},
		{magnitude(w, 1.1), "Magnitude: share 1.1 of the weights"},
		{magnitude(w, math.NaN()), "Magnitude: share NaN of the weights"},
		{magnitude(w, 0.08), "Magnitude: share 0.08 of a matrix of 12 weights is less than one of them, which is a share of 0.0833"},
		{wanda(bad, 0.5, good), "Wanda: element [1 2] of the matrix [3 4] is -Inf"},
		{wanda(w, -1, good), "Wanda: share -1 of the weights"},
		{wanda(w, 0.2, good), "Wanda: share 0.2 of a row of 4 weights is less than one of them, which is a share of 0.25"},
		{wanda(w, 0.5, compress.NewNorms(4)), "Wanda: norms of no rows: add some first"},
		{wanda(w, 0.5, norms(t, 4, make([]float32, 8))), "Wanda: all inputs of 2 rows are 0: want other rows"},
		{good.Add([]float32{0, 1, 2, float32(math.NaN())}), "Add: number 3 of row 20 is NaN: want finite activations"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !strings.HasPrefix(c.err.Error(), "compress: ") || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%v, want %q", c.err, c.want)
		}
	}
	if good.Rows() != 20 {
		t.Errorf("%d rows after one was refused, want 20", good.Rows())
	}
}
