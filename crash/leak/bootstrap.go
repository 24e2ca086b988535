package leak

import (
	"math"
	"slices"

	"lamina/eval/results"
	"lamina/internal/philox"
)

// resamples is how often a number is computed again from as many rows, drawn with
// replacement (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993). Draw i
// depends on i and the number of rows alone.
const resamples = 2000

// resample computes a number on every draw; draw(n) draws one of n.
func resample(of func(draw func(n int) int) float64) []float64 {
	out := make([]float64, resamples)
	for i := range out {
		out[i] = of(philox.New(0, uint64(i)).Sequence().Intn)
	}
	return out
}

// between returns a value with the middle 95 % of its draws; those that are no numbers are
// left out.
func between(value float64, draws []float64) Interval {
	sorted := slices.DeleteFunc(slices.Clone(draws), math.IsNaN)
	if len(sorted) == 0 {
		return Interval{value, value, value}
	}
	slices.Sort(sorted)
	return Interval{value, results.Quantile(sorted, 0.025), results.Quantile(sorted, 0.975)}
}

// meanBetween returns the mean of values with its bootstrap interval.
func meanBetween(values []float64) Interval {
	return between(meanOf(values), resample(func(draw func(int) int) float64 {
		sum := 0.0
		for range values {
			sum += values[draw(len(values))]
		}
		return sum / float64(len(values))
	}))
}

// ratioBetween returns Σ over · Σ under⁻¹ after a function, on draws of the same rows.
func ratioBetween(n int, of func(rows []int) float64) Interval {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	value := of(all)
	rows := make([]int, n)
	return between(value, resample(func(draw func(int) int) float64 {
		for i := range rows {
			rows[i] = draw(n)
		}
		return of(rows)
	}))
}
