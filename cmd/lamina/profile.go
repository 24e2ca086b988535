package main

import (
	"fmt"
	"time"

	"lamina/internal/report"
)

// profileFlag is taken by the commands that run long.
type profileFlag struct {
	Profile bool `help:"Show the time spent in each operation of the backend."`
}

// start begins to measure if it was asked for and returns what prints the result.
func (f profileFlag) start(s *session) (func(), error) {
	if !f.Profile {
		return func() {}, nil
	}
	if err := s.profiled(); err != nil {
		return nil, err
	}
	begin := time.Now()
	return func() { s.printProfile(time.Since(begin)) }, nil
}

// printProfile shows calls and time by method, the longest first, and what part
// of the whole each is.
func (s *session) printProfile(whole time.Duration) {
	t := report.Table{Columns: []report.Column{
		{Name: "operation"}, {Name: "calls", Right: true}, {Name: "seconds", Right: true}, {Name: "share", Right: true},
	}}
	var sum time.Duration
	row := func(name, calls string, d time.Duration) {
		t.Rows = append(t.Rows, []string{name, calls, fmt.Sprintf("%.3f", d.Seconds()), fmt.Sprintf("%.1f%%", 100*d.Seconds()/whole.Seconds())})
	}
	for _, e := range s.times.Entries() {
		row(e.Method, report.Count(e.Calls), e.Time)
		sum += e.Time
	}
	row("everything else", "", max(whole-sum, 0))
	fmt.Fprint(s.stderr, t.Text())
}
