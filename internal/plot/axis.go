package plot

import (
	"math"
	"strconv"
)

// axis maps values to pixels, linearly or by logarithm.
type axis struct {
	lo, hi   float64 // values at the ends, lo < hi
	from, to float64 // pixels of lo and hi
	log      bool    // then lo > 0
}

func (a axis) at(v float64) float64 {
	t := (v - a.lo) / (a.hi - a.lo)
	if a.log {
		t = math.Log(v/a.lo) / math.Log(a.hi/a.lo)
	}
	return a.from + t*(a.to-a.from)
}

// tick is one labelled place on an axis.
type tick struct {
	value float64
	label string
}

// ticks returns about n places inside the axis: multiples of 1, 2 or 5 times a
// power of ten; on a logarithmic axis of a decade or more the same few multiples
// in every decade.
func (a axis) ticks(n int) []tick {
	if !a.log || a.hi/a.lo < 10 {
		return linearTicks(a.lo, a.hi, n)
	}
	multiples := []float64{1}
	switch decades := math.Log10(a.hi / a.lo); {
	case decades < 1.5:
		multiples = []float64{1, 1.5, 2, 3, 5, 7}
	case decades < float64(n)/2:
		multiples = []float64{1, 2, 5}
	}
	var out []tick
	for e := math.Floor(math.Log10(a.lo)); e <= math.Log10(a.hi); e++ {
		for _, m := range multiples {
			if v := m * math.Pow(10, e); v >= a.lo*(1-1e-9) && v <= a.hi*(1+1e-9) {
				out = append(out, tick{v, strconv.FormatFloat(v, 'g', 4, 64)})
			}
		}
	}
	return out
}

func linearTicks(lo, hi float64, n int) []tick {
	step, decimals := niceStep((hi - lo) / float64(max(n, 1)))
	var out []tick
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9; i++ {
		v := i * step
		label := strconv.FormatFloat(v, 'f', decimals, 64)
		if math.Abs(v) >= 1e6 || decimals > 6 {
			label = strconv.FormatFloat(v, 'g', 4, 64)
		}
		if i == 0 { // never "-0"
			label = "0"
		}
		out = append(out, tick{v, label})
	}
	return out
}

// niceStep returns the least of {1, 2, 5}·10^k that is ≥ raw and how many
// decimals its multiples need.
func niceStep(raw float64) (step float64, decimals int) {
	k := math.Floor(math.Log10(raw))
	for _, m := range []float64{1, 2, 5, 10} {
		step = m * math.Pow(10, k)
		if step >= raw*(1-1e-9) {
			if m == 10 {
				k++
			}
			break
		}
	}
	return step, max(0, -int(k))
}

// intervalTicks is ticks for counted things: 0, every, 2·every, … below n, with
// the least nice every that leaves room (pixels) for a label per tick.
func intervalTicks(n int, pixelsPerStep, room float64) (every int) {
	for every = 1; ; every *= 10 {
		for _, m := range []int{1, 2, 5} {
			if float64(every*m)*pixelsPerStep >= room || every*m >= n {
				return every * m
			}
		}
	}
}

// bounds returns the least and greatest finite value of xs that keep accepts.
func bounds(lo, hi float64, keep func(float64) bool, xs ...float64) (float64, float64) {
	for _, x := range xs {
		if finite(x) && keep(x) {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return lo, hi
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// spread widens an interval that is empty or a single value, so that an axis
// can be made of it.
func spread(lo, hi float64) (float64, float64) {
	if lo > hi {
		return 0, 1
	}
	if hi-lo < 1e-12*max(math.Abs(lo), math.Abs(hi), 1e-3) {
		d := max(math.Abs(lo)*0.05, 1e-3)
		return lo - d, hi + d
	}
	return lo, hi
}
