package sweep

import (
	"math"
	"slices"

	"lamina/eval/results"
	"lamina/internal/philox"
)

// rankDraws is how often emulators are drawn again for the interval of a correlation.
const rankDraws = 2000

// leastRanked is how many points an interval takes: of three, most draws are of two that differ.
const leastRanked = 4

// ranks returns the place of each value in ascending order, from 1; equal ones share the mean of
// their places.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && values[order[to]] == values[order[from]] {
			to++
		}
		for _, i := range order[from:to] {
			out[i] = float64(from+1+to) / 2
		}
		from = to
	}
	return out
}

// spearman returns the rank correlation of pairs: Pearson's of their ranks (C. Spearman, "The
// proof and measurement of association between two things", 1904). It is NaN where one of the
// two has a single value.
func spearman(x, y []float64) float64 {
	a, b := ranks(x), ranks(y)
	middle := float64(len(a)+1) / 2
	ab, aa, bb := 0.0, 0.0, 0.0
	for i := range a {
		p, q := a[i]-middle, b[i]-middle
		ab += float64(p * q)
		aa += float64(p * p)
		bb += float64(q * q)
	}
	return ab / math.Sqrt(float64(aa*bb)) // 0/0 of one value
}

// rankInterval returns the middle 95 % of the correlation where the pairs are drawn again, with
// replacement, as many as there are: draw i depends on i and their number alone. Draws in which
// one of the two has a single value have none and are left out. NaN of fewer than leastRanked.
func rankInterval(x, y []float64) (low, high float64) {
	if len(x) < leastRanked {
		return math.NaN(), math.NaN()
	}
	var drawn []float64
	a, b := make([]float64, len(x)), make([]float64, len(x))
	for i := range rankDraws {
		draws := philox.New(0, uint64(i)).Sequence()
		for k := range a {
			at := draws.Intn(len(x))
			a[k], b[k] = x[at], y[at]
		}
		if v := spearman(a, b); !math.IsNaN(v) {
			drawn = append(drawn, v)
		}
	}
	if len(drawn) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(drawn)
	const tail = 0.025
	return results.Quantile(drawn, tail), results.Quantile(drawn, 1-tail)
}
