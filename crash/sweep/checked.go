package sweep

import (
	"fmt"
	"strings"
	"time"

	"lamina/internal/units"
)

// Text is what a check found, as a terminal shows it.
func (c Checked) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "study %s: %d cells\n\n", c.Study, c.Cells)
	s := Sheet{Heads: []Head{{Name: "model"}, {Name: "row"}, {Name: "cells", Number: true}, {Name: "memory", Number: true}, {Name: "tokens", Number: true}, {Name: "time", Number: true}}}
	for _, r := range c.Rows {
		length := none
		if r.Length > 0 {
			length = fmt.Sprint(r.Length)
		}
		s.Rows = append(s.Rows, []string{r.Model, r.Row, fmt.Sprint(r.Cells), units.Bytes(r.Bytes), length, about(r.Seconds)})
	}
	if len(s.Rows) > 0 {
		b.WriteString(s.report().Text())
	}
	if c.Seconds > 0 {
		fmt.Fprintf(&b, "\none worker here: about %s, from the calls of a step, one of each kind measured\n", about(c.Seconds))
	}
	if c.Available > 0 {
		fmt.Fprintf(&b, "memory available here: %s\n", units.Bytes(c.Available))
	}
	for _, list := range []struct {
		what  string
		lines []string
	}{{"assumed", c.Assumed}, {"missing", c.Missing}, {"too much", c.TooMuch}} {
		for _, line := range list.lines {
			fmt.Fprintf(&b, "%s: %s\n", list.what, line)
		}
	}
	return b.String()
}

// about shows a time to two digits.
func about(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case seconds <= 0:
		return none
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", max(seconds, 1))
	case d < time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	const day, year = 86400, 365.25 * 86400
	if seconds < 2*year {
		return fmt.Sprintf("%.1f days", seconds/day)
	}
	return fmt.Sprintf("%.1f years", seconds/year)
}

// Fault is an error that sums up what keeps the study from running here; nil for nothing.
func (c Checked) Fault() error {
	switch {
	case len(c.Missing) > 0 && len(c.TooMuch) > 0:
		return fmt.Errorf("study %s: %d things are missing here, the first: %s; and %d rows take more memory than there is", c.Study, len(c.Missing), c.Missing[0], len(c.TooMuch))
	case len(c.Missing) > 0:
		return fmt.Errorf("study %s: %d things are missing here, the first: %s", c.Study, len(c.Missing), c.Missing[0])
	case len(c.TooMuch) > 0:
		return fmt.Errorf("study %s: %d rows take more memory than there is, the first: %s", c.Study, len(c.TooMuch), c.TooMuch[0])
	}
	return nil
}
