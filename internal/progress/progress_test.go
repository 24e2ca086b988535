package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestSilentWithoutTerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "stderr")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var buf bytes.Buffer
	for _, b := range []*Bar{New(&buf, "buffer", 3), New(f, "file", 3), New(f, "file", -1), nil} {
		b.Describe("more")
		b.Add(2)
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

func TestLine(t *testing.T) {
	var buf bytes.Buffer
	b := newBar(&buf, "score", 4)
	if got := buf.String(); !strings.Contains(got, "score") || !strings.Contains(got, "0/4") {
		t.Errorf("first line %q names neither label nor count", got)
	}
	b.Add(1)
	b.Set(3)
	b.Add(5) // past the end
	if b.n != 4 {
		t.Errorf("count %d, want it held at 4", b.n)
	}
	if got := buf.String(); !strings.Contains(got, "4/4") || strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
		t.Errorf("output %q: want it to end with 4/4 and one line end", got)
	}
	before := buf.Len()
	b.Done()
	b.Done()
	b.Add(1)
	b.Describe("late")
	if buf.Len() != before {
		t.Errorf("output after the end: %q", buf.String()[before:])
	}
}

func TestBytes(t *testing.T) {
	var buf bytes.Buffer
	if b := NewBytes(&buf, "buffer", 3); b.line != nil {
		t.Error("drawn to what is no terminal")
	}
	b := newBar(&buf, "fetch", 3<<20, showBytes...)
	b.Set(3 << 20)
	if got := buf.String(); !strings.Contains(got, "3.0/3.0 MiB") {
		t.Errorf("output %q: want it to end with 3.0/3.0 MiB", got)
	}
}

func TestDoneInTheMiddle(t *testing.T) {
	for _, total := range []int{10, 0} {
		var buf bytes.Buffer
		b := newBar(&buf, "train", total)
		b.Add(3)
		b.Done()
		b.Done()
		if got := buf.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
			t.Errorf("total %d: output %q: want one line end, last", total, got)
		}
	}
}

func TestLabelIsOneSafeLine(t *testing.T) {
	got := clean("a\x1b[31mb\r\nc" + strings.Repeat("é", 60))
	if strings.ContainsAny(got, "\x1b\r\n") || len([]rune(got)) != maxLabel {
		t.Errorf("clean gave %q of %d runes", got, len([]rune(got)))
	}
}

func TestConcurrentUse(t *testing.T) {
	var buf bytes.Buffer
	b := newBar(&buf, "batches", 800)
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
