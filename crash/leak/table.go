package leak

import (
	"fmt"
	"strconv"

	"lamina/internal/report"
)

// Row is one measure: a number with its interval, and its control, which is what the same
// measure gives where nothing can have leaked, or where all has.
type Row struct {
	Measure string `json:"measure"`
	Interval
	Unit      string    `json:"unit,omitempty"` // "%": Value is a share
	N         int       `json:"n,omitempty"`    // rows, documents or weights it is of
	Control   *Interval `json:"control,omitempty"`
	ControlOf string    `json:"control_of,omitempty"` // what the control was measured on
	Exact     bool      `json:"exact,omitempty"`      // it was counted: there is no interval
}

// Table is what was measured, and what could not be.
type Table struct {
	Rows  []Row    `json:"rows"`
	Notes []string `json:"notes,omitempty"`
}

// note adds a remark, once.
func (t *Table) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, n := range t.Notes {
		if n == text {
			return
		}
	}
	t.Notes = append(t.Notes, text)
}

// Add appends what another table has.
func (t *Table) Add(more Table) {
	t.Rows = append(t.Rows, more.Rows...)
	for _, n := range more.Notes {
		t.note("%s", n)
	}
}

// table lays the table out for people.
func (t Table) table() report.Table {
	out := report.Table{Columns: []report.Column{
		{Name: "measure"}, {Name: "value", Right: true}, {Name: "95% interval", Right: true},
		{Name: "control", Right: true}, {Name: "of"}, {Name: "n", Right: true},
	}}
	for _, r := range t.Rows {
		cells := []string{r.Measure, r.number(r.Value), "", "", r.ControlOf, ""}
		if !r.Exact {
			cells[2] = r.between(r.Interval)
		}
		if r.Control != nil {
			cells[3] = r.number(r.Control.Value)
			if r.Control.Low < r.Control.High {
				cells[3] += " (" + r.between(*r.Control) + ")"
			}
		}
		if r.N > 0 {
			cells[5] = strconv.Itoa(r.N)
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// Text shows the table, and the notes below it.
func (t Table) Text() string {
	text := t.table().Text()
	for _, n := range t.Notes {
		text += n + "\n"
	}
	return text
}

func (r Row) number(x float64) string {
	if r.Unit == "%" {
		return fmt.Sprintf("%.1f%%", 100*x)
	}
	return fmt.Sprintf("%.3f", x)
}

func (r Row) between(i Interval) string { return r.number(i.Low) + " to " + r.number(i.High) }
