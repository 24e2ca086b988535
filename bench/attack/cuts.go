package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lamina/bench/attack/internal/trace"
	"lamina/internal/powercut"
)

// cuts lets the power go after every operation on files of every scenario: what was written
// and not synced is kept, lost, cut or garbled, and so are names. Kills do not show that,
// since the system keeps what a dead process wrote.
func cuts(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Cuts of power after every operation on files",
		head: []string{"command", "operations", "cuts", "states", "old", "new", "between", "half", "lost", "stray", "panics", "worst s"}}
	if !trace.Available {
		r.note("skipped: the tracer works on linux/amd64 only")
		return r, nil
	}
	trials, err := l.trials(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		if err := l.cut(ctx, r, t); err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	r.note("cuts: operations times the ways of internal/powercut; states: those of them that differ, in each of which the same command was run.")
	return r, nil
}

// cut tries one scenario.
func (l *lab) cut(ctx context.Context, r *report, t *trial) error {
	start, log, err := l.logged(ctx, t)
	if err != nil {
		return err
	}
	type left struct {
		title string
		how   how
		state *powercut.State
	}
	var all []left
	seen, tried, step := map[string]bool{}, 0, 1
	if l.short {
		step = max(1, len(log)/3)
	}
	for n := 0; n <= len(log); n += step {
		for _, p := range powercut.Policies {
			title := fmt.Sprintf("cut/%s@%d %s", t.name, n, p.Name)
			if !l.wanted(title) {
				continue
			}
			tried++
			state := start.After(log[:n], p, uint64(n))
			if digest := state.Digest(); seen[digest] {
				continue
			} else {
				seen[digest] = true
			}
			h := how{at: "the last operation", killed: true, exit: -1}
			if n < len(log) {
				h.at = log[n].String()
			}
			all = append(all, left{title, h, state})
		}
	}
	var c counts
	err = l.each(ctx, len(all), func(i int) error {
		return l.disturb(ctx, r, t, all[i].title, &c, func(dir string) (how, error) {
			if err := os.RemoveAll(dir); err != nil {
				return how{}, err
			}
			return all[i].how, all[i].state.Write(dir)
		})
	})
	if c.cases > 0 {
		row := c.cells(r, "cut/"+t.name)
		r.row(append([]any{t.name, len(log), tried}, append(row[:1:1], row[2:]...)...)...)
	}
	return err
}

// logged runs a scenario undisturbed and returns where it began and what it did, which has
// to lead to where it ended.
func (l *lab) logged(ctx context.Context, t *trial) (*powercut.State, []powercut.Op, error) {
	dir, err := l.copyOf(t.start)
	if err != nil {
		return nil, nil, err
	}
	defer l.done(dir, false)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, nil, err
	}
	start, err := powercut.Read(dir)
	if err != nil {
		return nil, nil, err
	}
	program := l.program(dir, t.then)
	program.Note = dir
	done, err := trace.Run(ctx, program, trace.Fault{})
	if err != nil {
		return nil, nil, err
	}
	if done.Exit != 0 {
		return nil, nil, fmt.Errorf("traced: status %d: %s", done.Exit, last(done.Stderr))
	}
	end, err := powercut.Read(dir)
	if err == nil && start.After(done.Log, powercut.Policies[0], 0).Digest() != end.Digest() {
		err = fmt.Errorf("the %d operations that were noted do not lead to what is there", len(done.Log))
	}
	return start, done.Log, err
}
