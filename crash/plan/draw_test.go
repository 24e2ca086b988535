package plan

import (
	"math"
	"testing"
)

// inclusion is the chance of each set of k of the weights' numbers, drawn one after the
// other: by going through all orders.
func inclusion(weights []float64, k int) []float64 {
	in := make([]float64, len(weights))
	var draw func(chance float64, taken []bool, left int)
	draw = func(chance float64, taken []bool, left int) {
		if left == 0 {
			for i, is := range taken {
				if is {
					in[i] += chance
				}
			}
			return
		}
		total := 0.0
		for i, w := range weights {
			if !taken[i] {
				total += w
			}
		}
		for i, w := range weights {
			if !taken[i] {
				taken[i] = true
				draw(chance*w/total, taken, left-1)
				taken[i] = false
			}
		}
	}
	draw(1, make([]bool, len(weights)), k)
	return in
}

// TestDrawsHoldTheirDistributions: how often each layer is kept over 4000 seeds, against
// the exact chances of draws without replacement: chi-square below its 0.999 quantile.
// Counts of a draw are not independent, which makes it smaller, never larger.
func TestDrawsHoldTheirDistributions(t *testing.T) {
	const layers, keep, trained, seeds = 9, 5, 2, 4000
	const m, k = layers - trained, keep - trained
	normal := func(centre int) func(i int) float64 {
		return func(i int) float64 { return math.Exp(-math.Pow(float64(i-centre)/2, 2) / 2) }
	}
	for _, c := range []struct {
		method Method
		weight func(i int) float64
	}{
		{Random, func(int) float64 { return 1 }},
		{Normal, normal(m / 2)}, {LeftNormal, normal(0)}, {RightNormal, normal(m)},
		{InverseNormal, func(i int) float64 { return normal(m / 2)((i + m/2) % m) }},
	} {
		weights := make([]float64, m)
		for i := range weights {
			weights[i] = c.weight(i)
		}
		count := make([]int, layers)
		for seed := range uint64(seeds) {
			r := Request{Layers: layers, Keep: keep, Trainable: trained, Seed: seed, TrainAt: AtEnds}
			if len(c.method.Options) > 0 {
				r.Options = map[string]float64{"sd": 2}
			}
			p, err := chosen(c.method, r)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := chosen(c.method, r); again.String() != p.String() {
				t.Fatalf("%s, seed %d: %v, then %v", c.method.Name, seed, p, again)
			}
			for _, layer := range p.Kept() {
				count[layer]++
			}
		}
		if count[0] != seeds || count[layers-1] != seeds {
			t.Errorf("%s: the ends stay %v times", c.method.Name, count)
		}
		square := 0.0
		for i, chance := range inclusion(weights, k) {
			expected := seeds * chance
			square += math.Pow(float64(count[i+1])-expected, 2) / (expected * (1 - chance))
		}
		const most = 24.3 // chi-square of 7 degrees of freedom, 0.999
		if square > most {
			t.Errorf("%s: chi-square %.1f, want at most %v; %v", c.method.Name, square, most, count)
		}
		t.Logf("%s: chi-square %.1f (bar %v)", c.method.Name, square, most)
	}
}

// TestNormalOfFarLayers: weights that are 0 as numbers, as with the reference's second
// default, still leave a draw.
func TestNormalOfFarLayers(t *testing.T) {
	r := Request{Layers: 64, Keep: 60, Trainable: 4, Seed: 1, Options: map[string]float64{"sd": 0.4}}
	if p, err := chosen(RightNormal, r); err != nil || len(p) != 60 {
		t.Errorf("%v, %v", p, err)
	}
}
