package plan

import "fmt"

// SLEB removes one layer after another, each time the one without which the loss on text
// is the least (Song et al., ICML 2024, arXiv 2402.09025, algorithm 1; sleb.py of its
// repository). The first and the last layer stay, as there.
var SLEB = Method{
	Name:       "sleb",
	Help:       "one layer after another goes, the one whose removal leaves the least loss on the texts",
	Needs:      []Need{NeedTextLoss},
	AnchorEnds: true,
	Cost:       slebCost,
	Choose:     betweenEnds(Greedy(func(r Request, kept []int) (float64, error) { return r.TextLoss(kept) })),
}

// slebCost counts its forward passes.
func slebCost(r Request) Cost {
	r.AnchorEnds = true
	return Cost{Forwards: GreedyCost(r)}
}

// betweenEnds chooses with both ends of the model kept.
func betweenEnds(choose func(Request) (Choice, error)) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		r.AnchorEnds = true
		if n := len(r.Fixed()); n > r.Keep && r.Keep < r.Layers {
			return Choice{}, fmt.Errorf("both ends of the model stay and, with what trains, are %d layers: keep more, or train elsewhere", n)
		}
		return choose(r)
	}
}
