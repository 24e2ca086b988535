package task

import "slices"

// Requests are documents encoded for scoring: the pairs of all items, one after
// the other.
type Requests struct {
	Task      string
	Rules     Rules
	Items     []Item
	Counts    []int // pairs of each item
	Pairs     []Pair
	Truncated int // items with a context that was cut
	Tokens    int // that run through a decoder, a shared context once
}

// EncodeAll prepares documents of one shape for scoring, with contexts cut from
// the left to a decoder of maxLength positions.
func EncodeAll(t Task, docs []Document, e Encoder, rules Rules, maxLength int) (*Requests, error) {
	r := &Requests{Task: t.Name(), Rules: rules}
	var err error
	if r.Items, err = t.Items(docs); err != nil {
		return nil, err
	}
	for _, item := range r.Items {
		pairs, err := Encode(item, e, rules, maxLength)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(pairs, func(p Pair) bool { return p.Cut > 0 }) {
			r.Truncated++
		}
		for i, p := range pairs {
			r.Tokens += len(p.Target) - 1
			if i == 0 || !slices.Equal(p.Context, pairs[i-1].Context) {
				r.Tokens += len(p.Context)
			}
		}
		r.Counts = append(r.Counts, len(pairs))
		r.Pairs = append(r.Pairs, pairs...)
	}
	return r, nil
}

// Result evaluates the scores of Pairs, in their order.
func (r *Requests) Result(scores []Score) (Result, error) {
	rows := make([][]Score, len(r.Items))
	for i, item := range r.Items {
		rows[i] = item.Row(scores[:r.Counts[i]])
		scores = scores[r.Counts[i]:]
	}
	return Evaluate(r.Task, r.Rules, r.Items, rows)
}
