package plan

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// TestShapley: exact where layers do not heed each other, near the exact values where
// they do, and the same at each call.
func TestShapley(t *testing.T) {
	r := everything(6, 3, 2)
	if err := r.setOptions(Shapley); err != nil {
		t.Fatal(err)
	}
	worth := []float64{0.05, 0.3, 0.1, 0.2, 0.25, 0.1} // adds up to 1 = ppl(full)/ppl(full)
	r.TextLoss = func(kept []int) (float64, error) {
		sum := 0.0
		for _, layer := range kept {
			sum += worth[layer]
		}
		return -math.Log(sum), nil
	}
	got, err := shapley(r, 2)
	for i, v := range got {
		if math.Abs(v-worth[i]) > 1e-12 {
			t.Errorf("layer %d is worth %v, want %v", i, v, worth[i])
		}
	}
	if c, other := Shapley.Plan(r); err != nil || other != nil || !slices.Equal(c.Plan.Kept(), []int{1, 3, 4}) {
		t.Errorf("%v, %v, %v", c.Plan, err, other)
	}

	r.TextLoss = func(kept []int) (float64, error) { return noise(5, kept), nil }
	exact := make([]float64, 6)
	full := noise(5, span(0, 6))
	value := func(kept []int) float64 {
		if len(kept) == 0 {
			return 0
		}
		return math.Exp(full - noise(5, kept))
	}
	for n := range 6 {
		for _, set := range subsets(span(0, 6), n) {
			for i := range 6 {
				if !slices.Contains(set, i) {
					with := append(slices.Clone(set), i)
					slices.Sort(with)
					exact[i] += (value(with) - value(set)) / 6 / float64(combinations(5, n))
				}
			}
		}
	}
	got, err = shapley(r, 4000)
	again, _ := shapley(r, 4000)
	for i, v := range got {
		if err != nil || math.Abs(v-exact[i]) > 0.02 {
			t.Errorf("layer %d is worth %v, want %v, %v", i, v, exact[i], err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(again) {
		t.Error("the same request gave other values")
	}
}

// TestExchanged: where not all sets can be looked at, no exchange is left that helps, and
// small problems are solved as well as by looking at all.
func TestExchanged(t *testing.T) {
	worse := 0
	for seed := range uint64(50) {
		score := func(set []int) float64 {
			sum := 0.0
			for _, a := range set {
				sum += noise(seed, []int{a})
				for _, b := range set {
					sum += noise(seed, []int{min(a, b), max(a, b)}) - 0.5
				}
			}
			return sum
		}
		got := exchanged(span(0, 10), 4, score)
		least := math.Inf(1)
		for _, set := range subsets(span(0, 10), 4) {
			least = min(least, score(set))
		}
		if best := score(bestSubset(span(0, 10), 4, score)); math.Abs(best-least) > 1e-12 {
			t.Errorf("seed %d: best %v, want %v", seed, best, least)
		}
		if score(got) > least+1e-12 {
			worse++
		}
		for i := range got {
			for other := range 10 {
				try := slices.Clone(got)
				try[i] = other
				if !slices.Contains(got, other) && score(try) < score(got)-1e-12 {
					t.Errorf("seed %d: %v is bettered by %v", seed, got, try)
				}
			}
		}
	}
	if worse > 15 {
		t.Errorf("%d of 50 are not the best", worse)
	}
}
