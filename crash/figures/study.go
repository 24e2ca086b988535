package figures

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/crash/plan"
	"lamina/crash/sweep"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
	"lamina/internal/units"
)

// studied shows the table of a study.
func studied(path string, data []byte) (s Shown, err error) {
	var t sweep.Table
	if err := files.DecodeJSON(path, data, &t); err != nil {
		return s, err
	}
	if err := t.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{
		Title: "The table of the study " + t.Study,
		Text: []string{"A model owner hands out a smaller stand-in of a language model, the emulator; a data owner trains a few of its layers on texts that stay secret, " +
			"and gives those layers back; put into the full model they make the plug-in. Each row is another way of making the emulator, each column a test of questions with known answers, " +
			"each number the share that is answered right. A good way has a plug-in that is far better than its emulator, which is all that the data owner holds, and nearly as good as training the full model (full)."},
	}
	if t.Note != "" {
		s.section.Text = append(s.section.Text, t.Note)
	}
	for _, m := range t.Models {
		for i, sheet := range m.Sheets() {
			if len(sheet.Rows) > 0 || i == 0 {
				s.section.Tables = append(s.section.Tables, sheetTable(sheet))
			}
		}
		s.section.Notes = append(append(s.section.Notes, m.Notes...), m.PublishedNotes()...)
		s.scores(m, len(t.Models) > 1)
		s.plans(m, len(t.Models) > 1)
		s.moments(m, len(t.Models) > 1)
	}
	s.transfer(t)
	for _, sheet := range t.CorrelationSheets() {
		s.section.Tables = append(s.section.Tables, sheetTable(sheet))
	}
	s.section.Notes = append(s.section.Notes, t.CorrelationNotes()...)
	s.section.Tables = append(s.section.Tables, sheetTable(t.CellSheet()))
	if t.PublishedSource != "" {
		s.section.Notes = append(s.section.Notes, "Published numbers are of "+t.PublishedSource+". They are printed beside ours, and no number here is made of them.")
	}
	s.section.Notes = append(s.section.Notes, "Learning rates and checkpoints were chosen by the loss on validation rows. The best row was picked on the documents that it is compared on, which flatters its lead a little.")
	for _, f := range t.Settings {
		s.section.Facts = append(s.section.Facts, report.Fact{Name: f.Name, Value: f.Value})
	}
	for _, m := range t.Models {
		s.section.Facts = append(s.section.Facts, report.Fact{Name: "Weights of " + m.Name, Value: fmt.Sprintf("%s in %d blocks, %s", units.Count(m.Params), m.Blocks, m.Fingerprint)})
	}
	s.section.Facts = append(s.section.Facts, report.Fact{Name: "Computed on", Value: t.Device + ", " + t.Precision}, report.Fact{Name: "Study file", Value: "SHA-256 " + t.File})
	return s, nil
}

// sheetTable is a sheet for a page.
func sheetTable(s sweep.Sheet) report.Table {
	t := report.Table{Caption: s.Caption, Rows: s.Rows, Best: s.Best}
	for _, h := range s.Heads {
		t.Columns = append(t.Columns, report.Column{Name: h.Name, Right: h.Number, Help: h.Help})
	}
	return t
}

// pictureName is what a picture of a model is called, with the model if there are several.
func pictureName(of, model string, several bool) string {
	if !several {
		return of
	}
	return of + "-" + strings.Trim(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(model)), "-")
}

// scores draws the plug-ins of a model, a mark for each task.
func (s *Shown) scores(m sweep.ModelTable, several bool) {
	p := plot.Scores{Title: m.Name + ": accuracy of the plug-in", XLabel: "%"}
	for _, t := range m.Tasks {
		p.Series = append(p.Series, t.Task)
	}
	if len(m.Tasks) > 1 {
		p.Series = append(p.Series, "mean")
	}
	for _, r := range m.Rows {
		line := r.Lines[len(r.Lines)-1]
		row := plot.Row{Name: r.Row}
		for _, e := range append(slices.Clone(line.Tasks), line.Mean)[:len(p.Series)] {
			one := plot.Estimate{Value: math.NaN()}
			if e.Value != nil {
				one = plot.Estimate{Value: 100 * *e.Value, StdErr: 100 * e.Documents, Label: fmt.Sprintf("%.1f", 100**e.Value)}
			}
			row.Values = append(row.Values, one)
		}
		p.Rows = append(p.Rows, row)
	}
	s.add(pictureName("scores", m.Name, several), p.Draw(), report.Figure{
		Caption: "Accuracy of the plug-in (in rows without an emulator, of the model itself) with one standard error over documents. The numbers are those of the table below.",
		Alt:     "Accuracy of each row on each task with its standard error",
	})
}

// plans draws the layers of the rows on the first task and seed, where rows have some.
func (s *Shown) plans(m sweep.ModelTable, several bool) {
	strip := plot.Strip{Title: m.Name + ": layers", Layers: m.Blocks}
	for _, r := range m.Rows {
		for _, c := range r.Plans {
			p, err := plan.Parse(c.Plan)
			if err != nil || p.Validate(m.Blocks) != nil || c.Task != m.Tasks[0].Task || c.Seed != r.Plans[0].Seed {
				continue
			}
			one := plot.Plan{Name: c.Row}
			for _, slot := range p {
				if slot.IsMap() {
					one.Maps = append(one.Maps, plot.Map{Before: len(one.Places), Name: slot.String()})
					continue
				}
				place := plot.Place{Layer: slot.Layer, Trainable: slot.Trainable}
				if !slot.Trainable {
					place.Change = strings.TrimPrefix(slot.String(), fmt.Sprint(slot.Layer))
				}
				one.Places = append(one.Places, place)
			}
			strip.Plans = append(strip.Plans, one)
		}
	}
	if len(strip.Plans) == 0 {
		return
	}
	s.add(pictureName("plans", m.Name, several), strip.Draw(), report.Figure{
		Caption: "Which blocks run on the task " + m.Tasks[0].Task + ", and which of them are trained. A copy is a frozen block that stands in for a removed one; a changed one is scaled or made smaller; a map leads over a gap. The table of layers and rates has the plans as text.",
		Alt:     "Strips: the layer plan of each row",
	})
}
