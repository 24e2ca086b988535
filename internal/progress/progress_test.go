package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// onScreen is a bar on a terminal of so many columns.
func onScreen(buf *bytes.Buffer, label string, total, width int) *Bar {
	b := New(buf, label, total)
	b.screen = &screen{w: buf, width: func() int { return width }}
	b.draw(true)
	return b
}

func TestShortCallsLeaveNoLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var buf bytes.Buffer
	for _, b := range []*Bar{New(&buf, "buffer", 3), NewBytes(f, "file", 3), New(f, "file", -1), nil} {
		b.Describe("more")
		b.Add(2)
		b.Resume(1)
		b.Set(9)
		b.Done()
	}
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("file got %d bytes (%v), want none", info.Size(), err)
	}
	if buf.Len() != 0 {
		t.Errorf("buffer got %q, want nothing", buf.String())
	}
}

// locked is a buffer that a timer writes to.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *locked) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.SplitAfter(l.buf.String(), "\n")
}

// TestLogIsNeverSilent: lines come by the clock, not by steps, hold all of a long label,
// and end with Done.
func TestLogIsNeverSilent(t *testing.T) {
	var log locked
	long := "share-frozen train: loss 2.912 valid 2.887 12345 tokens/s, and more than a line of a terminal has room for"
	b := New(&log, "train", 100)
	b.out = &log
	b.logTo(&log, 5*time.Millisecond, 5*time.Millisecond)
	b.Describe(long)
	b.Resume(40)
	b.Set(41)
	b.Note("validation before training: 3.1")
	deadline := time.Now().Add(10 * time.Second)
	for len(log.lines()) < 5 && time.Now().Before(deadline) { // the note and three lines, of one step
		time.Sleep(time.Millisecond)
	}
	b.Done()
	lines := log.lines()
	if len(lines) < 5 || !strings.HasPrefix(strings.Join(lines, ""), "validation before") && !strings.Contains(lines[1], "validation before") {
		t.Fatalf("lines %q", lines)
	}
	if last := lines[len(lines)-2]; !strings.HasPrefix(last, long+"  41/100, ") || !strings.HasSuffix(last, " left\n") || strings.ContainsAny(last, "\r\x1b") {
		t.Errorf("line %q: want label, count, rate and time left", last)
	}
	time.Sleep(20 * time.Millisecond)
	if after := log.lines(); len(after) != len(lines) {
		t.Errorf("lines after Done: %q", after[len(lines):])
	}
	if firstLine > time.Minute || nextLine > time.Minute {
		t.Error("a log is silent for more than a minute")
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		bar  *Bar
		s    int
		want string
	}{
		{&Bar{n: 0, total: 9}, 5, "0/9"},
		{&Bar{n: 120, total: 1500}, 100, "120/1500, 1.2/s, 19m10s left"},
		{&Bar{n: 120, from: 100, total: 130}, 200, "120/130, 10 s each, 1m40s left"},
		{&Bar{n: 130, total: 130}, 1, "130/130, 130/s"},
		{&Bar{n: 4, total: 1000000}, 4, "4/1000000, 1/s, 11 days left"},
		{&Bar{n: 10, total: 10010}, 10, "10/10010, 1/s, 2h46m left"},
		{&Bar{n: 7}, 7, "7, 1/s"},
		{&Bar{n: 1 << 20, total: 3 << 20, bytes: true}, 2, "1.0 MiB/3.0 MiB, 512.0 KiB/s, 4s left"},
	} {
		if got := c.bar.numbers(time.Duration(c.s) * time.Second); got != c.want {
			t.Errorf("%d of %d after %d s: %q, want %q", c.bar.n, c.bar.total, c.s, got, c.want)
		}
	}
}

// TestLineFitsTheTerminal: of a label that is too long the end is left out, of numbers
// nothing.
func TestLineFitsTheTerminal(t *testing.T) {
	for _, width := range []int{40, 80, 200} {
		var buf bytes.Buffer
		b := onScreen(&buf, strings.Repeat("é", 120), 1500, width)
		b.n = 1234
		b.Done()
		for _, line := range regexp.MustCompile(`\r\x1b\[K|\n`).Split(buf.String(), -1) {
			if n := len([]rune(line)); n >= width {
				t.Errorf("%d columns: a line of %d: %q", width, n, line)
			}
		}
		if !strings.Contains(buf.String(), "  1234/1500") {
			t.Errorf("%d columns: %q: want the count", width, buf.String())
		}
	}
	var buf bytes.Buffer
	onScreen(&buf, "finetune: loss 2.912 valid 2.887 12345 tok/s", 15000, 80).Done()
	if strings.Contains(buf.String(), "…") {
		t.Errorf("cut at 80 columns: %q", buf.String())
	}
}

func TestLine(t *testing.T) {
	var buf bytes.Buffer
	b := onScreen(&buf, "score\x1b[31m\r\n", 4, 80)
	if got := buf.String(); !strings.Contains(got, "score") || !strings.Contains(got, "0/4") || strings.Contains(got, "[31m\r") {
		t.Errorf("first line %q names neither label nor count", got)
	}
	b.Add(1)
	b.Set(3)
	b.Note("a remark")
	b.Add(5) // past the end
	if b.n != 4 {
		t.Errorf("count %d, want it held at 4", b.n)
	}
	b.Done()
	if got := buf.String(); !strings.Contains(got, "4/4") || strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, "\n") || !strings.Contains(got, "a remark\n") {
		t.Errorf("output %q: want it to end with 4/4, and the remark on a line", got)
	}
	before := buf.Len()
	b.Done()
	b.Add(1)
	b.Describe("late")
	if buf.Len() != before {
		t.Errorf("output after the end: %q", buf.String()[before:])
	}
}

// TestWait shows the time while nothing is counted, and leaves nothing on a terminal.
func TestWait(t *testing.T) {
	var screenOut, log locked
	quick := NewWait(&screenOut, "writing")
	quick.waitOn(&screen{w: &screenOut, width: func() int { return 80 }}, time.Hour)
	quick.Done()
	if got := screenOut.lines(); got[0] != "" {
		t.Errorf("a quick call drew %q", got)
	}
	slow := NewWait(&screenOut, "writing")
	slow.waitOn(&screen{w: &screenOut, width: func() int { return 80 }}, time.Millisecond)
	logged := NewWait(&log, "writing model")
	logged.logTo(&log, time.Millisecond, time.Millisecond)
	deadline := time.Now().Add(10 * time.Second)
	for (len(log.lines()) < 3 || screenOut.lines()[0] == "") && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	slow.Done()
	logged.Done()
	if got := strings.Join(screenOut.lines(), ""); !strings.Contains(got, "writing  0s so far") || !strings.HasSuffix(got, "\r\x1b[K") || strings.Contains(got, "\n") {
		t.Errorf("on a terminal %q", got)
	}
	if got := log.lines(); got[0] != "writing model  0s so far\n" {
		t.Errorf("in a log %q", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	var buf bytes.Buffer
	b := onScreen(&buf, "batches", 800, 80)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				b.Add(1)
				b.Describe("batches")
			}
		})
	}
	wg.Wait()
	b.Done()
	if b.n != 800 || !strings.Contains(buf.String(), "800/800") {
		t.Errorf("count %d, output ends %q", b.n, buf.String()[max(0, buf.Len()-80):])
	}
}
