package main

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// probe is one bad thing that is put before a command.
type probe struct {
	name string
	edit func(dir string) error // what is done to a copy of the inputs
	then string                 // the command; its good twin is run on the inputs as they are
	out  string                 // the directory that it may write; "": none
	say  string                 // what the error has to name; "": anything
	// may says why the command may also succeed: the thing is harmless, or legal.
	// Without it success is a fault.
	may     string
	env     []string
	args    []string     // in place of then
	sent    func() int64 // bytes that came over the network
	patient bool         // going on for long is right
	after   func(r *report, dir string, o outcome)
}

// Bars that hold for every probe.
const (
	patience   = 5 * time.Second // until a command has refused
	killedAt   = 10 * time.Second
	spareBytes = 64 << 20 // of memory, above the good twin's and 16 times the bytes present
	longest    = 8 << 10  // bytes of an error
)

// twin is how a good command went.
type twin struct {
	peak   int64
	stderr string
}

// probes tries each probe in a copy of the inputs, and its command on the inputs first.
func (l *lab) probes(ctx context.Context, r *report, inputs string, all []probe) error {
	twins := map[string]twin{}
	for _, p := range all {
		if _, ok := twins[p.then]; ok || p.then == "" {
			continue
		}
		dir, err := l.copyOf(inputs)
		if err != nil {
			return err
		}
		o, err := l.apart(ctx, dir, time.Minute, p.env, words(p.then)...)
		if err != nil {
			return err
		}
		if o.Exit != 0 {
			r.fault(wrong, "twin@"+p.then, "the good twin is refused: status %d: %s", o.Exit, last(o.Stderr))
		}
		twins[p.then] = twin{o.Peak, o.Stderr}
		l.done(dir, false)
	}
	return l.each(ctx, len(all), func(i int) error {
		if !l.wanted(all[i].name) {
			return nil
		}
		return l.probe(ctx, r, inputs, all[i], twins[all[i].then])
	})
}

// probe tries one.
func (l *lab) probe(ctx context.Context, r *report, inputs string, p probe, good twin) error {
	dir, err := l.copyOf(inputs)
	if err != nil {
		return err
	}
	before := r.total()
	defer func() { l.done(dir, r.total() > before) }()
	if p.edit != nil {
		if err := p.edit(dir); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	was, err := read(dir)
	if err != nil {
		return err
	}
	args, limit := p.args, killedAt
	if args == nil {
		args = words(p.then)
	}
	if p.patient && l.short {
		limit = patience / 2
	}
	o, err := l.apart(ctx, dir, limit, p.env, args...)
	if err != nil {
		return err
	}
	if p.after != nil {
		p.after(r, dir, o)
	}
	bytes := present(dir)
	if p.sent != nil {
		bytes += p.sent()
	}
	r.judge(p, o, good, bytes)
	return p.placed(r, dir, was)
}

// judge holds what a command said and took against the bars.
func (r *report) judge(p probe, o outcome, good twin, bytes int64) {
	r.measure(p, o, good.peak)
	switch {
	case panicked(o.Stderr):
		r.fault(panics, p.name, "%.400s", o.Stderr)
	case o.Late && p.patient:
	case o.Late, o.Took > patience && o.Processor > patience/2:
		r.fault(hang, p.name, "%.1f s", o.Took.Seconds())
	case o.Exit == 0 && p.may == "" && !warns(o.Stderr, good.stderr):
		r.fault(silent, p.name, "taken: %s", last(o.Stdout))
	case o.Exit == 0:
	case o.Exit != 1 && o.Exit != 2:
		r.fault(wrong, p.name, "status %d: %s", o.Exit, last(o.Stderr))
	default:
		if what := complaint(o.Stderr, p.say); what != "" {
			r.fault(wrong, p.name, "%s: %.300s", what, o.Stderr)
		}
	}
	if most := 16*bytes + spareBytes; o.Peak > 0 && o.Peak-good.peak > most {
		r.fault(memory, p.name, "%d MB more than its good twin, for %d bytes", (o.Peak-good.peak)>>20, bytes)
	}
}

// warns reports whether a command warns of something that it does not warn of usually.
func warns(text, usual string) bool {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "warning: ") && !strings.Contains(usual, line) {
			return true
		}
	}
	return false
}

// complaint says what is wrong with an error message; "": nothing.
func complaint(text, say string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	end := lines[len(lines)-1]
	errors := 0
	for _, line := range lines {
		told := strings.Contains(line, "warning: ") || strings.Contains(line, "; once more") || strings.Contains(line, "; again in ")
		if strings.HasPrefix(line, "lamina: ") && !told {
			errors++
		}
	}
	switch {
	case !strings.HasPrefix(end, "lamina: "):
		return "the last line is no error of lamina"
	case errors > 1:
		return "more than one error"
	case len(end) > longest:
		return fmt.Sprintf("an error of %d bytes", len(end))
	case strings.ContainsFunc(strings.TrimRight(text, "\n"), func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f }):
		return "control characters reach the terminal"
	case !strings.Contains(end, say):
		return fmt.Sprintf("does not name %q", say)
	}
	return ""
}

// placed looks for what changed besides the output.
func (p probe) placed(r *report, dir string, was state) error {
	now, err := read(dir)
	if err != nil {
		return err
	}
	for _, s := range []state{was, now} {
		for name := range s {
			if p.out != "" && (name == p.out || strings.HasPrefix(name, p.out+"/")) {
				delete(s, name)
			}
		}
	}
	if d := now.difference(was); d != "" {
		r.fault(outside, p.name, "besides its output it changed: %s", d)
	}
	return nil
}

// present counts the bytes that files below dir take on the disk.
func present(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				bytes += min(info.Size(), onDisk(info))
			}
		}
		return nil
	})
	return bytes
}

// measure keeps the worst figures.
func (r *report) measure(p probe, o outcome, usual int64) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.cases++
	if o.Exit == 0 {
		r.taken = append(r.taken, p.name)
	}
	if o.Took > r.slowest {
		r.slowest, r.slowestName = o.Took, p.name
	}
	if more := o.Peak - usual; o.Peak > 0 && more > r.largest {
		r.largest, r.largestName = more, p.name
	}
}

// summary of a part that consists of probes.
func (r *report) summary() {
	slices.Sort(r.taken)
	r.note("%d cases; slowest %.2f s (%s); most memory above the good twin %d MB (%s).",
		r.cases, r.slowest.Seconds(), r.slowestName, r.largest>>20, r.largestName)
	r.note("Taken, not refused: %s.", strings.Join(r.taken, ", "))
}
