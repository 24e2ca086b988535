package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// text is a line of a log: label and numbers, however long.
func (b *Bar) text(elapsed time.Duration) string { return b.label + "  " + b.numbers(elapsed) }

// numbers tells count, rate and time left after so much time.
func (b *Bar) numbers(elapsed time.Duration) string {
	if b.wait {
		return duration(elapsed) + " so far"
	}
	text := b.count(b.n)
	if b.total > 0 {
		text += "/" + b.count(b.total)
	}
	done := float64(b.n - b.from)
	if elapsed <= 0 || done <= 0 {
		return text
	}
	rate := done / elapsed.Seconds()
	switch {
	case b.bytes:
		text += ", " + size(rate) + "/s"
	case rate >= 1:
		text += fmt.Sprintf(", %.3g/s", min(rate, 999999))
	default:
		text += fmt.Sprintf(", %.3g s each", 1/rate)
	}
	if left := b.total - b.n; b.total > 0 && left > 0 {
		text += ", " + duration(time.Duration(float64(left)/rate*float64(time.Second))) + " left"
	}
	return text
}

func (b *Bar) count(n int) string {
	if b.bytes {
		return size(float64(n))
	}
	return fmt.Sprint(n)
}

// size shows bytes: 1536 is "1.5 KiB".
func size(n float64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for ; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", n)
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}

// duration shows a time in its two largest units: 18m24s, 3h05m.
func duration(d time.Duration) string {
	switch s := int(d.Seconds()); {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	case s < 100*3600:
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	default:
		return fmt.Sprintf("%d days", s/86400)
	}
}

// clean makes a label safe for one terminal line: labels may hold names from
// files, and those may hold escape sequences.
func clean(label string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, label)
}

// screen is one line of a terminal.
type screen struct {
	w     io.Writer
	width func() int
	drawn time.Time
}

// standardWidth is taken of a terminal that does not say how wide it is.
const standardWidth = 80

func newScreen(f *os.File) *screen {
	return &screen{w: f, width: func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return standardWidth
	}}
}

// draw rewrites the line. Of a label that is too long for the terminal the end is left
// out: a line that wraps cannot be rewritten.
func (s *screen) draw(label, numbers string, now bool) {
	if !now && time.Since(s.drawn) < redraw {
		return
	}
	s.drawn = time.Now()
	room := max(s.width()-1-len([]rune(numbers))-2, 0)
	if runes := []rune(label); len(runes) > room {
		label = string(runes[:max(room-1, 0)]) + "…"
	}
	fmt.Fprintf(s.w, "\r\x1b[K%s  %s", label, numbers)
}

// note writes a line in the place of the progress.
func (s *screen) note(text string) { fmt.Fprintf(s.w, "\r\x1b[K%s\n", text) }

// clear takes the line away, if one was drawn.
func (s *screen) clear() {
	if !s.drawn.IsZero() {
		fmt.Fprint(s.w, "\r\x1b[K")
	}
}

// end leaves the line.
func (s *screen) end() { fmt.Fprintln(s.w) }
