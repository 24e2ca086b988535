package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

// report is what a part came to; cases add to it from several goroutines.
type report struct {
	title string
	head  []string
	rows  [][]string
	notes []string

	lock   sync.Mutex
	faults []fault

	// Of probes:
	cases                    int
	taken                    []string
	slowest                  time.Duration
	largest                  int64
	slowestName, largestName string
}

// fault is what should not have happened.
type fault struct {
	kind faultKind
	name string // of the case; -only takes it
	what string
}

// faultKind says in which way.
type faultKind string

// Kinds of faults.
const (
	lost    faultKind = "lost"   // a result, or a run that cannot go on, or goes on to other bits
	half    faultKind = "half"   // a directory neither in the old state nor in the new one
	stray   faultKind = "stray"  // a temporary file nobody will take away
	silent  faultKind = "silent" // something wrong that was taken without a word
	panics  faultKind = "panic"
	hang    faultKind = "hang" // more time than the case may take
	memory  faultKind = "memory"
	wrong   faultKind = "wrong"   // status, or an error that does not name the path, or is not one line
	leak    faultKind = "leak"    // a secret sent where it should not go
	outside faultKind = "outside" // a file placed where none should be
)

func (r *report) fault(kind faultKind, name, format string, args ...any) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.faults = append(r.faults, fault{kind, name, fmt.Sprintf(format, args...)})
}

// total is the number of faults so far.
func (r *report) total() int {
	r.lock.Lock()
	defer r.lock.Unlock()
	return len(r.faults)
}

// count returns the number of faults of a kind among cases whose names begin with prefix.
func (r *report) count(prefix string, kinds ...faultKind) string {
	n := 0
	for _, f := range r.faults {
		if strings.HasPrefix(f.name, prefix) && slices.Contains(kinds, f.kind) {
			n++
		}
	}
	return fmt.Sprint(n)
}

func (r *report) row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	r.rows = append(r.rows, row)
}

func (r *report) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *report) write(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, "\n## %s\n\n", r.title)
	if len(r.rows) > 0 {
		t := table.NewWriter()
		t.AppendHeader(cells(r.head))
		for _, row := range r.rows {
			t.AppendRow(cells(row))
		}
		fmt.Fprintln(w, t.RenderMarkdown())
		fmt.Fprintln(w)
	}
	for _, n := range r.notes {
		fmt.Fprintln(w, n)
	}
	fmt.Fprintf(w, "%d faults, %.0f s\n", len(r.faults), took.Seconds())
}

func cells(texts []string) table.Row {
	var row table.Row
	for _, t := range texts {
		row = append(row, t)
	}
	return row
}

// writeFaults lists all faults; of those alike it shows the first few.
func writeFaults(w io.Writer, faults []fault) {
	fmt.Fprintf(w, "\n## Faults: %d\n\n", len(faults))
	const shown = 5
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.group(), b.group()) })
	for i := 0; i < len(faults); {
		end := i
		for end < len(faults) && faults[end].group() == faults[i].group() {
			end++
		}
		if end == i+1 {
			fmt.Fprintf(w, "- %s `%s`: %.600s\n", faults[i].kind, faults[i].name, strings.TrimSpace(faults[i].what))
			i = end
			continue
		}
		fmt.Fprintf(w, "- %s, %d:\n", faults[i].group(), end-i)
		for _, f := range faults[i:min(end, i+shown)] {
			fmt.Fprintf(w, "  - `%s`: %.600s\n", f.name, strings.TrimSpace(f.what))
		}
		i = end
	}
}

// group names faults that are likely the same: kind and the case's name up to its numbers.
func (f fault) group() string {
	name, _, _ := strings.Cut(f.name, "@")
	return string(f.kind) + " " + name
}
