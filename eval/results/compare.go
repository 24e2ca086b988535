package results

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Settings say how runs are compared.
type Settings struct {
	Resamples int // of the bootstrap
	Seed      uint64
	Metric    string // only this one; "": all
}

// Comparison is two runs side by side.
type Comparison struct {
	A         string   `json:"a"` // the files
	B         string   `json:"b"`
	Resamples int      `json:"resamples"`
	Seed      uint64   `json:"seed"`
	Rows      []Row    `json:"rows"`
	Warnings  []string `json:"warnings"` // why the numbers may not be comparable
}

// Row is a metric of a task that both runs have.
type Row struct {
	Task, Metric   string // the metric with its filter
	HigherIsBetter bool
	A, B           float64 // of the documents that both have, where Paired; else as reported
	Difference     float64 // B - A
	Low, High, P   float64 // 95 % interval of the difference, p-value; NaN: not known
	Paired         bool
	Documents      int    // that both have
	OnlyA, OnlyB   int    // documents of one run alone
	Why            string // not Paired
}

// MarshalJSON writes what is not a finite number as null.
func (r Row) MarshalJSON() ([]byte, error) {
	real := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	return json.Marshal(struct {
		Task       string   `json:"task"`
		Metric     string   `json:"metric"`
		Higher     bool     `json:"higher_is_better"`
		A          *float64 `json:"a"`
		B          *float64 `json:"b"`
		Difference *float64 `json:"difference"`
		Low        *float64 `json:"low"`
		High       *float64 `json:"high"`
		P          *float64 `json:"p"`
		Paired     bool     `json:"paired"`
		Documents  int      `json:"documents"`
		OnlyA      int      `json:"only_a"`
		OnlyB      int      `json:"only_b"`
		Why        string   `json:"why,omitempty"`
	}{r.Task, r.Metric, r.HigherIsBetter, real(r.A), real(r.B), real(r.Difference), real(r.Low), real(r.High), real(r.P), r.Paired, r.Documents, r.OnlyA, r.OnlyB, r.Why})
}

// Compare compares what both runs have, in the order of a. Where both have samples
// of a task, documents are matched and drawn together (paired bootstrap); else the
// interval comes from the standard errors, as if the runs had nothing in common. It
// is an error if there is nothing to compare.
func Compare(ctx context.Context, a, b *Run, s Settings) (Comparison, error) {
	if s.Resamples < 1 {
		panic(fmt.Sprintf("results: Compare: resamples must be positive: %d", s.Resamples))
	}
	c := Comparison{A: a.Path, B: b.Path, Resamples: s.Resamples, Seed: s.Seed, Rows: []Row{}, Warnings: differ(a, b)}
	known := false
	for i := 0; i < len(a.Scores); {
		end := i
		var list []both
		for ; end < len(a.Scores) && a.Scores[end].Task == a.Scores[i].Task && a.Scores[end].Filter == a.Scores[i].Filter; end++ {
			x := a.Scores[end]
			if s.Metric != "" && s.Metric != x.Metric && s.Metric != x.Name() {
				continue
			}
			known = true
			at := slices.IndexFunc(b.Scores, func(y Score) bool { return y.Task == x.Task && y.Metric == x.Metric && y.Filter == x.Filter })
			if at >= 0 {
				list = append(list, both{x, b.Scores[at]})
			}
		}
		i = end
		if len(list) == 0 {
			continue
		}
		if err := c.compare(ctx, a, b, list, s); err != nil {
			return Comparison{}, err
		}
	}
	switch {
	case len(c.Rows) > 0:
		return c, nil
	case s.Metric != "" && !known:
		return c, fmt.Errorf("%s: no metric %.64q: it has %s", a.Path, s.Metric, strings.Join(a.names(), ", "))
	}
	return c, fmt.Errorf("%s and %s have no task and metric in common", a.Path, b.Path)
}

// both is a score in both runs.
type both struct{ a, b Score }

// names lists the metrics of a run.
func (r *Run) names() []string {
	var names []string
	for _, s := range r.Scores {
		if !slices.Contains(names, s.Name()) {
			names = append(names, s.Name())
		}
	}
	return names
}

