package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// tasks shows how alike the last states of one model are on several tasks.
func tasks(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.TaskMap
		Precision string `json:"precision"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	n := len(r.Tasks)
	if n < 2 {
		return s, fmt.Errorf("%s: field \"tasks\" has %d, want two or more", path, n)
	}
	for name, m := range map[string][][]float64{"matrix": r.Matrix, "paired": r.Paired, "shuffled": r.Shuffled, "spread": r.Spread} {
		if !sized(m, n, n) {
			return s, fmt.Errorf("%s: field %q is no matrix of %d tasks", path, name, n)
		}
	}
	s.section = report.Section{
		Title: "How alike tasks look to the model",
		Text: []string{"At its last step the model has turned each text into a list of numbers, its features. Two tasks look alike to it where the same features vary together " +
			"over the texts of the one as over the texts of the other. 1 says that they do so in the same way, 0 that they share nothing. The diagonal is one half of a task's texts against the " +
			"other half: more than that no two tasks can have. " +
			"The authors compare text by text instead, in the order of the files, although the texts of two tasks have nothing to do with each other: the table shows that any other order gives the same."},
		Facts: append([]report.Fact{{Name: "Texts of each task", Value: fmt.Sprint(r.Samples)}, {Name: "Pooling over tokens", Value: r.Pooling.String()}}, madeOn(r.Precision, r.Model)...),
	}
	paired := report.Table{Caption: r.Metric + " text by text, in the order of the files", Columns: []report.Column{{Name: "task"}, {Name: "and task"},
		{Name: "in this order", Right: true}, {Name: "in others", Right: true, Help: "mean over orders drawn at random, with their standard deviation"}}}
	for i := range n {
		for j := range i {
			paired.Rows = append(paired.Rows, []string{r.Tasks[j], r.Tasks[i], fmt.Sprintf("%.4f", r.Paired[i][j]), fmt.Sprintf("%.4f ± %.4f", r.Shuffled[i][j], r.Spread[i][j])})
		}
	}
	s.section.Tables = []report.Table{paired}
	whole := namedMatrix("Alignment of covariances", r.Tasks, r.Matrix)
	s.told = &whole
	s.add("tasks", plot.HeatMap{Title: "Similarity of tasks in the last layer", AxisLabel: "task", ValueLabel: "alignment of covariances", Matrix: r.Matrix, Min: 0, Max: 1, Names: r.Tasks}.Draw(), report.Figure{
		Caption: "Sum of the products of two covariance matrices' values over the root of the product of their sums of squares, halves of each task's texts against halves of the other's.",
		Alt:     "Heat map: likeness of tasks in the last layer", Values: []report.Table{whole},
	})
	return s, nil
}

// sized reports whether a matrix has so many rows of so many values.
func sized(m [][]float64, rows, columns int) bool {
	for _, row := range m {
		if len(row) != columns {
			return false
		}
	}
	return len(m) == rows
}
