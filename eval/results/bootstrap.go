package results

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"lamina/internal/philox"
)

// aggregates are how the harness sums values of documents up (its metrics.py), from
// Σ values / Σ weights.
var aggregates = map[string]func(mean float64) float64{
	"mean":                func(mean float64) float64 { return mean },
	"perplexity":          func(mean float64) float64 { return math.Exp(-mean) },
	"weighted_perplexity": func(mean float64) float64 { return math.Exp(-mean) },
	"bits_per_byte":       func(mean float64) float64 { return -mean / math.Ln2 },
}

// total is a metric over all of the documents; NaN where the harness sums it up in a
// way that is not known.
func total(how string, values []value) float64 {
	of := aggregates[how]
	if of == nil || len(values) == 0 {
		return math.NaN()
	}
	var sum, weight float64
	for _, v := range values {
		sum += v.of
		weight += v.weight
	}
	return of(sum / weight)
}

// pairs are a metric's values of the same documents in two runs.
type pairs struct {
	how  string
	a, b []value
}

// differences draws documents with replacement, as many as there are, and returns
// the difference of each metric, B - A, in each sample. Sample i depends on the seed
// and i alone, and is the same for all metrics.
func differences(ctx context.Context, list []pairs, samples int, seed uint64) ([][]float64, error) {
	out := make([][]float64, len(list))
	for m := range out {
		out[m] = make([]float64, samples)
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), samples) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < samples && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				draw(list, out, i, seed)
			}
		})
	}
	wait.Wait()
	return out, ctx.Err()
}

// draw makes one sample.
func draw(list []pairs, out [][]float64, i int, seed uint64) {
	n := len(list[0].a)
	sums := make([]struct{ a, b value }, len(list))
	sequence := philox.New(seed, uint64(i)).Sequence()
	for range n {
		at := sequence.Intn(n)
		for m := range list {
			a, b, s := list[m].a[at], list[m].b[at], &sums[m]
			s.a.of += a.of
			s.a.weight += a.weight
			s.b.of += b.of
			s.b.weight += b.weight
		}
	}
	for m, s := range sums {
		of := aggregates[list[m].how]
		out[m][i] = of(s.b.of/s.b.weight) - of(s.a.of/s.a.weight)
	}
}

// Interval returns the middle 95 % of differences and the two-sided p-value that
// there is none: twice the share on the rarer side of zero, a difference of zero
// on both sides, and the observed sample counted in (Davison and Hinkley 1997,
// section 4.2). A sample without a difference, of pages that are all empty, counts
// for nothing.
func Interval(differences []float64) (low, high, p float64) {
	sorted := slices.DeleteFunc(slices.Sorted(slices.Values(differences)), math.IsNaN)
	if len(sorted) == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	below, above := 0, 0
	for _, d := range sorted {
		if d <= 0 {
			below++
		}
		if d >= 0 {
			above++
		}
	}
	p = min(1, 2*float64(min(below, above)+1)/float64(len(sorted)+1))
	return Quantile(sorted, 0.025), Quantile(sorted, 0.975), p
}

// Quantile interpolates between the two nearest of values in ascending order, as numpy
// does.
func Quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// normal is the interval and the p-value of a difference with a standard error.
func normal(difference, stderr float64) (low, high, p float64) {
	const z = 1.959963984540054 // of 95 %
	low, high = difference-z*stderr, difference+z*stderr
	if stderr == 0 && difference == 0 {
		return low, high, 1
	}
	return low, high, math.Erfc(math.Abs(difference) / stderr / math.Sqrt2)
}
