package study

import (
	"maps"
	"math"
	"slices"
)

// signFlip returns the p-value of the two-sided paired permutation test: how likely the
// sum of d would be as far from zero or farther if the sign of each were a coin's. Where
// all are -1, 0 or 1, as of two models scored once on the same documents, this is
// McNemar's exact test. It is computed, not drawn; only where that would be long, from
// the normal distribution that the sum then has.
func signFlip(d []int) float64 {
	counts := map[int]int{}
	sum, span, squares, n := 0, 0, 0.0, 0
	for _, v := range d {
		if v == 0 {
			continue
		}
		size := max(v, -v)
		counts[size]++
		sum += v
		span += size
		squares += float64(size) * float64(size)
		n++
	}
	const most = 50_000_000 // products; a few hundredths of a second
	if sum == 0 {
		return 1
	}
	if span*n > most {
		return math.Erfc(math.Abs(float64(sum)) / math.Sqrt(2*squares))
	}
	// chances[s]: of the sizes whose coin fell to plus adding up to s.
	chances := make([]float64, span+1)
	chances[0] = 1
	reach := 0
	for _, size := range slices.Sorted(maps.Keys(counts)) {
		coins := binomialChances(counts[size])
		next := make([]float64, span+1)
		for s, c := range chances[:reach+1] {
			for k, b := range coins {
				next[s+k*size] += c * b
			}
		}
		chances = next
		reach += counts[size] * size
	}
	p := 0.0
	for s, c := range chances {
		if away := 2*s - span; max(away, -away) >= max(sum, -sum) {
			p += c
		}
	}
	return min(p, 1)
}

// binomialChances returns the chances of 0 … n heads of n coins.
func binomialChances(n int) []float64 {
	out := make([]float64, n+1)
	all, _ := math.Lgamma(float64(n) + 1)
	for k := range out {
		heads, _ := math.Lgamma(float64(k) + 1)
		tails, _ := math.Lgamma(float64(n-k) + 1)
		out[k] = math.Exp(all - heads - tails - float64(n)*math.Ln2)
	}
	return out
}
