// Package progress shows how far a long call is: what it does, count, rate and estimated
// time left.
//
// On a terminal that is one line, rewritten in place and no wider than the terminal. In a
// file or a pipe, where nothing can be rewritten, it is a line of its own every half
// minute, so that a log is never silent for longer, whatever a step takes. Other writers
// (a test's buffer) get notes alone.
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
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	// redraw is the least time between two drawings on a terminal: fast enough to look
	// alive, slow enough to cost nothing beside a training step.
	redraw = 100 * time.Millisecond

	// firstLine and nextLine are the times after which a log gets its lines. A call that
	// is done before the first leaves none.
	firstLine = 10 * time.Second
	nextLine  = 30 * time.Second
)

// Bar is the progress of one call. A nil *Bar is silent.
type Bar struct {
	mu     sync.Mutex
	label  string
	n      int
	from   int // the count that the rate is measured from
	total  int // 0: unknown
	bytes  bool
	wait   bool // nothing is counted: the time is shown
	began  time.Time
	done   bool
	screen *screen     // nil: no terminal
	out    io.Writer   // for notes
	log    io.Writer   // nil: no log
	timer  *time.Timer // of the next line of the log
	next   time.Duration
}

// New returns the progress of a call labelled label that counts to total; total ≤ 0 means
// that the end is unknown, and count and rate are shown without an estimate.
func New(w io.Writer, label string, total int) *Bar {
	b := &Bar{out: w, label: clean(label), total: max(total, 0), began: time.Now()}
	f, ok := w.(*os.File)
	switch {
	case ok && term.IsTerminal(int(f.Fd())):
		b.screen = newScreen(f)
		b.draw(true)
	case ok:
		b.logTo(f, firstLine, nextLine)
	}
	return b
}

// NewBytes is New for a count of bytes: they and their rate are shown in KiB, MiB
// and so on.
func NewBytes(w io.Writer, label string, total int) *Bar {
	b := New(w, label, total)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes = true
	return b
}

// NewWait is New for a call that counts nothing, such as the writing of a large file: after
// a second it shows how long it has taken, and Done takes the line away.
func NewWait(w io.Writer, label string) *Bar {
	b := &Bar{out: w, label: clean(label), wait: true, began: time.Now()}
	f, ok := w.(*os.File)
	switch {
	case ok && term.IsTerminal(int(f.Fd())):
		b.waitOn(newScreen(f), time.Second)
	case ok:
		b.logTo(f, firstLine, nextLine)
	}
	return b
}

// waitOn shows the time on a terminal, at first after so long and as often from then on.
func (b *Bar) waitOn(s *screen, every time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.screen, b.next = s, every
	b.timer = time.AfterFunc(every, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.done {
			b.draw(true)
			b.timer.Reset(b.next)
		}
	})
}

// logTo starts the lines of a log.
func (b *Bar) logTo(w io.Writer, first, next time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log, b.next = w, next
	b.timer = time.AfterFunc(first, b.line)
}

// line writes a line of the log and sees to the next.
func (b *Bar) line() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return
	}
	fmt.Fprintln(b.log, b.text(time.Since(b.began)))
	b.timer.Reset(b.next)
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

// Set moves the count to n, for work that counts by itself. A count past the total stays
// at the total.
func (b *Bar) Set(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(n)
}

// Resume moves the count to n, for work that goes on in the middle: what was done before
// is no part of the rate.
func (b *Bar) Resume(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.from, b.began = n, time.Now()
	b.set(n)
}

func (b *Bar) set(n int) {
	n = max(n, 0)
	if b.total > 0 {
		n = min(n, b.total)
	}
	b.n = n
	b.draw(false)
}

// Describe changes the label, e.g. to name the phase or the last loss.
func (b *Bar) Describe(label string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.label = clean(label)
	b.draw(false)
}

// Note writes a line that stays, above the progress on a terminal.
func (b *Bar) Note(text string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.screen == nil {
		fmt.Fprintln(b.out, clean(text))
		return
	}
	b.screen.note(clean(text))
	b.draw(true)
}

// Done ends the line where it stands, so that the next output starts on a new
// one. Further calls of any method but Note change nothing on the screen.
func (b *Bar) Done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return
	}
	if !b.wait {
		b.draw(true)
	}
	b.done = true
	if b.timer != nil {
		b.timer.Stop()
	}
	switch {
	case b.screen == nil:
	case b.wait:
		b.screen.clear()
	default:
		b.screen.end()
	}
}

// draw shows the line on a terminal, at once or when it is time again.
func (b *Bar) draw(now bool) {
	if b.screen != nil && !b.done {
		b.screen.draw(b.label, b.numbers(time.Since(b.began)), now)
	}
}
