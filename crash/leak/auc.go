package leak

import (
	"fmt"
	"math"
	"slices"
)

// Interval is an estimate and the range of 95 % around it.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Has reports whether the range holds a number.
func (i Interval) Has(x float64) bool { return i.Low <= x && x <= i.High }

const normal95 = 1.959963984540054 // of the normal distribution, 2.5 % lie above

// AUC returns the area under the receiver operating characteristic of scores that are to
// be higher for members, which is the probability that a member's is higher than another's,
// a tie being half:
//
//	AUC = Σ over members x and others y of ([x > y] + [x = y]/2) / (m·n)
//
// with DeLong's interval (1988): the variance is that of the members' shares of lower
// others divided by m, and that of the others' shares of higher members divided by n. It
// panics without a member or without another, and where a score is NaN.
func AUC(members, others []float64) Interval {
	if len(members) == 0 || len(others) == 0 {
		panic(fmt.Sprintf("leak: AUC: %d members and %d others", len(members), len(others)))
	}
	lower := shares(members, others)
	higher := shares(others, members)
	m, n := float64(len(members)), float64(len(others))
	auc := 0.0
	for _, v := range lower {
		auc += v / m
	}
	deviation := math.Sqrt(variance(lower)/m + variance(higher)/n)
	return Interval{auc, max(0, auc-normal95*deviation), min(1, auc+normal95*deviation)}
}

// shares returns of each score which part of the others is lower, a tie being half.
func shares(of, others []float64) []float64 {
	sorted := slices.Clone(others)
	slices.Sort(sorted)
	out := make([]float64, len(of))
	for i, v := range of {
		if math.IsNaN(v) || math.IsNaN(sorted[0]) { // NaN is sorted first
			panic("leak: AUC: a score is NaN")
		}
		below, _ := slices.BinarySearch(sorted, v)
		above, _ := slices.BinarySearch(sorted, math.Nextafter(v, math.Inf(1)))
		if math.IsInf(v, 1) {
			above = len(sorted)
		}
		out[i] = float64(below+above) / 2 / float64(len(sorted))
	}
	return out
}

// variance is the unbiased one; 0 of a single value.
func variance(x []float64) float64 {
	if len(x) < 2 {
		return 0
	}
	mean := meanOf(x)
	sum := 0.0
	for _, v := range x {
		sum += (v - mean) * (v - mean)
	}
	return sum / float64(len(x)-1)
}

func meanOf(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// TPR returns which part of the members has a score above a threshold that at most the
// part fpr of the others is above: the true positives an attacker has who can afford so
// few false ones. The threshold is the lowest of the others' scores that leaves so few
// above it. The interval is that of a bootstrap over members and others alike.
func TPR(members, others []float64, fpr float64) Interval {
	value := tpr(members, others, fpr)
	draws := resample(func(draw func(n int) int) float64 {
		m, o := make([]float64, len(members)), make([]float64, len(others))
		for i := range m {
			m[i] = members[draw(len(members))]
		}
		for i := range o {
			o[i] = others[draw(len(others))]
		}
		return tpr(m, o, fpr)
	})
	return between(value, draws)
}

func tpr(members, others []float64, fpr float64) float64 {
	sorted := slices.Clone(others)
	slices.Sort(sorted)
	threshold := sorted[len(sorted)-1-int(fpr*float64(len(sorted)))]
	above := 0
	for _, v := range members {
		if v > threshold {
			above++
		}
	}
	return float64(above) / float64(len(members))
}
