package main

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"lamina/bench/attack/internal/trace"
)

// clocks sets back, and ahead, the clock that lamina reads, and the times of files that a
// run goes on from. No bit may follow from either.
func clocks(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Clocks that go wrong", head: []string{"command", "clocks of the process", "resumed with other times of files", "other ends"}}
	if !trace.Available {
		r.note("skipped: the tracer works on linux/amd64 only")
		return r, nil
	}
	trials, err := l.trials(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		runs, resumed := 0, 0
		for _, c := range wallClocks {
			name := fmt.Sprintf("clock/%s/%s", t.name, c.name)
			if l.short && !c.short || !l.wanted(name) {
				continue
			}
			runs++
			if err := l.atClock(ctx, r, t, name, c.read); err != nil {
				return nil, err
			}
		}
		for _, f := range fileTimes {
			name := fmt.Sprintf("clock/%s/%s", t.name, f.name)
			if t.whole || !l.wanted(name) {
				continue
			}
			n, err := l.atTimes(ctx, r, t, name, f.of)
			if err != nil {
				return nil, err
			}
			resumed += n
		}
		r.row(t.name, runs, resumed, r.count("clock/"+t.name+"/", lost, wrong, panics))
	}
	r.note("The clock: the kernel's fast page is hidden from the process, and each system call that asks for the time of day is answered by the tracer: 1970, before it, 2500, the last year there is, a day back and an hour on at each look, to and fro, and one that stands still; the clock that only counts on is left alone. Of commands that fill a directory step by step, a run killed at each quarter goes on with the times of all its files changed, and its own clock set back a year.")
	return r, nil
}

// wallClocks are what a process is told, at its n-th look, of the second of the epoch.
var wallClocks = []struct {
	name  string
	short bool
	read  trace.Clock
}{
	{"1970", true, func(int, int64) int64 { return 0 }},
	{"before 1970", false, func(int, int64) int64 { return -1 << 33 }},
	{"2500", false, func(int, int64) int64 { return 16725225600 }},
	{"the year 292277026596", false, func(int, int64) int64 { return math.MaxInt64 - 1<<40 }},
	{"a day back at each look", true, func(n int, now int64) int64 { return now - 86400*int64(n) }},
	{"an hour on at each look", true, func(n int, now int64) int64 { return now + 3600*int64(n) }},
	{"to and fro by a year", false, func(n int, now int64) int64 { return now + int64(n%2*2-1)*31536000 }},
	{"stopped", false, func(int, int64) int64 { return 1_800_000_000 }},
}

// fileTimes are when the i-th of n files says it was changed.
var fileTimes = []struct {
	name string
	of   func(i, n int) time.Time
}{
	{"all files of 1970", func(int, int) time.Time { return time.Unix(0, 0) }},
	{"all files of ten years on", func(int, int) time.Time { return time.Now().AddDate(10, 0, 0) }},
	{"files in reverse order", func(i, n int) time.Time { return time.Now().Add(time.Duration(n-i) * time.Hour) }},
}

// atClock runs a trial by another clock.
func (l *lab) atClock(ctx context.Context, r *report, t *trial, name string, clock trace.Clock) error {
	dir, err := l.copyOf(t.start)
	if err != nil {
		return err
	}
	defer l.done(dir, false)
	limited, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	done, err := trace.Run(limited, l.program(dir, t.then), trace.Fault{Clock: clock})
	if err != nil {
		return err
	}
	return t.sameEnd(r, name, dir, outcome{Exit: done.Exit, Stderr: done.Stderr})
}

// sameEnd checks that a run came to the end that it always comes to.
func (t *trial) sameEnd(r *report, name, dir string, o outcome) error {
	now, err := read(dir)
	if err != nil {
		return err
	}
	switch {
	case panicked(o.Stderr):
		r.fault(panics, name, "%.300s", o.Stderr)
	case o.Exit != 0:
		r.fault(wrong, name, "status %d: %s", o.Exit, last(o.Stderr))
	case now.difference(t.new) != "":
		r.fault(lost, name, "another end: %s", now.difference(t.new))
	}
	return nil
}

// atTimes kills a trial at each quarter, changes the times of all files, and goes on by a
// clock that is a year behind.
func (l *lab) atTimes(ctx context.Context, r *report, t *trial, name string, of func(i, n int) time.Time) (int, error) {
	const quarters = 3
	for q := 1; q <= quarters; q++ {
		dir, err := l.copyOf(t.start)
		if err != nil {
			return 0, err
		}
		limited, cancel := context.WithTimeout(ctx, 2*caseLimit)
		defer cancel()
		if _, err := trace.Run(limited, l.program(dir, t.then), trace.Fault{At: t.operations * q / 4, Kill: true}); err != nil {
			return 0, err
		}
		if err := setTimes(dir, of); err != nil {
			return 0, err
		}
		done, err := trace.Run(limited, l.program(dir, t.then), trace.Fault{Clock: func(_ int, now int64) int64 { return now - 31536000 }})
		if err != nil {
			return 0, err
		}
		if err := t.sameEnd(r, fmt.Sprintf("%s@%d", name, q), dir, outcome{Exit: done.Exit, Stderr: done.Stderr}); err != nil {
			return 0, err
		}
		l.done(dir, false)
	}
	return quarters, nil
}

func setTimes(dir string, of func(i, n int) time.Time) error {
	var all []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	for i, path := range all {
		if err == nil {
			err = os.Chtimes(path, of(i, len(all)), of(i, len(all)))
		}
	}
	return err
}
