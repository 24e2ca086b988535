package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"lamina/crash/study"
)

// tested is what a model came to on a task: its rows, each at the rate that was kept.
type tested struct {
	study.Table
	kept    map[string]bool // keys of the cells that rows are of
	missing []string        // rows of which every rate diverged, and seeds
}

// Merge makes the table of the study from the plan and the cells alone: no model and no data
// is opened. It is an error if a cell is not there.
func (w *Worker) Merge() (*Table, error) {
	if err := w.readPlan(); err != nil {
		return nil, err
	}
	results := map[string]Result{}
	var missing []Cell
	for _, c := range w.planned.Cells {
		if _, have := results[c.Key]; have {
			continue
		}
		r, err := w.Cells.Get(c.Key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing = append(missing, c)
			continue
		case err != nil:
			return nil, err
		}
		results[c.Key] = r
	}
	if n := len(missing); n > 0 {
		return nil, fmt.Errorf("%d of %d cells are not there, the first is %s: lamina study %s --out %s --worker computes them", n, len(w.planned.Cells), missing[0], w.Study.source.path, w.Out)
	}
	t := &Table{Study: w.Study.Name, Note: w.Study.Note, Format: format, File: digest(w.Study.source.data), Device: w.planned.Device, Precision: w.Precision, Settings: w.Study.said()}
	for m := range w.Study.Models {
		one := w.Study.model(m, w.planned, results)
		t.Models = append(t.Models, one.table)
		for _, c := range w.planned.Cells {
			if c.model == m {
				t.Cells = append(t.Cells, CellFacts{c.plain(), one.kept[c.Key], results[c.Key].Diverged})
			}
		}
		if one.table.PublishedAs != "" {
			t.PublishedSource = Published().Source
		}
	}
	t.correlate()
	return t, nil
}

// tested gathers the rows of a model on a task.
func (s *Study) tested(cells []Cell, model, t int, results map[string]Result) tested {
	out := tested{kept: map[string]bool{}}
	for r, recipe := range s.recipes {
		var of []Cell
		for _, c := range cells {
			if c.model == model && c.task == t && c.row == r {
				of = append(of, c)
				one := results[c.Key]
				if one.AnswerTokens != nil {
					out.AnswerTokens = one.AnswerTokens
				}
				out.Chance, out.Splits = one.Chance, one.Splits
			}
		}
		seeds := s.Seeds
		if recipe.Trains == study.Nothing {
			seeds = seeds[:1]
		}
		for i, name := range recipe.RowNames() {
			for _, seed := range seeds {
				row, key, ok := chosen(of, i, seed, recipe.Trains == study.Nothing, results)
				if !ok {
					out.missing = append(out.missing, fmt.Sprintf("%s of seed %d", name, seed))
					continue
				}
				row.Name, row.Seed = name, seed
				out.Rows = append(out.Rows, row)
				out.kept[key] = true
			}
		}
	}
	recipes := slices.Clone(s.recipes)
	for i := range recipes {
		keep, _ := s.sizes(s.Models[model])
		recipes[i].Keep = cmp.Or(recipes[i].Keep, keep) // rows of one size are compared
	}
	out.Relate(recipes)
	return out
}

// chosen returns a draw of the cells of a row and a seed at the rate of the lowest
// validation loss, the first of several, and the key of its cell; the rates that diverged
// are in it.
func chosen(cells []Cell, draw int, seed uint64, untrained bool, results map[string]Result) (row study.Row, key string, ok bool) {
	var diverged []float64
	for _, c := range cells {
		if c.Seed != seed && !untrained {
			continue
		}
		r := results[c.Key]
		if draw >= len(r.Rows) {
			diverged = append(diverged, c.Rate)
			continue
		}
		if one := r.Rows[draw]; !ok || one.ValidLoss < row.ValidLoss {
			row, key, ok = one, c.Key, true
		}
	}
	row.Diverged = slices.Clone(diverged)
	return row, key, ok
}
