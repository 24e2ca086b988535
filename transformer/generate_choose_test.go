package transformer

import (
	"math"
	"slices"
	"testing"

	"lamina/internal/philox"
)

// TestChooseFollowsTheDistribution draws often and compares counts with the
// probabilities that temperature, top-k and top-p leave, by five standard errors.
func TestChooseFollowsTheDistribution(t *testing.T) {
	// Temperature 1: 0.4, 0.3, 0.2, 0.1 at ids 2, 0, 3, 1.
	logits := []float32{float32(math.Log(0.3)), float32(math.Log(0.1)), float32(math.Log(0.4)), float32(math.Log(0.2))}
	square := func(p ...float64) []float64 { // temperature 1/2
		sum := 0.0
		for i := range p {
			p[i] *= p[i]
			sum += p[i]
		}
		for i := range p {
			p[i] /= sum
		}
		return p
	}
	for _, c := range []struct {
		how  Sampling
		want []float64 // by id
	}{
		{Sampling{Temperature: 1}, []float64{0.3, 0.1, 0.4, 0.2}},
		{Sampling{Temperature: 0.5}, square(0.3, 0.1, 0.4, 0.2)},
		{Sampling{Temperature: 1, TopK: 2}, []float64{3. / 7, 0, 4. / 7, 0}},
		{Sampling{Temperature: 1, TopK: 1}, []float64{0, 0, 1, 0}},
		{Sampling{Temperature: 1, TopK: 100}, []float64{0.3, 0.1, 0.4, 0.2}},
		{Sampling{Temperature: 1, TopP: 0.35}, []float64{0, 0, 1, 0}},
		{Sampling{Temperature: 1, TopP: 0.45}, []float64{3. / 7, 0, 4. / 7, 0}},
		{Sampling{Temperature: 1, TopP: 0.75}, []float64{3. / 9, 0, 4. / 9, 2. / 9}},
		{Sampling{Temperature: 1, TopP: 1}, []float64{0.3, 0.1, 0.4, 0.2}},
		// Top-p is taken of what top-k left: 4/7 reaches 0.55.
		{Sampling{Temperature: 1, TopK: 2, TopP: 0.55}, []float64{0, 0, 1, 0}},
		{Sampling{Temperature: 0.5, TopK: 3, TopP: 0.8}, square(0.3, 0, 0.4, 0)},
	} {
		const n = 20000
		rng := philox.New(8, 0)
		counts := make([]float64, len(logits))
		for i := range n {
			counts[c.how.choose(logits, float64(rng.Float32(uint64(i))))]++
		}
		for id, p := range c.want {
			if bar := 5 * math.Sqrt(p*(1-p)/n); math.Abs(counts[id]/n-p) > bar {
				t.Errorf("%+v: id %d drawn with frequency %v, want %v", c.how, id, counts[id]/n, p)
			}
		}
	}
}

func TestChooseAtTheEdges(t *testing.T) {
	logits := []float32{1, 3, 3, 2}
	if id := (Sampling{}).choose(logits, 0.99); id != 1 {
		t.Errorf("greedy takes %d, want the first of equals", id)
	}
	how := Sampling{Temperature: 1}
	if first, last := how.choose(logits, 0), how.choose(logits, 1-0x1p-53); first != 1 || last != 0 {
		t.Errorf("the ends of [0, 1) give %d and %d, want the likeliest and the least likely", first, last)
	}
	if id := (Sampling{Temperature: 1e-300}).choose(logits, 0.3); id != 1 {
		t.Errorf("a tiny temperature takes %d", id)
	}
	huge := slices.Repeat([]float32{3e38}, 4)
	if id := how.choose(huge, 0.6); id != 2 {
		t.Errorf("huge equal logits: %d at 0.6, want 2", id)
	}
}
