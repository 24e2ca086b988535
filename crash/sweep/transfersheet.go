package sweep

import (
	"fmt"
	"slices"
	"strings"
)

// fewEmulators is the number below which a correlation is said to be of few.
const fewEmulators = 10

// shownBy is a number with its errors.
func (m Measured) shownBy(show func(float64) string) string {
	if m.Value == nil {
		return none
	}
	text := show(*m.Value)
	for _, e := range []*float64{m.Documents, m.Seeds} {
		if e != nil {
			text += " ±" + strings.TrimPrefix(show(*e), "+")
		}
	}
	return text
}

// transferSheet is a sheet of some quantities, with a column behind them.
func (m ModelTable) transferSheet(caption string, leak bool, last Head, behind func(TransferLine) string) Sheet {
	s := Sheet{Caption: m.Name + ": " + caption, Heads: []Head{{Name: "task"}, {Name: "row"}}}
	for _, q := range quantities {
		if q.leak == leak {
			help := q.help
			if q.name == Recovery || q.name == LossRecovery {
				help += "; ± standard error over documents, of several seeds the mean of theirs, which is no less than that of their mean, and where there are several ± over seeds"
			}
			s.Heads = append(s.Heads, Head{Name: q.shown, Help: help, Number: true})
		}
	}
	s.Heads = append(s.Heads, last)
	for _, l := range append(m.Transfer[:len(m.Transfer):len(m.Transfer)], m.meanLines()...) {
		if leak && !l.Emulates {
			continue
		}
		row := []string{l.Task, l.Row}
		for _, q := range quantities {
			if q.leak == leak {
				row = append(row, l.Measures[q.name].shownBy(q.show))
			}
		}
		s.Rows = append(s.Rows, append(row, behind(l)))
	}
	return s
}

// meanLines are the means over several tasks of the emulators that were measured on each.
func (m ModelTable) meanLines() (lines []TransferLine) {
	if len(m.Tasks) < 2 {
		return nil
	}
	for _, e := range emulators([]ModelTable{m}, "") {
		l := TransferLine{Task: "mean", Row: e.Row, Emulates: true, Measures: e.Measures}
		if at := slices.IndexFunc(m.Transfer, func(l TransferLine) bool { return l.Row == e.Row }); at >= 0 {
			l.TrainingFree = m.Transfer[at].TrainingFree
		}
		lines = append(lines, l)
	}
	return lines
}

// TransferSheets are what serves the full model, and what emulators give away.
func (m ModelTable) TransferSheets() []Sheet {
	return []Sheet{
		m.transferSheet("what transfers", false, Head{Name: "cos g by block", Help: "the cosine of each trained block alone, mean of the runs that train it"}, func(l TransferLine) string {
			if len(l.Blocks) == 0 {
				return none
			}
			var parts []string
			for _, b := range l.Blocks {
				parts = append(parts, fmt.Sprintf("%d:%.2f", b.Layer, b.Cosine))
			}
			return strings.Join(parts, ", ")
		}),
		m.transferSheet("what the emulators give away", true, Head{Name: "training-free", Help: "yes: the owner trained nothing to make the emulator"}, func(l TransferLine) string {
			switch {
			case l.TrainingFree == nil:
				return none
			case *l.TrainingFree:
				return "yes"
			}
			return "no"
		}),
	}
}

// CorrelationSheets are the rank correlations of each group of models.
func (t *Table) CorrelationSheets() (sheets []Sheet) {
	for _, c := range t.Correlations {
		names := strings.Join(c.Models, ", ")
		caption := "Transfer, " + names + ": what goes with recovery"
		at := slices.IndexFunc(sheets, func(s Sheet) bool { return s.Caption == caption })
		if at < 0 {
			at = len(sheets)
			sheets = append(sheets, Sheet{Caption: caption, Heads: []Head{
				{Name: "task", Help: "all: means over the tasks, of emulators that were measured on each"}, {Name: "recovery"}, {Name: "with"},
				{Name: "Spearman", Number: true, Help: "rank correlation over emulators: 1 where the one order is the other, -1 where it is its reverse"},
				{Name: "95 %", Number: true, Help: fmt.Sprintf("middle 95 %% of it where the emulators are drawn again, %d times, with replacement", rankDraws)},
				{Name: "n", Number: true, Help: fmt.Sprintf("emulators; of fewer than %d a correlation says little, whatever its size", fewEmulators)},
			}})
		}
		task, rho, interval, n := c.Task, none, none, fmt.Sprint(c.N)
		if task == "" {
			task = "all"
		}
		if c.Rho != nil {
			rho = fmt.Sprintf("%+.2f", *c.Rho)
		}
		if c.Low != nil && c.High != nil {
			interval = fmt.Sprintf("%+.2f … %+.2f", *c.Low, *c.High)
		}
		if c.N < fewEmulators {
			n += " (few)"
		}
		sheets[at].Rows = append(sheets[at].Rows, []string{task, shownQuantity(c.Of), shownQuantity(c.With), rho, interval, n})
	}
	return sheets
}

// shownQuantity is the name of a quantity for people.
func shownQuantity(name string) string {
	for _, q := range quantities {
		if q.name == name {
			return q.shown
		}
	}
	return name
}

// CorrelationNotes say plainly where there are few emulators.
func (t *Table) CorrelationNotes() (notes []string) {
	for _, c := range t.Correlations {
		if c.N < fewEmulators && c.Task == "" {
			note := fmt.Sprintf("Correlations over fewer than %d emulators (here %d) say little: their intervals are wide, and one more emulator may turn them.", fewEmulators, c.N)
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return notes
}
