package plan

import (
	"cmp"
	"slices"
)

// BlockInfluence is ShortGPT (Men et al. 2024, arXiv 2403.03853, section 3.2): the
// influence of a layer is 1 - the mean over tokens of the cosine between the stream
// before and after it, and the layers of the least influence go, all at once.
var BlockInfluence = Method{
	Name:       "block-influence",
	Help:       "ShortGPT: the layers go that turn the stream the least",
	Needs:      []Need{NeedDirections},
	AnchorEnds: true,
	Choose: func(r Request) (Choice, error) {
		var candidates []Candidate
		for _, layer := range r.Free() {
			candidates = append(candidates, Candidate{[]int{layer}, 1 - r.Cosine[layer][layer+1]})
		}
		order := slices.Clone(candidates)
		slices.SortStableFunc(order, func(a, b Candidate) int { return cmp.Compare(a.Score, b.Score) })
		s := Step{Candidates: candidates}
		for _, c := range order[:r.Layers-r.Keep] {
			s.Removed = append(s.Removed, c.Removed...)
		}
		slices.Sort(s.Removed)
		return r.scoredPlan([]Step{s}), nil
	},
}
