package transformer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Sampling says how the next token is chosen: [LogitRules] change the logits; then the
// likeliest token is taken, or, at a temperature, one is drawn from those that the
// cuts leave, each over the probabilities of what the one before it left (the order of
// transformers' logits warpers). The zero value is greedy and changes nothing.
type Sampling struct {
	Temperature float64 // 0: the most likely token, without any cut
	TopK        int     // the K likeliest; 0: all
	TopP        float64 // the smallest set of likeliest that reaches P; 0 or 1: all
	MinP        float64 // those at least MinP times as likely as the likeliest; 0: all
	TypicalP    float64 // those nearest the entropy, until they reach P (Meister et al. 2022); 0 or 1: all
	Epsilon     float64 // those of this probability at least; 0 or 1: all
	Eta         float64 // as Epsilon, less where the entropy is high (Hewitt et al. 2022); 0 or 1: all
	Seed        uint64
	Rules       LogitRules
}

// Validate returns an error naming the field that makes no sense.
func (s Sampling) Validate() error {
	switch {
	case !(s.Temperature >= 0) || math.IsInf(s.Temperature, 0):
		return fmt.Errorf("temperature %v: want 0 (greedy) or more", s.Temperature)
	case s.TopK < 0:
		return fmt.Errorf("top-k %d: want 0 (all) or more", s.TopK)
	}
	for _, share := range []struct {
		name  string
		value float64
	}{{"top-p", s.TopP}, {"min-p", s.MinP}, {"typical-p", s.TypicalP}, {"epsilon-cutoff", s.Epsilon}, {"eta-cutoff", s.Eta}} {
		if !(share.value >= 0 && share.value <= 1) {
			return fmt.Errorf("%s %v: want 0 to 1", share.name, share.value)
		}
	}
	return s.Rules.validate()
}

// choose picks a token; u in [0, 1) is the random number. Logits of -Inf are never
// picked.
func (s Sampling) choose(logits []float32, u float64) int32 {
	best := 0
	for i, v := range logits {
		if v > logits[best] {
			best = i
		}
	}
	if s.Temperature == 0 {
		return int32(best)
	}
	left := s.candidates(logits)
	total := 0.0
	for _, c := range left {
		total += c.weight
	}
	u *= total
	for _, c := range left {
		if u -= c.weight; u < 0 {
			return c.id
		}
	}
	return left[len(left)-1].id
}

// candidate is a token that may be drawn.
type candidate struct {
	id     int32
	weight float64 // exp((logit - the largest) / temperature)
}

// candidates returns what the cuts leave, the likeliest first and of equals the one
// with the smaller id: at least one.
func (s Sampling) candidates(logits []float32) []candidate {
	order := make([]int32, 0, len(logits))
	for i, v := range logits {
		if !math.IsInf(float64(v), -1) {
			order = append(order, int32(i))
		}
	}
	if len(order) == 0 {
		return []candidate{{0, 1}}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(logits[b], logits[a]) })
	if k := s.TopK; k > 0 && k < len(order) {
		for k < len(order) && logits[order[k]] == logits[order[k-1]] {
			k++ // as likely as the last of them
		}
		order = order[:k]
	}
	left := make([]candidate, len(order))
	for i, id := range order {
		left[i] = candidate{id, math.Exp(float64(logits[id]-logits[order[0]]) / s.Temperature)}
	}
	left = topP(left, s.TopP)
	if s.MinP > 0 {
		left = atLeast(left, s.MinP*left[0].weight)
	}
	left = typical(left, s.TypicalP)
	if some(s.Epsilon) {
		left = atLeast(left, s.Epsilon*weights(left))
	}
	if some(s.Eta) {
		left = atLeast(left, min(s.Eta, math.Sqrt(s.Eta)*math.Exp(-entropy(left)))*weights(left))
	}
	return left
}

// some reports whether a share of the probability leaves anything out.
func some(share float64) bool { return share > 0 && share < 1 }

func weights(list []candidate) (total float64) {
	for _, c := range list {
		total += c.weight
	}
	return total
}

// entropy is -Σ p log p in nats.
func entropy(list []candidate) (h float64) {
	total := weights(list)
	for _, c := range list {
		if p := c.weight / total; p > 0 {
			h -= p * math.Log(p)
		}
	}
	return h
}

// topP keeps the first ones that together reach the share p.
func topP(list []candidate, p float64) []candidate {
	if !some(p) {
		return list
	}
	total, sum := weights(list), 0.0
	for i, c := range list {
		if sum += c.weight; sum >= p*total {
			return list[:i+1]
		}
	}
	return list
}

// atLeast keeps those of a weight, and the first one in any case.
func atLeast(list []candidate, weight float64) []candidate {
	for i, c := range list[1:] {
		if c.weight < weight {
			return list[:i+1]
		}
	}
	return list
}

// typical keeps those whose -log p is nearest the entropy, until they reach the share p
// of the probability, in the order in which they were.
func typical(list []candidate, p float64) []candidate {
	if !some(p) {
		return list
	}
	total, h := weights(list), entropy(list)
	far := func(c candidate) float64 { return math.Abs(-math.Log(c.weight/total) - h) }
	near := slices.Clone(list)
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(far(a), far(b)) })
	sum, last := 0.0, 0
	for last < len(near)-1 {
		if sum += near[last].weight; sum >= p*total {
			break
		}
		last++
	}
	limit := far(near[last])
	return slices.DeleteFunc(slices.Clone(list), func(c candidate) bool { return far(c) > limit && c != near[0] })
}
