package main

import (
	"lamina/eval/results"
	"lamina/internal/report"
)

// compareCommand compares the scores of two models.
type compareCommand struct {
	A       string `arg:"" name:"a" help:"Results of lm-evaluation-harness or of eval: a file results_….json, or the directory that holds it, samples beside it."`
	B       string `arg:"" name:"b" help:"Results of the other model."`
	Samples int    `default:"10000" placeholder:"N" help:"Samples of the bootstrap (default 10000)."`
	Metric  string `placeholder:"NAME" help:"Only this metric."`
}

// Run prints a row for each task and metric that both have, and to standard error
// why they may not be comparable.
func (c compareCommand) Run(s *session) error {
	const most = 10_000_000 // beyond it nothing moves that could be read
	if c.Samples < 1 || c.Samples > most {
		return usagef("--samples %d: want 1 to %d", c.Samples, most)
	}
	a, err := results.Read(c.A)
	if err != nil {
		return err
	}
	b, err := results.Read(c.B)
	if err != nil {
		return err
	}
	compared, err := results.Compare(s.ctx, a, b, results.Settings{Resamples: c.Samples, Seed: s.Seed, Metric: c.Metric})
	if err != nil {
		return err
	}
	for _, w := range compared.Warnings {
		s.notef("warning: %s\n", oneLine(w))
	}
	s.table(compareTable(compared))
	return s.writeJSON(compared)
}

// compareTable shows a comparison: the interval is one of 95 %.
func compareTable(c results.Comparison) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "task"}, {Name: "metric"}, {Name: "better"}, {Name: "n", Right: true}, {Name: "A", Right: true}, {Name: "B", Right: true}, {Name: "B - A", Right: true},
		{Name: "95% interval", Right: true}, {Name: "p", Right: true}, {Name: "how"},
	}}
	for _, r := range c.Rows {
		t.Rows = append(t.Rows, r.Cells())
	}
	return t
}
