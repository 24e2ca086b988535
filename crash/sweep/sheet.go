package sweep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/internal/report"
)

// Sheet is a table as people read it, of finished strings.
type Sheet struct {
	Caption string
	Heads   []Head
	Rows    [][]string
	Best    [][2]int // cells, as row and column, that are set in bold
}

// Head is the head of a column.
type Head struct {
	Name   string
	Help   string
	Number bool
}

// report is the sheet for the package that writes it.
func (s Sheet) report() report.Table {
	t := report.Table{Caption: s.Caption, Rows: s.Rows, Best: s.Best}
	for _, h := range s.Heads {
		t.Columns = append(t.Columns, report.Column{Name: h.Name, Help: h.Help, Right: h.Number})
	}
	return t
}

// none stands for what there is not.
const none = "–"

// points shows a share as a percentage.
func points(v float64) string { return fmt.Sprintf("%.1f", 100*v) }

// String shows the estimate as in the table: value ± over documents, and ± over seeds.
func (e Estimate) String() string {
	if e.Value == nil {
		return none
	}
	text := points(*e.Value) + " ±" + points(e.Documents)
	if e.Seeds != nil {
		text += " ±" + points(*e.Seeds)
	}
	return text
}

// Sheet is the paper's table for a model, with its own numbers beside ours where it has
// some.
func (m ModelTable) Sheet() Sheet {
	s := Sheet{Caption: fmt.Sprintf("%s: accuracy in %%", m.Name), Heads: []Head{
		{Name: "row", Help: "what was done; the list of rows says more"},
		{Name: "number", Help: "emulator zero-shot and tuned: what the data owner holds, before and after training; plug-in: the full model with the trained blocks in it, or in rows without an emulator the model itself; published: what the paper prints, of its own runs: no number here is made of it"},
	}}
	for _, t := range m.Tasks {
		s.Heads = append(s.Heads, Head{Name: t.Task, Number: true, Help: fmt.Sprintf("%d documents; a guess has %s", t.Splits.Test, points(t.Chance))})
	}
	const cells = "In every cell: value ± standard error over documents, and where there are several seeds ± standard error over seeds; in bold the best plug-in of a column that an emulator gave"
	if len(m.Tasks) > 1 {
		s.Heads = append(s.Heads, Head{Name: "mean", Number: true, Help: "of the tasks. " + cells})
	} else {
		s.Heads[2].Help += ". " + cells
	}
	table := published().model(m.PublishedAs)
	for _, r := range m.Rows {
		for _, l := range r.Lines {
			cells, printed := []string{r.Row, shownOf(l.Of)}, []string{r.Row, ""}
			has, shown := false, l.shown()
			if !slices.ContainsFunc(shown, func(e Estimate) bool { return e.Value != nil || e.Published != nil }) {
				continue // such as an emulator's own scores in a study of plug-ins
			}
			for i, e := range shown {
				if e.Best {
					s.Best = append(s.Best, [2]int{len(s.Rows), i + 2})
				}
				cells = append(cells, e.String())
				printed = append(printed, none)
				if e.Published != nil {
					printed[len(printed)-1], has = fmt.Sprintf("%.1f", *e.Published), true
				}
			}
			if s.Rows = append(s.Rows, cells); has {
				setting, _ := table.setting(r.Row, l.Of)
				printed[1] = "published: " + setting
				s.Rows = append(s.Rows, printed)
			}
		}
	}
	return s
}

// shown are the estimates of a line as people read it: a mean is of several tasks.
func (l TableLine) shown() []Estimate {
	if len(l.Tasks) == 1 {
		return l.Tasks
	}
	return append(l.Tasks[:len(l.Tasks):len(l.Tasks)], l.Mean)
}

// shownOf is the name of a line for people.
func shownOf(of string) string {
	for _, l := range lineNames {
		if l.of == of {
			return l.shown
		}
	}
	return of
}

// Differences is what rows have more than others, task by task.
func Differences(caption string, comparisons []TaskComparison) Sheet {
	s := Sheet{Caption: caption, Heads: []Head{
		{Name: "task"}, {Name: "row"}, {Name: "against"},
		{Name: "difference", Number: true, Help: "accuracy of the plug-ins of the first less that of the second, points; of several seeds or draws, their means"},
		{Name: "± documents", Number: true, Help: "standard error of the difference over documents, which both rows score"},
		{Name: "± seeds", Number: true, Help: "standard error of the difference over seeds; of one seed there is none"},
		{Name: "won", Number: true, Help: "documents that the first has right more often"}, {Name: "lost", Number: true, Help: "and less often"},
		{Name: "p", Number: true, Help: "how likely a difference at least as large is between rows that are equally good: exact paired permutation test over documents, of one run each McNemar's"},
		{Name: "p (Holm)", Number: true, Help: "the same, corrected for the number of lines over all tasks; of baselines, for those with the same one"},
	}}
	for _, c := range comparisons {
		seeds := none
		if c.SeedStderr != nil {
			seeds = points(*c.SeedStderr)
		}
		s.Rows = append(s.Rows, []string{c.Task, c.Row, c.Against, points(c.Difference), points(c.Stderr), seeds,
			strconv.Itoa(c.Won), strconv.Itoa(c.Lost), probability(c.P), probability(c.PHolm)})
	}
	return s
}

