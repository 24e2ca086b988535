package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// mostColumns is how many columns a table of a matrix may have on a page.
const mostColumns = 33

// similarity shows the likeness of all pairs of hidden states.
func similarity(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.Similarity
		Precision string `json:"precision"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if err := r.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	layers := len(r.Matrix) - 1
	s.section = report.Section{
		Title: "How alike the layers are",
		Text: []string{fmt.Sprintf("A language model changes a text step by step, in this one %d times. The picture holds the text after each step "+
			"against the text after every other one: 1 says that the two differ by a turn and a stretch alone, 0 that they have nothing in common. "+
			"Light squares along the diagonal are runs of layers that do nearly the same, so that some of them can be left out.", layers)},
		Facts: []report.Fact{{Name: "Measure", Value: r.Metric}, {Name: "Pooling over tokens", Value: r.Pooling.String()},
			{Name: "Texts", Value: fmt.Sprint(r.Samples)}},
	}
	for _, f := range []report.Fact{{Name: "Arithmetic", Value: r.Precision}, {Name: "Weights of the model", Value: r.Model}} {
		if f.Value != "" {
			s.section.Facts = append(s.section.Facts, f)
		}
	}
	s.add("similarity", plot.HeatMap{
		Title: "Similarity of layers", AxisLabel: "state", ValueLabel: r.Metric,
		Matrix: r.Matrix, Neighbours: true,
	}.Draw(), report.Figure{
		Caption: "State 0 is the embedding, state i the output of block i-1, the last one after the final norm. The line below is of neighbouring states.",
		Alt:     "Heat map: likeness of the hidden states",
		Values:  matrixTables(r.Metric, r.Matrix),
	})
	return s, nil
}

// matrixTables are the values of neighbouring states, and all of them where a page can hold
// that many.
func matrixTables(of string, matrix [][]float64) []report.Table {
	near := report.Table{Caption: of + " of neighbouring states", Columns: []report.Column{{Name: "states"}, {Name: of, Right: true}}}
	for i := range len(matrix) - 1 {
		near.Rows = append(near.Rows, []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.4f", matrix[i][i+1])})
	}
	if len(matrix) > mostColumns {
		return []report.Table{near}
	}
	all := report.Table{Caption: of + " of all states", Columns: []report.Column{{Name: "state"}}}
	for i, row := range matrix {
		all.Columns = append(all.Columns, report.Column{Name: fmt.Sprint(i), Right: true})
		cells := []string{fmt.Sprint(i)}
		for _, v := range row {
			cells = append(cells, fmt.Sprintf("%.4f", v))
		}
		all.Rows = append(all.Rows, cells)
	}
	return []report.Table{near, all}
}
