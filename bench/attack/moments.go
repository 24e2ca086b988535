package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// signals that end a program, how often each is sent of all times, and the status that
// says so.
var signals = []struct {
	name   string
	signal syscall.Signal // 0: it is killed, and has no say
	times  int
	status int
}{
	{"KILL", 0, 1000, -1},
	{"INT", syscall.SIGINT, 200, 130},
	{"TERM", syscall.SIGTERM, 200, 143},
	{"HUP", syscall.SIGHUP, 200, 129},
}

// moments ends every scenario at random moments.
func moments(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Kills and signals at random moments",
		head: []string{"command", "signal", "cases", "hit", "old", "new", "between", "half", "lost", "stray", "panics", "worst s"}}
	trials, err := l.trials(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		for _, s := range signals {
			var c counts
			name := fmt.Sprintf("moment/%s/%s", t.name, s.name)
			times := (s.times + len(scenarios) - 1) / len(scenarios) // also of those that -only leaves
			if l.short {
				times = 2
			}
			err := l.each(ctx, times, func(i int) error {
				title := fmt.Sprintf("%s@%d", name, i)
				if !l.wanted(title) {
					return nil
				}
				after := time.Millisecond + time.Duration(l.random(title).Float64()*1.5*float64(t.took))
				return l.disturb(ctx, r, t, title, &c, func(dir string) (how, error) {
					o, err := called{l.lamina, dir, nil, words(t.then), after, s.signal}.run(ctx)
					if o.Late && s.signal != 0 && o.Exit != s.status && o.Exit != 0 && o.Exit != -1 {
						r.fault(wrong, title, "after %v: status %d, want %d: %s", after, o.Exit, s.status, last(o.Stderr))
					}
					h := how{killed: o.Late, exit: o.Exit, said: o.Stderr}
					if o.Late {
						h.at = after.String()
					}
					return h, err
				})
			})
			if err != nil {
				return nil, err
			}
			if c.cases > 0 {
				r.row(append([]any{t.name, s.name}, c.cells(r, name)...)...)
			}
		}
	}
	r.note("A signal has to end the command within %v, with the status that tells of it, or let it end as always. (One that comes before main is that of the system: the process is ended by it.)", patience)
	return r, nil
}
