package task

import "slices"

// Reported is a metric as the harness reports it.
type Reported struct {
	Name           string // the harness's
	Metric         string // ours, see [Evaluate]
	Filter         string // what the harness does to an answer first
	HigherIsBetter bool
}

// Reported lists the metrics that the harness reports of a task for documents of a
// shape, in its order, under its names.
func (t Task) Reported(shape Shape, rules Rules) []Reported {
	list := t.reported(shape, rules)
	if t.own == nil {
		return list
	}
	if shape != Generation && len(t.own.Chains) > 0 {
		var filtered []Reported
		for _, c := range t.own.Chains {
			for _, r := range list {
				r.Filter = c.Name
				filtered = append(filtered, r)
			}
		}
		list = filtered
	}
	if t.own.Metrics == nil {
		return list
	}
	return slices.DeleteFunc(list, func(r Reported) bool { return !slices.Contains(t.own.Metrics, r.Name) })
}

func (t Task) reported(shape Shape, rules Rules) []Reported {
	switch shape {
	case Answers:
		if rules == Rules04 {
			return []Reported{{"exact_match", "acc", "none", true}}
		}
		return []Reported{{"acc", "acc", "none", true}}
	case Generation:
		names := t.FilterNames()
		if len(names) == 1 {
			return []Reported{{"exact_match", "exact_match", names[0], true}}
		}
		var list []Reported
		for _, name := range names {
			list = append(list, Reported{"exact_match", exactMatch(name), name, true})
		}
		return list
	case Continuation, Tokens:
		if rules == Rules04 {
			return []Reported{{"perplexity", "ppl", "none", false}, {"acc", "acc", "none", true}}
		}
		return []Reported{{"ppl", "ppl", "none", false}, {"acc", "acc", "none", true}}
	case Text:
		return []Reported{{"word_perplexity", "word_perplexity", "none", false}, {"byte_perplexity", "byte_perplexity", "none", false}, {"bits_per_byte", "bits_per_byte", "none", false}}
	}
	list := []Reported{{"acc", "acc", "none", true}}
	if !t.accOnly && (shape == Choice || t.own != nil) {
		list = append(list, Reported{"acc_norm", "acc_norm", "none", true})
	}
	return list
}
