package plan

import (
	"fmt"
	"slices"
)

// IterativeDrop is layer_iter_drop (utils/main.py of the paper's repository): of the two
// neighbours whose outputs are most alike the upper one goes, the first pair winning
// ties; what is left runs anew, and so on. It is in no published result. Layer 0, which
// is nobody's upper neighbour, stays.
var IterativeDrop = Method{
	Name:       "iterative-drop",
	Help:       "of the two neighbours most alike the upper goes, and what is left is measured anew",
	Needs:      []Need{NeedNeighbours},
	AnchorEnds: true,
	Cost:       func(r Request) Cost { return Cost{Forwards: r.Layers - r.Keep} },
	Choose: func(r Request) (Choice, error) {
		kept, fixed := r.all(), r.Fixed()
		var steps []Step
		for len(kept) > r.Keep {
			alike, err := r.Neighbours(kept)
			if err != nil {
				return Choice{}, err
			}
			if len(alike) != len(kept)-1 {
				return Choice{}, fmt.Errorf("%d similarities of %d layers: want one less", len(alike), len(kept))
			}
			var candidates []Candidate
			for i, upper := range kept[1:] {
				if !slices.Contains(fixed, upper) {
					candidates = append(candidates, Candidate{[]int{upper}, 1 - alike[i]})
				}
			}
			if len(candidates) == 0 {
				return Choice{}, fmt.Errorf("no layer is left that may be removed: keep more")
			}
			s, err := take(candidates)
			if err != nil {
				return Choice{}, err
			}
			steps, kept = append(steps, s), without(kept, s.Removed)
		}
		return r.scoredPlan(steps), nil
	},
}
