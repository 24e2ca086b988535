package plan

import (
	"fmt"
	"math"
	"slices"
)

// number returns an error if a score is none.
func number(score float64, without []int) error {
	if math.IsNaN(score) {
		return fmt.Errorf("the score without layers %s is not a number: look at the model and the texts", listText(without))
	}
	return nil
}

// listText shows layers: 3, 4, 5.
func listText(layers []int) string {
	text := ""
	for i, layer := range layers {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(layer)
	}
	return text
}

// scoredPlan is the choice that is left when steps have removed their layers.
func (r Request) scoredPlan(steps []Step) Choice {
	kept := r.all()
	for _, s := range steps {
		kept = without(kept, s.Removed)
	}
	return Choice{Plan: starEvenly(kept, r.Trainable), Steps: steps}
}

// without returns layers but for those removed.
func without(layers, removed []int) []int {
	return slices.DeleteFunc(slices.Clone(layers), func(layer int) bool { return slices.Contains(removed, layer) })
}

// take returns the step that removes the candidate of the least score.
func take(candidates []Candidate) (Step, error) {
	least := 0
	for i, c := range candidates {
		if err := number(c.Score, c.Removed); err != nil {
			return Step{}, err
		}
		if c.Score < candidates[least].Score {
			least = i
		}
	}
	return Step{Removed: candidates[least].Removed, Score: candidates[least].Score, Candidates: candidates}, nil
}

// Greedy returns how to choose by removing one layer after another: each time the free one
// without which the kept layers have the least score, of equal ones the lowest. It is for
// scores of one's own too; they are asked once for every free layer at every step,
// [GreedyCost] times in all.
func Greedy(score func(r Request, kept []int) (float64, error)) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		kept, free := r.all(), r.Free()
		var steps []Step
		for len(kept) > r.Keep {
			if len(free) == 0 {
				return Choice{}, fmt.Errorf("no layer is left that may be removed: keep more")
			}
			candidates := make([]Candidate, len(free))
			for i, layer := range free {
				v, err := score(r, without(kept, []int{layer}))
				if err != nil {
					return Choice{}, err
				}
				candidates[i] = Candidate{[]int{layer}, v}
			}
			s, err := take(candidates)
			if err != nil {
				return Choice{}, err
			}
			steps = append(steps, s)
			kept, free = without(kept, s.Removed), without(free, s.Removed)
		}
		return r.scoredPlan(steps), nil
	}
}

// GreedyCost is the number of scores that [Greedy] asks for.
func GreedyCost(r Request) int {
	free, n := len(r.Free()), 0
	for range r.Layers - r.Keep {
		n += free
		free--
	}
	return n
}

// bestSpan removes the Layers-Keep neighbours of the least score, of equal ones the
// lowest: score compares the stream before layer from with that before layer to.
func bestSpan(score func(r Request, from, to int) float64) func(Request) (Choice, error) {
	return func(r Request) (Choice, error) {
		n, fixed := r.Layers-r.Keep, r.Fixed()
		if n == 0 {
			return r.scoredPlan(nil), nil
		}
		var candidates []Candidate
		for from := 0; from+n <= r.Layers; from++ {
			layers := span(from, from+n)
			if !slices.ContainsFunc(layers, func(layer int) bool { return slices.Contains(fixed, layer) }) {
				candidates = append(candidates, Candidate{layers, score(r, from, from+n)})
			}
		}
		if len(candidates) == 0 {
			return Choice{}, fmt.Errorf("no %d neighbours can be removed together between the layers that stay, %s: keep more, or train at the first or the last layers", n, listText(fixed))
		}
		s, err := take(candidates)
		return r.scoredPlan([]Step{s}), err
	}
}
