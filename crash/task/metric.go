package task

import (
	"encoding/json"
	"fmt"
	"math"
)

// Score is what a model says of one continuation: the sum of the natural
// log-probabilities of its tokens, and whether every one of them was the most
// likely one.
type Score struct {
	LogProb float64
	Greedy  bool
}

// MarshalJSON writes [logprob, greedy].
func (s Score) MarshalJSON() ([]byte, error) { return json.Marshal([2]any{s.LogProb, s.Greedy}) }

// UnmarshalJSON reads [logprob, greedy].
func (s *Score) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a score of %d values: want [logprob, greedy]", len(pair))
	}
	if err := json.Unmarshal(pair[0], &s.LogProb); err != nil {
		return err
	}
	return json.Unmarshal(pair[1], &s.Greedy)
}

// Metric is one number about a set of documents, with its standard error, NaN
// where it has none.
type Metric struct {
	Name   string
	Value  float64
	Stderr float64
}

// Result is a task's score. Rows has one row per document in file order, of one
// score per continuation in the document's order.
type Result struct {
	Task    string
	Rules   Rules
	N       int // documents
	Metrics []Metric
	Rows    [][]Score
}

// Metric returns the metric of a name.
func (r *Result) Metric(name string) (Metric, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// MarshalJSON writes {"task", "n", then each metric and its "…_stderr", "rules",
// "rows"}; a standard error that does not exist is left out.
func (r Result) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	add := func(name string, value any) error {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), name...), '"', ':'), text...)
		return nil
	}
	type entry struct {
		name  string
		value any
	}
	entries := []entry{{"task", r.Task}, {"n", r.N}}
	for _, m := range r.Metrics {
		entries = append(entries, entry{m.Name, m.Value})
		if !math.IsNaN(m.Stderr) {
			entries = append(entries, entry{m.Name + "_stderr", m.Stderr})
		}
	}
	rows := r.Rows
	if rows == nil {
		rows = [][]Score{}
	}
	entries = append(entries, entry{"rules", r.Rules}, entry{"rows", rows})
	for _, e := range entries {
		if err := add(e.name, e.value); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

// Evaluate computes the metrics of the items' shape from rows of scores, as the
// harness does:
//
//   - Choice, ContextChoice: acc, the share of documents whose gold choice has
//     the largest log-probability, and acc_norm, the same of log-probability per
//     character. Of equal values the first counts.
//   - Answers: acc, the share of documents with at least one greedy answer (what
//     the harness calls exact_match since 0.4).
//   - Continuation, Tokens: acc, the share of greedy ones, and ppl =
//     exp(-Σ log-probability / documents), as lambada has it.
//   - Text: word_perplexity, byte_perplexity and bits_per_byte, over the words
//     and bytes of the text before the prompt.
//
// A standard error is that of a mean: the sample's deviation (n-1) over √n. It is
// an error, naming the document, if a row has not one score per request or a
// log-probability is not finite. It panics unless there is one row per item.
func Evaluate(name string, rules Rules, items []Item, rows [][]Score) (Result, error) {
	if len(items) != len(rows) {
		panic(fmt.Sprintf("task: Evaluate: %d items and %d rows", len(items), len(rows)))
	}
	if len(items) == 0 {
		return Result{}, fmt.Errorf("task %q: no documents", name)
	}
	for i := range items {
		if err := items[i].check(rows[i], items[0].Shape); err != nil {
			return Result{}, err
		}
	}
	r := Result{Task: name, Rules: rules, N: len(items), Rows: rows}
	switch items[0].Shape {
	case Choice, ContextChoice:
		r.Metrics = []Metric{
			accuracy("acc", items, func(i int) bool { return best(rows[i], nil) == items[i].Gold }),
			accuracy("acc_norm", items, func(i int) bool { return best(rows[i], items[i].Chars) == items[i].Gold }),
		}
	case Answers:
		r.Metrics = []Metric{accuracy("acc", items, func(i int) bool { return anyGreedy(rows[i]) })}
	case Text:
		r.Metrics = rolling(items, rows)
	default:
		var sum float64
		for _, row := range rows {
			sum += row[0].LogProb
		}
		r.Metrics = []Metric{
			accuracy("acc", items, func(i int) bool { return rows[i][0].Greedy }),
			{"ppl", math.Exp(-sum / float64(len(items))), math.NaN()},
		}
	}
	return r, nil
}

// check tests one document's row.
func (item *Item) check(row []Score, shape Shape) error {
	if item.Shape != shape {
		return item.doc.errorf("a document %v among documents %v", item.Shape, shape)
	}
	want := max(len(item.Requests), 1)
	if len(row) != want {
		return item.doc.errorf("%d scores for %d continuations", len(row), want)
	}
	for i, s := range row {
		if math.IsNaN(s.LogProb) || math.IsInf(s.LogProb, 0) {
			return item.doc.errorf("continuation %d: log-probability %v is not finite", i, s.LogProb)
		}
	}
	return nil
}

// Row turns the scores of an item's pairs, see [Encode], into its row: one score
// per continuation. Of a Text document it is one score, the sum over windows.
func (item *Item) Row(scores []Score) []Score {
	if item.Shape != Text {
		return scores
	}
	sum := Score{Greedy: true}
	for _, s := range scores {
		sum.LogProb += s.LogProb
		sum.Greedy = sum.Greedy && s.Greedy
	}
	return []Score{sum}
}

// best returns the index of the largest log-probability, per character if chars
// is given; the first of equal ones.
func best(row []Score, chars []int) int {
	at := 0
	value := func(i int) float64 {
		if chars == nil {
			return row[i].LogProb
		}
		return row[i].LogProb / float64(chars[i])
	}
	for i := range row {
		if value(i) > value(at) {
			at = i
		}
	}
	return at
}

func anyGreedy(row []Score) bool {
	for _, s := range row {
		if s.Greedy {
			return true
		}
	}
	return false
}

// accuracy returns the share of items that are right. Of n values 0 and 1 with
// mean p the sample variance is p(1-p)·n/(n-1).
func accuracy(name string, items []Item, right func(i int) bool) Metric {
	n, count := float64(len(items)), 0.0
	for i := range items {
		if right(i) {
			count++
		}
	}
	p := count / n
	m := Metric{name, p, math.NaN()}
	if n > 1 {
		m.Stderr = math.Sqrt(p * (1 - p) / (n - 1))
	}
	return m
}

func rolling(items []Item, rows [][]Score) []Metric {
	var sum, words, bytes float64
	for i := range items {
		sum += rows[i][0].LogProb
		words += float64(items[i].Words)
		bytes += float64(items[i].Bytes)
	}
	return []Metric{
		{"word_perplexity", math.Exp(-sum / words), math.NaN()},
		{"byte_perplexity", math.Exp(-sum / bytes), math.NaN()},
		{"bits_per_byte", -sum / (bytes * math.Ln2), math.NaN()},
	}
}
