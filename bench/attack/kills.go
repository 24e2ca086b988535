package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lamina/bench/attack/internal/trace"
)

// trial is a scenario made ready: the state it begins in, and the one it ends in.
type trial struct {
	scenario
	start      string // directory, copied for each case
	old, new   state
	operations int // the most that an undisturbed run made
	took       time.Duration
	unsteady   []string
}

// disturbance is how the disk or the process fails; At is filled in.
type disturbance struct {
	name  string
	fault trace.Fault
	short bool // also in the short form
}

var disturbances = []disturbance{
	{"kill", trace.Fault{Kill: true}, true},
	{"EIO", trace.Fault{Errno: syscall.EIO}, false},
	{"EIO from then on", trace.Fault{Errno: syscall.EIO, Persist: true}, false},
	{"ENOSPC", trace.Fault{Errno: syscall.ENOSPC}, false},
	{"ENOSPC from then on", trace.Fault{Errno: syscall.ENOSPC, Persist: true}, false},
}

// caseLimit is how long a call of some tens of milliseconds may take on a loaded machine.
const caseLimit = time.Minute

// prepare runs a scenario undisturbed, three times.
func (l *lab) prepare(ctx context.Context, s scenario, inputs string) (*trial, error) {
	t := &trial{scenario: s}
	var err error
	if t.start, err = l.copyOf(inputs); err != nil {
		return nil, err
	}
	if err := l.commands(ctx, t.start, nil, s.before...); err != nil {
		return nil, err
	}
	if t.old, err = read(t.start); err != nil {
		return nil, err
	}
	for i := range 3 {
		dir, err := l.copyOf(t.start)
		if err != nil {
			return nil, err
		}
		if i < 2 && trace.Available {
			done, err := trace.Run(ctx, l.program(dir, s.then), trace.Fault{})
			if err != nil {
				return nil, err
			}
			if done.Exit != 0 {
				return nil, fmt.Errorf("%s, traced: status %d: %s", s.name, done.Exit, last(done.Stderr))
			}
			t.operations = max(t.operations, done.Operations)
		} else {
			started := time.Now()
			if err := l.commands(ctx, dir, nil, s.then); err != nil {
				return nil, err
			}
			t.took = time.Since(started)
		}
		now, err := read(dir)
		if err != nil {
			return nil, err
		}
		if d := now.difference(t.new); i > 0 && d != "" {
			t.unsteady = append(t.unsteady, d)
		}
		t.new = now
		l.done(dir, false)
	}
	return t, nil
}

func (l *lab) copyOf(dir string) (string, error) {
	to, err := l.dir()
	if err != nil {
		return "", err
	}
	return to, copyTree(dir, to)
}

// program is a command on one processor, so that it counts nearly alike each time.
func (l *lab) program(dir, command string) trace.Program {
	return trace.Program{Path: l.lamina, Args: words(command), Dir: dir, Env: append(os.Environ(), "GOMAXPROCS=1")}
}

// trials prepares all scenarios, once for all parts.
func (l *lab) trials(ctx context.Context, r *report) ([]*trial, error) {
	if l.tried != nil {
		return l.tried, nil
	}
	inputs, err := l.inputs(ctx)
	if err != nil {
		return nil, err
	}
	var all []*trial
	for _, s := range scenarios {
		if l.passedOver(s.name) {
			continue
		}
		t, err := l.prepare(ctx, s, inputs)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		for _, d := range t.unsteady {
			r.fault(lost, s.name+"@undisturbed", "two undisturbed runs differ: %s", d)
		}
		all = append(all, t)
	}
	l.tried = all
	return all, nil
}

// passedOver reports whether -only names another scenario.
func (l *lab) passedOver(name string) bool {
	return !strings.Contains(name, l.only) && !strings.Contains(l.only, name) &&
		slices.ContainsFunc(scenarios, func(s scenario) bool { return strings.Contains(l.only, s.name) || strings.Contains(s.name, l.only) })
}

