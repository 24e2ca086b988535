package main

import (
	"fmt"
	"io"
	"time"

	"lamina/internal/report"
	"lamina/internal/units"
	"lamina/kernels/profile"
)

// profileFlag is taken by the commands that run long.
type profileFlag struct {
	Profile bool `help:"Show the time spent in each operation of the backend."`
}

// start measures the time of each method of the backend from now on, if that was
// asked for, and returns what prints the result.
func (f profileFlag) start(s *session) (func(), error) {
	if !f.Profile {
		return func() {}, nil
	}
	be, err := s.backend()
	if err != nil {
		return nil, err
	}
	times := profile.New(be)
	times.Wait = s.device.gpu != nil
	s.be = times
	begin := time.Now()
	return func() {
		io.WriteString(s.stderr, profileTable(times.Entries(), time.Since(begin)).Text())
		if g := s.device.gpu; g != nil && g.notes != nil {
			for _, note := range g.notes() {
				s.notef("%s\n", oneLine(note))
			}
		}
	}, nil
}

// profileTable shows calls and time by method, the longest first, and what part of
// the whole each is.
func profileTable(entries []profile.Entry, whole time.Duration) report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "operation"}, {Name: "calls", Right: true}, {Name: "seconds", Right: true}, {Name: "share", Right: true},
	}}
	rest := whole
	row := func(name, calls string, d time.Duration) {
		t.Rows = append(t.Rows, []string{name, calls, fmt.Sprintf("%.3f", d.Seconds()), fmt.Sprintf("%.1f%%", 100*d.Seconds()/whole.Seconds())})
	}
	for _, e := range entries {
		row(e.Method, units.Count(e.Calls), e.Time)
		rest -= e.Time
	}
	row("everything else", "", max(rest, 0))
	return t
}
