package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"lamina/internal/philox"
)

// Shapley removes the layers of the least Shapley value in the game whose value is
// ppl(full) / ppl(kept layers) on the texts: what a layer adds, averaged over all orders
// in which layers can join. It is estimated from drawn orders, each followed by its
// reverse (Castro et al. 2009; Mitchell et al. 2022): one order gives one set of each
// size, so that sets are stratified by the number of kept layers. A method of ICLR 2026
// that fits a surrogate to such sets first needs a trained network for it, which is left
// out.
var Shapley = Method{
	Name:       "shapley",
	Help:       "the layers go that add the least to the probability of the texts, averaged over drawn orders",
	Needs:      []Need{NeedTextLoss},
	AnchorEnds: true,
	Options:    []Option{{Name: "orders", Help: "how many orders are drawn, every second the reverse of the one before", Default: 12, Least: 2, Most: 1e6, Whole: true}},
	Cost: func(r Request) Cost {
		return Cost{Forwards: int(r.Option("orders"))*max(len(r.Free())-1, 0) + 2}
	},
	Choose: func(r Request) (Choice, error) {
		values, err := shapley(r, int(r.Option("orders")))
		if err != nil {
			return Choice{}, err
		}
		var candidates []Candidate
		for i, layer := range r.Free() {
			candidates = append(candidates, Candidate{[]int{layer}, values[i]})
			if err := number(values[i], []int{layer}); err != nil {
				return Choice{}, err
			}
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

// shapleyStream is the Philox stream of the orders.
const shapleyStream = 0x736861706c6579 // "shapley"

// shapley estimates the value of each free layer.
func shapley(r Request, orders int) ([]float64, error) {
	free, fixed := r.Free(), r.Fixed()
	full, err := r.TextLoss(r.all())
	if err != nil {
		return nil, err
	}
	known := map[string]float64{fmt.Sprint(r.all()): 1}
	worth := func(kept []int) (float64, error) {
		key := fmt.Sprint(kept)
		if v, ok := known[key]; ok {
			return v, nil
		}
		if len(kept) == 0 { // nothing predicts nothing
			return 0, nil
		}
		loss, err := r.TextLoss(kept)
		known[key] = math.Exp(full - loss)
		return known[key], err
	}
	values, draws := make([]float64, len(free)), philox.New(r.Seed, shapleyStream).Sequence()
	var order []int
	for n := range orders {
		if n%2 == 0 {
			order = draws.Perm(len(free))
		} else {
			slices.Reverse(order)
		}
		kept := slices.Clone(fixed)
		before, err := worth(kept)
		if err != nil {
			return nil, err
		}
		for _, i := range order {
			kept = append(kept, free[i])
			slices.Sort(kept)
			after, err := worth(kept)
			if err != nil {
				return nil, err
			}
			values[i] += (after - before) / float64(orders)
			before = after
		}
	}
	return values, nil
}