// kills disturbs every scenario at every operation on files.
func kills(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Kills and failing disks at every operation on files",
		head: []string{"command", "disturbance", "operations", "cases", "hit", "old", "new", "between", "half", "lost", "stray", "panics", "worst s"}}
	if !trace.Available {
		r.note("skipped: the tracer works on linux/amd64 only")
		return r, nil
	}
	trials, err := l.trials(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		for _, d := range disturbances {
			name := t.name + "/" + d.name
			if l.short && !d.short {
				continue
			}
			if err := l.everywhere(ctx, r, t, d, name); err != nil {
				return nil, err
			}
		}
	}
	r.note("operations: the most of two undisturbed runs; a tenth more are tried. Errors in run come at every third.")
	r.note("hit: the disturbance came before the run had ended. Then, of what the directory was found in: the old state, the new one, or, for those that fill step by step, between.")
	return r, nil
}

// everywhere puts one disturbance at each operation, and a tenth more.
func (l *lab) everywhere(ctx context.Context, r *report, t *trial, d disturbance, name string) error {
	step := 1
	switch {
	case l.short:
		step = max(1, t.operations/12)
	case t.long && !d.fault.Kill:
		step = 3
	}
	last := t.operations + t.operations/10 + 1
	var c counts
	err := l.each(ctx, (last+step-1)/step, func(i int) error {
		at := 1 + i*step
		title := fmt.Sprintf("%s@%d", name, at)
		if !l.wanted(title) {
			return nil
		}
		return l.disturb(ctx, r, t, title, &c, func(dir string) (how, error) {
			f := d.fault
			f.At = at
			limited, cancel := context.WithTimeout(ctx, caseLimit)
			defer cancel()
			done, err := trace.Run(limited, l.program(dir, t.then), f)
			if limited.Err() != nil && ctx.Err() == nil {
				r.fault(hang, title, "still running after %v, disturbed at %s", caseLimit, done.Hit)
				return how{at: done.Hit}, nil
			}
			return how{at: done.Hit, killed: f.Kill && done.Hit != "", exit: done.Exit, said: done.Stderr}, err
		})
	})
	if c.cases > 0 {
		r.row(append([]any{t.name, d.name, t.operations}, c.cells(r, name)...)...)
	}
	return err
}

// how a disturbed run ended.
type how struct {
	at     string // the operation or the time; "": the disturbance never came
	killed bool
	exit   int
	said   string
}

// counts of one row.
type counts struct {
	lock                          sync.Mutex
	cases, hit, old, new, between int
	worst                         time.Duration
}

func (c *counts) cells(r *report, name string) []any {
	name += "@"
	return []any{c.cases, c.hit, c.old, c.new, c.between,
		r.count(name, half), r.count(name, lost, wrong, hang), r.count(name, stray), r.count(name, panics), fmt.Sprintf("%.1f", c.worst.Seconds())}
}

// disturb runs a trial once, disturbed, looks at what is there, runs the same command
// again and looks whether it came to the same end.
func (l *lab) disturb(ctx context.Context, r *report, t *trial, title string, c *counts, run func(dir string) (how, error)) error {
	dir, err := l.copyOf(t.start)
	if err != nil {
		return err
	}
	before := r.total()
	defer func() { l.done(dir, r.total() > before) }()
	h, err := run(dir)
	if err != nil {
		return err
	}
	if h.at == "" {
		h.at = "nothing"
	}
	t.ended(r, title, h)
	found, err := read(dir)
	if err != nil {
		return err
	}
	c.note(t.inspect(r, title, h, dir, found), h)
	if found.difference(t.new) == "" {
		return nil
	}
	complete := found.visible().difference(t.new.visible()) == ""
	switch {
	case h.exit == 0 && !complete && warnsOf(h.said, found.visible().names(t.new.visible())):
		return nil // done, but for what it says could not be noted
	case h.exit == 0 && !complete:
		r.fault(lost, title, "after %s it ended with status 0 and not in the new state: %s", h.at, found.difference(t.new))
		return nil
	}
	if complete && t.once {
		return nil // but for locks, which the next command takes away
	}
	command := words(t.then)
	if t.whole && complete && !slices.Contains(command, "--overwrite") {
		command = append(command, "--overwrite") // it is all there, but for what the killed one would have taken away
	}
	again, err := l.call(ctx, dir, caseLimit, nil, command...)
	if err != nil {
		return err
	}
	c.lock.Lock()
	c.worst = max(c.worst, again.Took)
	c.lock.Unlock()
	t.again(r, title, h, dir, again)
	return nil
}

