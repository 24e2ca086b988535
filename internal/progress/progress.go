// Package progress shows how far a long call is: one line with count, rate
// and estimated time left, rewritten in place.
//
// It knows nothing of what is counted and keeps no log. Where the writer is no
// terminal (a pipe, a file, a test's buffer) it prints nothing at all, so that
// logs hold no carriage returns.
//
//	bar := progress.New(os.Stderr, "similarity", len(batches))
//	defer bar.Done()
//	for _, b := range batches {
//		measure(b)
//		bar.Add(1)
//	}
//
// Invariants: every method may be called from several goroutines, on a nil
// *Bar, after Done, and with counts past the total; none returns an error,
// because a failed write of a progress line is no reason to stop the work.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	// interval between two drawings: fast enough to look alive, slow enough
	// to cost nothing beside a training step.
	interval = 100 * time.Millisecond

	// maxLabel keeps label, bar and numbers on one line of 80 columns; a line
	// that wraps cannot be rewritten in place.
	maxLabel = 32

	barWidth = 16
)

// Bar is one progress line. A nil *Bar is silent.
type Bar struct {
	mu    sync.Mutex
	line  *progressbar.ProgressBar // nil: silent
	n     int
	total int // 0: unknown
	done  bool
}

// New returns a line labelled label that counts to total; total ≤ 0 means that
// the end is unknown, and count and rate are shown without an estimate. The
// line is drawn only if w is a terminal.
func New(w io.Writer, label string, total int) *Bar {
	if !isTerminal(w) {
		return &Bar{total: max(total, 0)}
	}
	return newBar(w, label, total, progressbar.OptionShowIts(), progressbar.OptionSetItsString("it"))
}

// NewBytes is New for a count of bytes: they and their rate are shown in KiB, MiB
// and so on.
func NewBytes(w io.Writer, label string, total int) *Bar {
	if !isTerminal(w) {
		return &Bar{total: max(total, 0)}
	}
	return newBar(w, label, total, showBytes...)
}

var showBytes = []progressbar.Option{
	progressbar.OptionShowBytes(true), progressbar.OptionShowTotalBytes(true), progressbar.OptionUseIECUnits(true),
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// newBar draws to w whatever it is; unit says how counts are shown.
func newBar(w io.Writer, label string, total int, unit ...progressbar.Option) *Bar {
	limit := total
	if total <= 0 {
		total, limit = 0, -1 // -1 is the library's sign for an unknown end
	}
	line := progressbar.NewOptions(limit, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(clean(label)),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionThrottle(interval),
		progressbar.OptionShowCount(),
		progressbar.OptionSetRenderBlankState(true),
		// Zero: no goroutine that redraws a spinner while nothing happens.
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
	}, unit...)...)
	return &Bar{line: line, total: total}
}

// Add counts n more.
func (b *Bar) Add(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(b.n + n)
}

// Set moves the count to n, for work that resumes in the middle or counts by
// itself. A count past the total stays at the total.
func (b *Bar) Set(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(n)
}

func (b *Bar) set(n int) {
	n = max(n, 0)
	if b.total > 0 {
		n = min(n, b.total)
	}
	delta := n - b.n
	b.n = n
	if b.line == nil || b.done {
		return
	}
	// The error can only be a failed write; see the package comment.
	_ = b.line.Add(delta)
}

// Describe changes the label, e.g. to name the phase or the last loss.
func (b *Bar) Describe(label string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == nil || b.done || b.line.IsFinished() {
		return
	}
	b.line.Describe(clean(label))
}

// Done ends the line where it stands, so that the next output starts on a new
// one. Further calls of any method change nothing on the screen.
func (b *Bar) Done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.line == nil || b.done {
		return
	}
	b.done = true
	if !b.line.IsFinished() { // a full count has ended the line already
		_ = b.line.Exit()
	}
}

// clean makes a label safe for one terminal line: labels may hold names from
// files, and those may hold escape sequences.
func clean(label string) string {
	label = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, label)
	if runes := []rune(label); len(runes) > maxLabel {
		return string(runes[:maxLabel-1]) + "…"
	}
	return label
}
