package main

import (
	"math"
	"slices"
)

// How noisy rounds are dealt with: a case whose rounds spread more than noisy is measured
// again, for half as many rounds and three at least, so often at most.
const (
	noisy   = 0.25
	repeats = 2
)

// spread is the distance of the quartiles over the median: half of all rounds lie within
// it. Below three rounds nothing is known and it is 0.
func spread(values []float64) float64 {
	if len(values) < 3 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 {
		x := part * float64(len(v)-1)
		low := int(x)
		high := min(low+1, len(v)-1)
		return v[low] + (x-math.Floor(x))*(v[high]-v[low])
	}
	if at(0.5) == 0 {
		return 0
	}
	return (at(0.75) - at(0.25)) / at(0.5)
}

// judge states the spread of every entry, and whether the case is noisy: those count that
// make the ratio, ours and the fastest other one. An entry of few rounds is not asked.
func (r *result) judge() {
	own, best := r.own(), -1
	for i := range r.Entries {
		e := &r.Entries[i]
		e.Spread = spread(e.rates)
		if !e.ours && e.Threads == r.Threads && len(e.rates) > 0 && (best < 0 || median(e.rates) > median(r.Entries[best].rates)) {
			best = i
		}
	}
	r.Noisy = own != nil && own.Spread > noisy || best >= 0 && r.Entries[best].Spread > noisy
}

// own is the entry that the others are held against: the first of ours on as many threads
// as the case has, nil if there is none.
func (r *result) own() *entryResult {
	for i := range r.Entries {
		if e := &r.Entries[i]; e.ours && e.Threads == r.Threads {
			return e
		}
	}
	return nil
}