// compare adds the rows of a task's metrics of one filter.
func (c *Comparison) compare(ctx context.Context, a, b *Run, list []both, s Settings) error {
	task, filter := list[0].a.Task, list[0].a.Filter
	linesA, err := a.lines(task, filter)
	if err != nil {
		return err
	}
	linesB, err := b.lines(task, filter)
	if err != nil {
		return err
	}
	var matched matching
	if len(linesA) > 0 && len(linesB) > 0 {
		matched = match(linesA, linesB)
		c.Warnings = append(c.Warnings, matched.warnings(task, linesA, linesB)...)
	}
	var paired []pairs
	var rows []int // of paired
	for _, x := range list {
		row := Row{Task: task, Metric: x.a.Name(), HigherIsBetter: x.a.HigherIsBetter, A: x.a.Value, B: x.b.Value}
		if x.a.HigherIsBetter != x.b.HigherIsBetter {
			c.Warnings = append(c.Warnings, fmt.Sprintf("%s: %s: higher is better in one run only", task, row.Metric))
		}
		p, why := matched.pair(x, linesA, linesB)
		for _, side := range []struct {
			name    string
			run     *Run
			samples int
		}{{"A", a, len(linesA)}, {"B", b, len(linesB)}} {
			if n := side.run.documents(task); why == "" && n > 0 && n != side.samples {
				why = fmt.Sprintf("%s has samples of %d documents, not of %d", side.name, side.samples, n)
			}
		}
		row.Why = why
		if why == "" {
			row.Paired, row.Documents = true, len(p.a)
			row.OnlyA, row.OnlyB = len(linesA)-len(p.a), len(linesB)-len(p.b)
			row.A, row.B = total(p.how, p.a), total(p.how, p.b)
			paired, rows = append(paired, p), append(rows, len(c.Rows))
		} else {
			row.Low, row.High, row.P = normal(row.B-row.A, math.Hypot(x.a.Stderr, x.b.Stderr))
		}
		row.Difference = row.B - row.A
		c.Rows = append(c.Rows, row)
	}
	if paired == nil {
		return nil
	}
	drawn, err := differences(ctx, paired, s.Resamples, s.Seed)
	if err != nil {
		return err
	}
	for i, at := range rows {
		r := &c.Rows[at]
		r.Low, r.High, r.P = Interval(drawn[i])
	}
	return nil
}

// lines returns the samples of a task that were logged for a filter.
func (r *Run) lines(task, filter string) ([]line, error) {
	s, err := r.samples(task)
	if err != nil || s == nil {
		return nil, err
	}
	if list, ok := s.filters[filter]; ok {
		return list, nil
	}
	if len(s.filters) == 1 {
		return s.filters[""], nil
	}
	return nil, nil
}

// matching are the documents that two runs share.
type matching struct {
	pairs    [][2]int
	byNumber bool // their hashes agree nowhere
}

// match finds the same documents: by the hash of a document, the first of equal ones
// with the first, and so on; by its number where no hash is in both.
func match(a, b []line) matching {
	m := matching{pairs: matchBy(a, b, func(l *line) string { return l.doc })}
	if len(m.pairs) == 0 {
		m = matching{matchBy(a, b, func(l *line) string { return l.id }), true}
	}
	return m
}

func matchBy(a, b []line, of func(*line) string) (out [][2]int) {
	type key struct {
		text string
		nth  int
	}
	places := map[key]int{}
	seen := map[string]int{}
	for i := range b {
		text := of(&b[i])
		places[key{text, seen[text]}] = i
		seen[text]++
	}
	clear(seen)
	for i := range a {
		text := of(&a[i])
		if j, ok := places[key{text, seen[text]}]; ok && text != "" {
			out = append(out, [2]int{i, j})
		}
		seen[text]++
	}
	return out
}

// pair returns the values of a metric of the documents that were matched, or why
// they say nothing.
func (m matching) pair(x both, a, b []line) (p pairs, why string) {
	switch {
	case len(a) == 0 || len(b) == 0:
		return p, "no samples in " + missingIn(len(a) == 0, len(b) == 0) + " (--log-samples)"
	case len(m.pairs) == 0:
		return p, "the runs share no document"
	case x.a.how != x.b.how || aggregates[x.a.how] == nil:
		return p, fmt.Sprintf("values are summed up by %.32q", x.a.how)
	}
	p.how = x.a.how
	for i, side := range []struct {
		lines []line
		score Score
		to    *[]value
	}{{a, x.a, &p.a}, {b, x.b, &p.b}} {
		all := make([]value, len(side.lines))
		for j, l := range side.lines {
			v, ok := l.values[side.score.Metric]
			if !ok || math.IsNaN(v.of) || math.IsInf(v.of, 0) || math.IsInf(v.weight, 0) {
				return p, fmt.Sprintf("document %s has no finite value", l.id)
			}
			all[j] = v
		}
		if got, want := total(p.how, all), side.score.Value; !(math.Abs(got-want) <= 1e-6*max(math.Abs(want), 1e-3)) {
			return p, fmt.Sprintf("the samples of %s give %.6g, not %.6g", missingIn(i == 0, i == 1), got, want)
		}
		for _, at := range m.pairs {
			*side.to = append(*side.to, all[at[i]])
		}
	}
	return p, ""
}

func missingIn(a, b bool) string {
	switch {
	case a && b:
		return "A and B"
	case a:
		return "A"
	}
	return "B"
}
