package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// features shows what a model makes of several tasks, in two dimensions.
func features(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.FeatureMap
		Precision string `json:"precision"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if len(r.Tasks) == 0 || len(r.Coordinates) != len(r.Tasks) || len(r.Explained) < 2 {
		return s, fmt.Errorf("%s: %d tasks, coordinates of %d, %d components: want two components of each task's texts", path, len(r.Tasks), len(r.Coordinates), len(r.Explained))
	}
	picture := plot.Scatter{Title: "Map of the tasks' texts",
		XLabel: fmt.Sprintf("component 1 (%.1f%% of the variance)", 100*r.Explained[0]), YLabel: fmt.Sprintf("component 2 (%.1f%% of the variance)", 100*r.Explained[1])}
	middles := report.Table{Caption: "The middle of each task", Columns: []report.Column{{Name: "task"}, {Name: "component 1", Right: true}, {Name: "component 2", Right: true}}}
	for t, rows := range r.Coordinates {
		if len(rows) == 0 || !sized(rows, len(rows), len(r.Explained)) {
			return s, fmt.Errorf("%s: task %.64q: want %d coordinates of each text", path, r.Tasks[t], len(r.Explained))
		}
		points, x, y := plot.Points{Name: r.Tasks[t]}, 0.0, 0.0
		for _, row := range rows {
			points.Points = append(points.Points, plot.Point{X: row[0], Y: row[1]})
			x, y = x+row[0]/float64(len(rows)), y+row[1]/float64(len(rows))
		}
		picture.Series = append(picture.Series, points)
		middles.Rows = append(middles.Rows, []string{r.Tasks[t], fmt.Sprintf("%.4g", x), fmt.Sprintf("%.4g", y)})
	}
	s.section = report.Section{
		Title: "What the model makes of the tasks",
		Text: []string{"Each point is a text as the model has it at its last step, seen from the side that shows most of the differences between texts. " +
			fmt.Sprintf("%.1f%% of all differences lie between the tasks, and the rest within them; of tasks that are one and the same it would be about %.1f%%.", 100*r.Apart, 100*r.Chance)},
		Facts: append([]report.Fact{{Name: "Texts of each task", Value: fmt.Sprint(r.Samples)}, {Name: "Pooling over tokens", Value: r.Pooling.String()}}, madeOn(r.Precision, r.Model)...),
	}
	explained := featuresTable(r.FeatureMap)
	s.told = &explained
	s.add("features", picture.Draw(), report.Figure{
		Caption: "Principal components of all texts' last states, after the final norm. Each task has a marker of its own form.",
		Alt:     "Points: the texts of each task in two principal components", Values: []report.Table{explained, middles},
	})
	return s, nil
}
