package plan

import "slices"

// combinations returns how many sets of k there are of n, or some number beyond any limit.
func combinations(n, k int) int {
	const beyond = 1 << 40
	count := 1
	for i := range min(k, n-k) {
		count = count * (n - i) / (i + 1)
		if count > beyond {
			return beyond
		}
	}
	return count
}

// bestSubset returns the set of k of least score, of equal ones the first in the order
// of numbers.
func bestSubset(of []int, k int, score func([]int) float64) []int {
	at := span(0, k)
	set := make([]int, k)
	var best []int
	var least float64
	for {
		for i, j := range at {
			set[i] = of[j]
		}
		if v := score(set); best == nil || v < least {
			best, least = slices.Clone(set), v
		}
		i := k - 1
		for i >= 0 && at[i] == len(of)-k+i {
			i--
		}
		if i < 0 {
			return best
		}
		at[i]++
		for j := i + 1; j < k; j++ {
			at[j] = at[j-1] + 1
		}
	}
}

// exchanged returns a set of k of which no exchange of one for another lowers the score:
// chosen one after the other, then exchanged, the best exchange first.
func exchanged(of []int, k int, score func([]int) float64) []int {
	var set []int
	left := slices.Clone(of)
	for range k {
		at := leastOf(len(left), func(i int) float64 { return score(append(slices.Clone(set), left[i])) })
		set = append(set, left[at])
		left = slices.Delete(left, at, at+1)
	}
	least := score(set)
	for {
		try := slices.Clone(set)
		swapped := func(i int) float64 {
			copy(try, set)
			try[i/len(left)] = left[i%len(left)]
			return score(try)
		}
		if len(left) == 0 {
			return set
		}
		at := leastOf(k*len(left), swapped)
		v := swapped(at)
		if !(v < least) {
			return set
		}
		least = v
		set[at/len(left)], left[at%len(left)] = left[at%len(left)], set[at/len(left)]
	}
}

// leastOf returns the first i below n of the least score.
func leastOf(n int, score func(i int) float64) int {
	best, least := 0, score(0)
	for i := 1; i < n; i++ {
		if v := score(i); v < least {
			best, least = i, v
		}
	}
	return best
}
