package plan

import (
	"fmt"
	"slices"
)

// Gram is the gradient g of the trained layers in a decoder that lacks some layers, and
// how it would change as more are removed. A gate a on the residual of a layer turns it
// off from 1 to 0; with per sample n the gradient g^n and the gate's s^n = ∂loss/∂a, the
// Fisher approximation of the mixed second derivative is G = Σ_n s^n·g^n / targets, and
// removing the layers of a set changes g by -Σ G, to first order.
type Gram struct {
	Q        [][]float64 // [L L] the products of the G of two layers; 0 where one is not there
	Drift    []float64   // [L] the products of G with g - g(full model)
	Apart    float64     // |g - g(full model)|²
	Full     float64     // |g(full model)|²
	Saliency []float64   // [L] Σ_n s^n / targets: by how much the loss falls as the layer is removed
}

// change returns |g - g(full)|² / |g(full)|² once the layers have been removed.
func (g Gram) change(removed []int) float64 {
	sum := g.Apart
	for _, a := range removed {
		sum -= float64(2 * g.Drift[a])
		for _, b := range removed {
			sum += g.Q[a][b]
		}
	}
	return sum / g.Full
}

// loss returns by how much the loss rises as the layers are removed, to first order.
func (g Gram) loss(removed []int) (rise float64) {
	for _, a := range removed {
		rise -= g.Saliency[a]
	}
	return rise
}

// GradientGram is [GradientFidelity] from a few backward passes: the set of layers whose
// removal changes the gradient of the trained layers least is looked for in a quadratic
// form, which is measured anew after some removals, for it holds near what it was
// measured at. With a lambda, sets that raise the emulator's loss are preferred, which
// protects the owner: GradOT's score (arXiv 2507.04455) for whole layers.
var GradientGram = Method{
	Name:       "gradient-gram",
	Help:       "as gradient-fidelity, to first order: the set of layers whose removal changes the gradient least",
	Needs:      []Need{NeedGram},
	AnchorEnds: true,
	TrainAt:    AtSpread,
	Options: []Option{
		{Name: "refresh", Help: "removals between two measurements; 0: one measurement", Default: 3, Least: 0, Most: maxLayer, Whole: true},
		{Name: "lambda", Help: "weight of the rise of the emulator's loss, in nats, beside the relative change of the gradient", Least: 0, Most: 1e6},
	},
	Cost: func(r Request) Cost {
		n := r.Layers - r.Keep
		if every := int(r.Option("refresh")); every > 0 {
			return Cost{Backwards: (n + every - 1) / every}
		}
		return Cost{Backwards: min(n, 1)}
	},
	Choose: aimed(func(r Request) (Choice, error) {
		kept, free := r.all(), r.Free()
		var steps []Step
		for len(kept) > r.Keep {
			n := len(kept) - r.Keep
			if every := int(r.Option("refresh")); every > 0 {
				n = min(n, every)
			}
			g, err := r.Gram(kept, r.Trained())
			if err != nil {
				return Choice{}, err
			}
			if !(g.Full > 0) {
				return Choice{}, fmt.Errorf("the gradient of layers %s is %v on these texts: take others", listText(r.Trained()), g.Full)
			}
			s, err := g.least(free, n, r.Option("lambda"))
			if err != nil {
				return Choice{}, err
			}
			steps, kept, free = append(steps, s), without(kept, s.Removed), without(free, s.Removed)
		}
		return r.scoredPlan(steps), nil
	}),
}

// searchable is how many sets are all looked at; of more, layers are chosen one after
// the other and then exchanged while that helps.
const searchable = 200_000

// least returns the step that removes the n layers of least score among free ones. Its
// candidates are the layers alone.
func (g Gram) least(free []int, n int, lambda float64) (Step, error) {
	score := func(removed []int) float64 { return g.change(removed) - float64(lambda*g.loss(removed)) }
	s := Step{}
	for _, layer := range free {
		c := Candidate{[]int{layer}, score([]int{layer})}
		if err := number(c.Score, c.Removed); err != nil {
			return s, err
		}
		s.Candidates = append(s.Candidates, c)
	}
	if n > len(free) {
		return s, fmt.Errorf("%d layers are to go, and %d may: keep more", n, len(free))
	}
	if combinations(len(free), n) <= searchable {
		s.Removed = bestSubset(free, n, score)
	} else {
		s.Removed = exchanged(free, n, score)
	}
	slices.Sort(s.Removed)
	s.Score = score(s.Removed)
	return s, nil
}
