package plan

import (
	"fmt"
	"math"
)

// Uniform is the plan of offsite-tuning (Xiao et al. 2023), the paper's baseline:
// the first ⌈trainable/2⌉ and the last ⌊trainable/2⌋ layers train, and the other
// keep-trainable are spread over the m layers between them, the i-th of k at
// round(i·s) with halves rounded to even, as Python does; s is the stride (m-1)/(k-1)
// in float64, so that a half may fall to either side, as it does in the reference. A
// single frozen layer (k = 1, where the stride is undefined) stands in the middle, at
// round((m-1)/2).
//
// With a deviation (uniform_choose_layers in src/model_utils.py of the paper's
// repository) the lower half of the m layers gets round(k·percent) of the k and the
// upper the rest, with deviation 1 the other way round, and each half is spread by a
// stride of its own.
var Uniform = Method{
	Name:    "uniform",
	Help:    "the first and last layers train, the rest is spread evenly between them",
	TrainAt: AtEnds,
	Options: []Option{
		{Name: "deviation", Help: "-1: fewer layers of the lower half, 1: of the upper one", Least: -1, Most: 1, Whole: true},
		{Name: "percent", Help: "the share that the thinner half gets", Default: 0.25, Least: 0, Most: 1},
	},
	Choose: func(r Request) (Choice, error) {
		if r.trained == nil { // to be starred among the kept ones
			r.trained = AtEnds.rule().layers(&r)
		}
		free := r.Free()
		at, err := uniformPlaces(len(free), r.Keep-r.Trainable, int(r.Option("deviation")), r.Option("percent"))
		if err != nil {
			return Choice{}, err
		}
		kept := r.Fixed()
		for _, i := range at {
			kept = append(kept, free[i])
		}
		return Choice{Plan: r.restarred(planOf(kept))}, nil
	},
}

// uniform is the plan without deviation.
func uniform(layers, keep, trainable int) Plan {
	r := Request{Layers: layers, Keep: keep, Trainable: trainable}
	c, _ := Uniform.Choose(r)
	return c.Plan
}

// uniformPlaces returns the places of k layers spread over m.
func uniformPlaces(m, k, deviation int, percent float64) ([]int, error) {
	if deviation == 0 {
		return spread(k, float64(m-1), 0), nil
	}
	thin := int(math.RoundToEven(float64(k) * percent))
	left, right := thin, k-thin
	if deviation > 0 {
		left, right = right, left
	}
	half := float64(m) / 2
	if float64(left) > half || float64(right) > half {
		return nil, fmt.Errorf("a deviation puts %d and %d layers into halves of %g: keep fewer, or give option percent nearer to 0.5", left, right, half)
	}
	places := spread(left, half-1, 0)
	start := int(math.RoundToEven(half - 1))
	if left > 0 {
		start = max(start, places[left-1]+1)
	}
	return append(places, spread(right, half-1, start)...), nil
}

// spread returns start + round(i·last/(k-1)) for i below k, and one alone in the middle.
func spread(k int, last float64, start int) []int {
	places := make([]int, k)
	for i := range places {
		at := last / 2
		if k > 1 {
			at = float64(float64(i) * (last / float64(k-1)))
		}
		places[i] = start + int(math.RoundToEven(at))
	}
	return places
}