// probability shows a p-value.
func probability(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// PlanSheet lists what each row was: its layers, and the rate that was kept.
func (m ModelTable) PlanSheet() Sheet {
	s := Sheet{Caption: m.Name + ": layers and rates", Heads: []Head{{Name: "task"}, {Name: "row"}, {Name: "seed", Number: true},
		{Name: "rate", Number: true, Help: "learning rate, of several the one of the lowest validation loss"},
		{Name: "diverged", Help: "rates that came to no finite loss and are left out"}, {Name: "plan", Help: "original layer of each place; * trains"}}}
	for _, r := range m.Rows {
		for _, p := range r.Plans {
			diverged := make([]string, len(p.Diverged))
			for i, rate := range p.Diverged {
				diverged[i] = fmt.Sprintf("%g", rate)
			}
			s.Rows = append(s.Rows, []string{p.Task, p.Row, fmt.Sprint(p.Seed), fmt.Sprintf("%g", p.Rate), strings.Join(diverged, ", "), p.Plan})
		}
	}
	return s
}

// RowSheet says what the rows are.
func (m ModelTable) RowSheet() Sheet {
	s := Sheet{Caption: m.Name + ": rows", Heads: []Head{{Name: "row"}, {Name: "what it is"},
		{Name: "held", Number: true, Help: "weights that the data owner holds, of the full model's"}}}
	for _, r := range m.Rows {
		held := none
		if r.HeldShare != nil {
			held = fmt.Sprintf("%.0f%%", 100**r.HeldShare)
		}
		s.Rows = append(s.Rows, []string{r.Row, r.Help, held})
	}
	return s
}

// CellSheet lists the cells with the beginnings of their keys.
func (t *Table) CellSheet() Sheet {
	s := Sheet{Caption: "Cells", Heads: []Head{{Name: "model"}, {Name: "task"}, {Name: "row"}, {Name: "rate", Number: true}, {Name: "seed", Number: true},
		{Name: "key", Help: "beginning of the digest of all that decides the cell's numbers"}, {Name: "in the table", Help: "whether its rate was kept"}}}
	for _, c := range t.Cells {
		kept := map[bool]string{true: "yes", false: "no"}[c.Kept]
		if c.Diverged != "" {
			kept = "diverged"
		}
		s.Rows = append(s.Rows, []string{c.Model, c.Task, c.Row, fmt.Sprintf("%g", c.Rate), fmt.Sprint(c.Seed), fmt.Sprintf("%.12s", c.Key), kept})
	}
	return s
}

// Sheets are all that people read of a model, the paper's table first.
func (m ModelTable) Sheets() []Sheet {
	sheets := []Sheet{m.Sheet(), Differences(m.Name+": the best row against the others", m.Comparisons)}
	if len(m.Baselines) > 0 {
		sheets = append(sheets, Differences(m.Name+": every emulator against each baseline", m.Baselines))
	}
	return append(append(sheets, m.TransferSheets()...), m.TrajectorySheet(), m.RowSheet(), m.PlanSheet())
}

// PublishedNotes say what is to be known of published numbers that the table has.
func (m ModelTable) PublishedNotes() (notes []string) {
	table := published().model(m.PublishedAs)
	for _, r := range m.Rows {
		for _, l := range r.Lines {
			if setting, note := table.setting(r.Row, l.Of); note != "" {
				notes = append(notes, setting+": "+note)
			}
		}
	}
	return notes
}

// Text is the tables as a terminal shows them.
func (t *Table) Text() string {
	return t.written(func(s Sheet) string {
		s = s.starred()
		return s.Caption + "\n" + s.report().Text()
	})
}

// starred is the sheet for a terminal, which has no bold: a star stands behind the best cells.
func (s Sheet) starred() Sheet {
	if len(s.Best) == 0 {
		return s
	}
	s.Caption += " (* the best plug-in of a column that an emulator gave)"
	s.Rows = slices.Clone(s.Rows)
	for _, at := range s.Best {
		s.Rows[at[0]] = slices.Clone(s.Rows[at[0]])
		s.Rows[at[0]][at[1]] += "*"
	}
	return s
}

// Markdown is the same as GitHub shows it.
func (t *Table) Markdown() string {
	return t.written(func(s Sheet) string { return s.Caption + ":\n\n" + s.report().Markdown() })
}

func (t *Table) written(sheet func(Sheet) string) string {
	var parts []string
	for _, m := range t.Models {
		for _, s := range m.Sheets() {
			if len(s.Rows) > 0 {
				parts = append(parts, sheet(s))
			}
		}
		parts = append(parts, lines(m.Notes)...)
		parts = append(parts, lines(m.PublishedNotes())...)
	}
	for _, s := range t.CorrelationSheets() {
		parts = append(parts, sheet(s))
	}
	parts = append(parts, lines(t.CorrelationNotes())...)
	if t.PublishedSource != "" {
		parts = append(parts, "Published: "+t.PublishedSource+".\n")
	}
	return strings.Join(parts, "\n")
}

func lines(notes []string) (out []string) {
	for _, n := range notes {
		out = append(out, n+"\n")
	}
	return out
}

// CSV is the table for programs, one estimate a line.
func (t *Table) CSV() string {
	s := Sheet{}
	for _, name := range []string{"model", "row", "number", "task", "value", "stderr_documents", "stderr_seeds", "runs", "best", "published_percent"} {
		s.Heads = append(s.Heads, Head{Name: name})
	}
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'g', -1, 64)
	}
	for _, m := range t.Models {
		for _, r := range m.Rows {
			for _, l := range r.Lines {
				for i, e := range append(l.Tasks[:len(l.Tasks):len(l.Tasks)], l.Mean) {
					task := "mean"
					if i < len(m.Tasks) {
						task = m.Tasks[i].Task
					}
					s.Rows = append(s.Rows, []string{m.Name, r.Row, l.Of, task, number(e.Value), number(&e.Documents), number(e.Seeds), fmt.Sprint(e.Runs), fmt.Sprint(e.Best), number(e.Published)})
				}
			}
		}
	}
	return s.report().CSV()
}
