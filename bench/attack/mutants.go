package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// mutants gives every reader bad inputs, each in a process of its own that measures time
// and memory; see door.go. A process that dies is begun again behind what killed it.
func mutants(ctx context.Context, l *lab) (*report, error) {
	r := &report{title: "Mutants",
		head: []string{"reader", "mutants", "taken", "beyond the header", "worst s", "most MB", "of the bar", "panics", "over time", "over memory"}}
	inputs, err := l.seeded(ctx)
	if err != nil {
		return nil, err
	}
	total, parts := 1_000_000, 0
	if l.short {
		total = 30_000
	}
	for _, d := range readers {
		parts += d.parts
	}
	sums := make([]result, len(readers))
	err = l.each(ctx, len(readers), func(i int) error {
		if !l.wanted("mutant/" + readers[i].name) {
			return nil
		}
		count := (total*readers[i].parts + parts - 1) / parts
		return l.open(ctx, r, readers[i], inputs, count, &sums[i])
	})
	if err != nil {
		return nil, err
	}
	var all result
	for i, d := range readers {
		if s := sums[i]; s.Done > 0 {
			name := "mutant/" + d.name + "@"
			r.row(d.name, s.Done, share(s.Taken, s.Done), share(s.Beyond, s.Done), fmt.Sprintf("%.2f", s.Slowest), s.Most>>20,
				fmt.Sprintf("%.2f", s.Bar), r.count(name, panics), r.count(name, hang), r.count(name, memory))
			all.add(s)
		}
	}
	r.row("all", all.Done, share(all.Taken, all.Done), share(all.Beyond, all.Done), fmt.Sprintf("%.2f", all.Slowest), all.Most>>20,
		fmt.Sprintf("%.2f", all.Bar), r.count("", panics), r.count("", hang), r.count("", memory))
	r.note("most MB: allocated for one mutant, garbage included. of the bar: the same by what a reader may hold, 16 times the mutant and 64 MB; above 1 the peak is measured, and is a fault if it is above too. One mutant again: -door READER -from N -count 1.")
	return r, nil
}

func share(n, of int) string { return fmt.Sprintf("%.0f%%", 100*float64(n)/float64(max(of, 1))) }

// result of a reader's process.
type result struct {
	Done, Taken, Beyond int
	Slowest             float64 // seconds
	Most                int64   // bytes allocated
	Bar                 float64
	Faults              []failed
}

type failed struct {
	At   int
	Kind faultKind
	What string
}

func (s *result) add(t result) {
	s.Done, s.Taken, s.Beyond = s.Done+t.Done, s.Taken+t.Taken, s.Beyond+t.Beyond
	s.Slowest, s.Most, s.Bar = max(s.Slowest, t.Slowest), max(s.Most, t.Most), max(s.Bar, t.Bar)
}

// batch is how many mutants a process takes, so that few figures are lost with one.
const batch = 4000

// open runs a reader's processes one after the other.
func (l *lab) open(ctx context.Context, r *report, d reader, inputs string, count int, sum *result) error {
	for from := 0; from < count && ctx.Err() == nil; {
		n := min(batch, count-from)
		dir, err := l.dir()
		if err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return err
		}
		c := exec.CommandContext(ctx, self, "-door", d.name, "-inputs", inputs, "-work", dir,
			"-from", fmt.Sprint(from), "-count", fmt.Sprint(n), "-seed", fmt.Sprint(l.seed), "-source", l.source)
		c.Env = append(os.Environ(), "GOMAXPROCS=2")
		var stdout, stderr bytes.Buffer
		c.Stdout, c.Stderr = &stdout, &stderr
		if err := c.Start(); err != nil {
			return err
		}
		boundMemory(c.Process.Pid)
		dead := c.Wait()
		var done result
		if err := json.Unmarshal(stdout.Bytes(), &done); err == nil && dead == nil {
			from += n
		} else {
			at, known := progress(dir)
			if !known {
				return fmt.Errorf("%s: %v: %.600s", d.name, dead, stderr.String())
			}
			done = result{Done: at - from + 1, Faults: []failed{{at, panics, fmt.Sprintf("%v: %.600s", dead, stderr.String())}}}
			if strings.HasPrefix(stderr.String(), tooLong) {
				done.Faults[0].Kind = hang
			}
			from = at + 1
		}
		sum.add(done)
		for _, f := range done.Faults {
			r.fault(f.Kind, fmt.Sprintf("mutant/%s@%d", d.name, f.At), "%s", f.What)
		}
		l.done(dir, len(done.Faults) > 0)
	}
	return ctx.Err()
}

// progressFile holds the number of the mutant that a process is at.
const progressFile = "progress"

func progress(dir string) (int, bool) {
	data, err := os.ReadFile(filepath.Join(dir, progressFile))
	if err != nil || len(data) != 8 {
		return 0, false
	}
	return int(binary.LittleEndian.Uint64(data)), true
}

// Bars for one mutant.
const (
	mutantLimit = 2 * time.Second
	mutantEnd   = 20 * time.Second // then the process gives up
	tooLong     = "attack: a mutant did not end"
)
