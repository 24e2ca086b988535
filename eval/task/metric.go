package task

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
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
// where it has none, and what each document adds to it.
type Metric struct {
	Name   string
	Value  float64
	Stderr float64
	Values []Value
}

// Result is a task's score. Rows has one row per document in file order, of one
// score per continuation in the document's order.
type Result struct {
	Task    string
	Rules   Rules
	N       int // documents
	Metrics []Metric
	Rows    [][]Score
	Texts   []string // what was generated, of documents that generate
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
	if r.Texts != nil {
		entries = append(entries, entry{"texts", r.Texts})
	}
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
//   - Generation: exact_match, the share of texts that are one of the answers but
//     for case and punctuation; their rows are [Score]{0, match}. With several chains of
//     filters there is one for each, "exact_match,NAME", and a score for each in a row.
//   - Continuation, Tokens: acc, the share of greedy ones, and ppl =
//     exp(-Σ log-probability / documents), as lambada has it.
//   - Text: word_perplexity, byte_perplexity and bits_per_byte, over the words
//     and bytes of the text before the prompt.
//
// A standard error is that of a mean: the sample's deviation (n-1) over √n; of ppl
// it is the deviation over samples drawn with replacement, see [bootstrap], and
// none where that is too large for a number. It is an error, naming the document,
// if a row has not one score per request or a log-probability is not finite, and
// if all texts are empty. It panics unless there is one row per item.
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
	order := make([]int, len(items)) // sums and samples are in the harness's order
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(items[a].place, items[b].place) })
	for _, m := range items[0].measures() {
		values := make([]Value, len(items))
		for i := range items {
			values[i] = m.of(&items[i], rows[i])
		}
		metric := Metric{Name: m.name, Values: values}
		inOrder := make([]Value, len(values))
		for i, at := range order {
			inOrder[i] = values[at]
		}
		if metric.Value, metric.Stderr = m.total(inOrder); math.IsNaN(metric.Value) {
			return Result{}, fmt.Errorf("task %q: %s: the documents are empty", name, m.name)
		}
		r.Metrics = append(r.Metrics, metric)
	}
	return r, nil
}

// Value is what a metric says of one document: a number, and its weight in the
// mean where that is not 1.
type Value struct{ Of, Weight float64 }

// measure is a metric: its value for one document, and for all.
type measure struct {
	name  string
	of    func(item *Item, row []Score) Value
	total func(values []Value) (value, stderr float64)
}

// measures lists the metrics of each shape.
var measures = map[Shape][]measure{
	Choice:        {accuracy("acc", plainBest), accuracy("acc_norm", normalBest)},
	ContextChoice: {accuracy("acc", plainBest), accuracy("acc_norm", normalBest)},
	Answers:       {accuracy("acc", func(_ *Item, row []Score) bool { return anyGreedy(row) })},
	Generation:    {accuracy("exact_match", firstGreedy)},
	Continuation:  {accuracy("acc", firstGreedy), perplexity},
	Tokens:        {accuracy("acc", firstGreedy), perplexity},
	Text: {
		rolling("word_perplexity", func(item *Item) int { return item.Words }, perplexityOf),
		rolling("byte_perplexity", func(item *Item) int { return item.Bytes }, perplexityOf),
		rolling("bits_per_byte", func(item *Item) int { return item.Bytes }, func(mean float64) float64 { return -mean / math.Ln2 }),
	},
}

// measures are the metrics of a set of documents like this one.
func (item *Item) measures() []measure {
	if len(item.filters) == 0 {
		return measures[item.Shape]
	}
	var list []measure
	for i, name := range item.filters {
		list = append(list, accuracy(exactMatch(name), func(_ *Item, row []Score) bool { return row[i].Greedy }))
	}
	return list
}

// exactMatch names the metric of one of several chains of filters.
func exactMatch(filter string) string { return "exact_match," + filter }

func plainBest(item *Item, row []Score) bool  { return best(row, nil) == item.Gold }
func normalBest(item *Item, row []Score) bool { return best(row, item.Chars) == item.Gold }
func firstGreedy(_ *Item, row []Score) bool   { return row[0].Greedy }

// accuracy is the share of documents that are right.
func accuracy(name string, right func(item *Item, row []Score) bool) measure {
	return measure{name, func(item *Item, row []Score) Value {
		if right(item, row) {
			return Value{1, 1}
		}
		return Value{0, 1}
	}, mean}
}

// mean returns the mean of n values with its standard error, NaN for one value.
func mean(values []Value) (value, stderr float64) {
	n := float64(len(values))
	value = weighted(values)
	sum := 0.0
	for _, v := range values {
		sum += (v.Of - value) * (v.Of - value)
	}
	if n == 1 {
		return value, math.NaN()
	}
	return value, math.Sqrt(sum/(n-1)) / math.Sqrt(n)
}

// weighted returns Σ values / Σ weights.
func weighted(values []Value) float64 {
	var sum, weight float64
	for _, v := range values {
		sum += v.Of
		weight += v.Weight
	}
	return sum / weight
}

func perplexityOf(mean float64) float64 { return math.Exp(-mean) }

// perplexity is that of lambada: over documents, not tokens.
var perplexity = measure{"ppl", func(_ *Item, row []Score) Value { return Value{row[0].LogProb, 1} }, func(values []Value) (value, stderr float64) {
	value = perplexityOf(weighted(values))
	if len(values) == 1 || math.IsInf(value, 0) {
		return value, math.NaN()
	}
	if stderr = bootstrap(values); math.IsInf(stderr, 0) {
		return value, math.NaN()
	}
	return value, stderr
}}

// rolling is a function of the mean log-probability per word or byte. The harness
// has no standard error for it.
func rolling(name string, size func(item *Item) int, of func(mean float64) float64) measure {
	return measure{name, func(item *Item, row []Score) Value { return Value{row[0].LogProb, float64(size(item))} },
		func(values []Value) (value, stderr float64) { return of(weighted(values)), math.NaN() }}
}

// check tests one document's row.
func (item *Item) check(row []Score, shape Shape) error {
	if item.Shape != shape {
		return item.Document().errorf("a document %v among documents %v", item.Shape, shape)
	}
	want := max(len(item.Requests), len(item.filters), 1)
	if len(row) != want {
		return item.Document().errorf("%d scores for %d continuations", len(row), want)
	}
	for i, s := range row {
		if math.IsNaN(s.LogProb) || math.IsInf(s.LogProb, 0) {
			return item.Document().errorf("continuation %d: log-probability %v is not finite", i, s.LogProb)
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
// is given; the first of equal ones. An empty choice of probability 1 has 0/0 per
// character, which wins as in numpy.argmax.
func best(row []Score, chars []int) int {
	at := 0
	value := func(i int) float64 {
		if chars == nil {
			return row[i].LogProb
		}
		return row[i].LogProb / float64(chars[i])
	}
	for i := range row {
		switch {
		case math.IsNaN(value(i)):
			return i
		case value(i) > value(at):
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
