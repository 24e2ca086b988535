package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lamina/internal/report"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
)

// openBackend opens the device that --device names, with products in the type that
// --precision names. The second result closes it.
func openBackend(device, precision string, threads int) (kernels.Backend, func(), error) {
	switch name, number, _ := strings.Cut(device, ":"); {
	case device == "auto", device == "cpu":
		o := cpu.Options{Threads: threads}
		if precision == "bf16" {
			o.Precision = tensor.BF16
		}
		be := cpu.New(o)
		return be, func() { be.Close() }, nil
	case name == "cuda":
		if number != "" {
			if _, err := strconv.ParseUint(number, 10, 8); err != nil {
				return nil, nil, usagef("--device %.32q: want cuda or cuda:N", device)
			}
		}
		return nil, nil, fmt.Errorf("--device %s: CUDA is not built in yet: use --device cpu", device)
	}
	return nil, nil, usagef("--device %.32q is unknown: want auto, cpu, cuda or cuda:N", device)
}

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
		row(e.Method, countText(e.Calls), e.Time)
		sum += e.Time
	}
	row("everything else", "", max(whole-sum, 0))
	fmt.Fprint(s.stderr, t.Text())
}
