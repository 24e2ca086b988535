package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"lamina/crash"
	"lamina/crash/task"
	"lamina/internal/report"
)

// evalCommand scores a model on documents.
type evalCommand struct {
	modelFlag
	Adapter   string `placeholder:"RUN" help:"Put the weights that finetune trained into the model first."`
	Data      string `required:"" placeholder:"FILE" help:"Documents, one JSON object a line."`
	Task      string `placeholder:"NAME" help:"Prompt of a task (arc_easy, arc_challenge, openbookqa, piqa, boolq, copa, webqs, wikitext); none: the file verbatim."`
	Rules     string `default:"0.4" enum:"0.4,0.3" placeholder:"VERSION" help:"Rules of lm-evaluation-harness: 0.4 (default) or 0.3."`
	Limit     int    `placeholder:"N" help:"Only the first N documents."`
	MaxLength int    `placeholder:"N" help:"Tokens a request may have; contexts are cut from the left. Default: the model's positions."`
	profileFlag
}

// evalResult is a task's result with what it cost.
type evalResult struct {
	task.Result
	Truncated int
	Tokens    int
	Seconds   float64
	Precision string
}

// MarshalJSON adds to the result's fields. A perplexity too large for a number is
// left out: JSON has no infinity.
func (r evalResult) MarshalJSON() ([]byte, error) {
	r.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m task.Metric) bool { return math.IsInf(m.Value, 0) })
	text, err := json.Marshal(r.Result)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(struct {
		Truncated int     `json:"truncated"`
		Tokens    int     `json:"tokens"`
		Seconds   float64 `json:"seconds"`
		Rate      float64 `json:"tokens_per_second"`
		Precision string  `json:"precision"`
	}{r.Truncated, r.Tokens, r.Seconds, float64(r.Tokens) / r.Seconds, r.Precision})
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

// Run scores and prints one line of results.
func (c evalCommand) Run(s *session) error {
	t, err := namedTask(c.Task)
	if err != nil {
		return err
	}
	rules, err := task.ParseRules(c.Rules)
	if err != nil {
		return err
	}
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if c.Adapter != "" {
		if err := m.plug(c.Adapter); err != nil {
			return err
		}
	}
	r, err := s.evaluate(m, t, rules, c.Data, c.Limit, c.MaxLength)
	if err != nil {
		return err
	}
	s.table(evalTable(r))
	finish()
	return s.writeJSON(r)
}

// evaluate scores a model on a file of documents.
func (s *session) evaluate(m *model, t task.Task, rules task.Rules, path string, limit, maxLength int) (evalResult, error) {
	length, err := m.maxLength(maxLength)
	if err != nil {
		return evalResult{}, err
	}
	docs, err := m.readDocuments(t, path, limit)
	if err != nil {
		return evalResult{}, err
	}
	e, err := m.encoder(docs[0].Shape)
	if err != nil {
		return evalResult{}, err
	}
	requests, err := task.EncodeAll(t, docs, e, task.Setting{Rules: rules}, length)
	if err != nil {
		return evalResult{}, err
	}
	begin := time.Now()
	bar := s.progress("eval", len(requests.Pairs))
	defer bar.Done()
	result, err := crash.Score(s.ctx, m.Backend, m.Decoder, requests, func(done, _ int) { bar.Set(done) })
	return evalResult{
		Result: result, Truncated: requests.Truncated, Tokens: requests.Tokens,
		Seconds: time.Since(begin).Seconds(), Precision: s.Precision,
	}, err
}

// evalTable is the result as one row: each metric and its standard error.
func evalTable(r evalResult) report.Table {
	t := report.Table{Rows: [][]string{nil}}
	add := func(name, value string) {
		t.Columns = append(t.Columns, report.Column{Name: name, Right: true})
		t.Rows[0] = append(t.Rows[0], value)
	}
	add("task", or(r.Task, "verbatim"))
	add("rules", r.Rules.String())
	add("n", countText(r.N))
	for _, m := range r.Metrics {
		add(m.Name, fmt.Sprintf("%.4f", m.Value))
		if !math.IsNaN(m.Stderr) {
			add("stderr", fmt.Sprintf("%.4f", m.Stderr))
		}
	}
	add("truncated", countText(r.Truncated))
	add("seconds", fmt.Sprintf("%.1f", r.Seconds))
	add("tokens/s", fmt.Sprintf("%.0f", float64(r.Tokens)/r.Seconds))
	return t
}
