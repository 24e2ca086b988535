package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// replacement shows what is left of a model with one block in another's place.
func replacement(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.Replacement
		Precision string `json:"precision"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	n := len(r.Matrix)
	if n == 0 || !sized(r.Matrix, n, n) || len(r.Deleted) != n {
		return s, fmt.Errorf("%s: field \"matrix\" has %d rows and field \"deleted\" %d values: want a square matrix and a value for each place", path, n, len(r.Deleted))
	}
	s.section = report.Section{
		Title: "One block in another's place",
		Text: []string{"Each block of the model is put where another one belongs, and what comes out at the end is held against what comes out of the model as it is: 1 says that nothing has changed. " +
			"Light runs along the diagonal are blocks that can stand in for each other, which is what an emulator does when it repeats one of them. " +
			fmt.Sprintf("Nothing in common would be %.3f: that is the end of the model against itself with the texts in another order.", r.Shuffled)},
		Facts: append([]report.Fact{{Name: "Measure", Value: r.Metric}, {Name: "Pooling over tokens", Value: r.Pooling.String()}, {Name: "Texts", Value: fmt.Sprint(r.Samples)}}, madeOn(r.Precision, r.Model)...),
	}
	others := replacementTable(r.Replacement)
	s.told = &others
	values := []report.Table{others}
	if n <= mostColumns {
		values = append(values, wholeTable(r.Metric+" of the last states, block by column, place by row", "place", r.Matrix))
	}
	s.add("replacement", plot.HeatMap{Title: "Replacement of blocks", AxisLabel: "block", RowLabel: "at the place of block", ValueLabel: r.Metric, Matrix: r.Matrix}.Draw(), report.Figure{
		Caption: "Row i, column j: block j at place i. Likeness of the last state, after the final norm, to that of the model as it is.",
		Alt:     "Heat map: what is left of the model with one block in the place of another", Values: values,
	})
	return s, nil
}