// warnsOf reports whether each file is named in a warning.
func warnsOf(said string, paths []string) bool {
	for _, path := range paths {
		named := false
		for line := range strings.Lines(said) {
			named = named || strings.Contains(line, "warning: ") && strings.Contains(line, filepath.Base(strings.TrimLeft(path, "+-≠")))
		}
		if !named {
			return false
		}
	}
	return true
}

// ended checks how the disturbed run itself came to its end.
func (t *trial) ended(r *report, title string, h how) {
	switch {
	case panicked(h.said):
		r.fault(panics, title, "%s: %.300s", h.at, h.said)
	case h.killed || h.exit == 0:
	case h.exit != 1:
		r.fault(wrong, title, "%s: status %d: %s", h.at, h.exit, last(h.said))
	case !strings.HasPrefix(last(h.said), "lamina: "):
		r.fault(wrong, title, "%s: says %q", h.at, last(h.said))
	}
}

// inspect says in which state the disturbed run left the directory.
func (t *trial) inspect(r *report, title string, h how, dir string, found state) string {
	out, old, new := found.below(t.out), t.old.below(t.out), t.new.below(t.out)
	for name, d := range t.old {
		if now := found[name]; !strings.HasPrefix(name, t.out+"/") && now != d && now != t.new[name] {
			r.fault(lost, title, "%s: an input is gone or changed: %s", h.at, name)
		}
	}
	switch visible := out.visible(); {
	case visible.difference(new) == "":
		return "new"
	case visible.difference(old) == "":
		return "old"
	case t.whole:
		r.fault(half, title, "%s: neither old (%s) nor new (%s)", h.at, visible.difference(old), visible.difference(new))
		return ""
	}
	config, isOld := out[t.out+"/config.json"], old[t.out+"/config.json"]
	if config != "" && config == isOld {
		r.fault(half, title, "%s: it has the old settings, and else: %s", h.at, out.visible().difference(old))
	} else if config == "" && len(old) > 0 {
		r.fault(half, title, "%s: the old is gone and the new has not begun: %s", h.at, out.visible().difference(state{}))
	}
	if err := notWhole(filepath.Join(dir, t.out)); err != nil {
		r.fault(half, title, "%s: %v", h.at, err)
	}
	return "between"
}

func (c *counts) note(found string, h how) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.cases++
	if h.at != "nothing" {
		c.hit++
	}
	switch found {
	case "old":
		c.old++
	case "new":
		c.new++
	case "between":
		c.between++
	}
}

// again checks the run that completes a disturbed one.
func (t *trial) again(r *report, title string, h how, dir string, o outcome) {
	now, err := read(dir)
	if err != nil {
		r.fault(lost, title, "%s: %v", h.at, err)
		return
	}
	switch {
	case o.Late:
		r.fault(hang, title, "%s: the same command again did not end", h.at)
	case panicked(o.Stderr):
		r.fault(panics, title, "%s, again: %.300s", h.at, o.Stderr)
	case o.Exit != 0:
		r.fault(lost, title, "%s: the same command again: status %d: %s", h.at, o.Exit, last(o.Stderr))
	case now.visible().difference(t.new) != "":
		r.fault(lost, title, "%s: the same command again ends otherwise: %s", h.at, now.visible().difference(t.new))
	case now.difference(t.new) != "":
		r.fault(stray, title, "%s: after the same command again there remain: %s", h.at, now.difference(t.new))
	}
}
