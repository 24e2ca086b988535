package figures

import (
	"fmt"
	"math"

	"lamina/crash/surface"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// landscape shows the loss on the plane through three checkpoints.
func landscape(path string, data []byte) (s Shown, err error) {
	var r surface.Landscape
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if err := r.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{Title: "The loss around the models", Text: planeWords(r), Facts: surfaceFacts(r.About), Tables: []report.Table{cornerTable(r)}}
	if !r.Complete {
		s.section.Notes = append(s.section.Notes, fmt.Sprintf("The measurement was not done: what is shown is the coarse grid of %d by %d that it had.", len(r.B), len(r.A)))
	}
	p := lossSurface(r)
	turned, err := report.Surface{X: p.X, Y: p.Y, Values: finite(p.Values), XLabel: p.XLabel, YLabel: p.YLabel, ValueLabel: p.ValueLabel, Spots: spots(p)}.JSON()
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.add("surface", p.Draw(), report.Figure{
		Caption: "Answer loss on the plane, as a landscape and as a map with lines of equal loss.",
		Alt:     "Loss surface on a plane through the models: a landscape, and a map with lines of equal loss",
		Values:  []report.Table{gridTable("Loss", r.A, r.B, r.Loss)},
		Data:    turned,
	})
	if some(r.Accuracy) {
		p.Title, p.ValueLabel, p.Values = "Accuracy on the plane", "share answered right", numbers(r.Accuracy)
		for i := range p.Spots {
			p.Spots[i].Value = float64(r.Corners[i].Accuracy)
		}
		s.add("accuracy", p.Draw(), report.Figure{
			Caption: "Share of the questions answered right on the same plane.",
			Alt:     "Accuracy on the same plane: a landscape, and a map",
			Values:  []report.Table{gridTable("Accuracy", r.A, r.B, r.Accuracy)},
		})
	}
	for k, d := range r.Distances {
		if k < len(r.Names) {
			s.section.Tables = append(s.section.Tables, distanceTable("How far "+r.Names[k]+" is from "+r.Model, d))
		}
	}
	return s, nil
}

// planeWords says what a plane is, for somebody who has not read the paper.
func planeWords(r surface.Landscape) []string {
	if r.Random {
		return []string{"A model is a long list of numbers. The picture changes all its matrices at once, along two directions that were drawn at random, " +
			"and shows how wrong the model is about questions that it was not trained on: height is loss, and the model itself stands at (0, 0). " +
			"Each filter of the directions was given the size of the model's own, so that pictures of two models can be held against each other."}
	}
	return []string{fmt.Sprintf("Three models of one kind are three points, and through three points goes one plane. The picture shows how wrong the models on it are about questions "+
		"that none was trained on: height is loss. %s stands at (0, 0), %s at (1, 0), %s at (0, 1). Where all three lie in one bowl, the two trainings "+
		"went the same way down.", r.Model, r.Names[0], r.Names[1]),
		"The plane has two of very many directions: a bowl here does not say that there is one elsewhere, and short trainings hardly leave the place where they began, so that a shared bowl comes easily."}
}

// lossSurface is the picture of the losses.
func lossSurface(r surface.Landscape) plot.Surface {
	p := plot.Surface{Title: "Loss on the plane of three models", XLabel: "a: to " + r.Names[0], YLabel: "b: to " + r.Names[1], ValueLabel: "answer loss, nats a token", Values: numbers(r.Loss)}
	names := []string{r.Model, r.Names[0], r.Names[1]}
	if r.Random {
		p.Title, p.XLabel, p.YLabel, names = "Loss on a plane of random directions", "a", "b", names[:1]
	}
	for _, x := range r.A {
		p.X = append(p.X, float64(x))
	}
	for _, y := range r.B {
		p.Y = append(p.Y, float64(y))
	}
	for i, name := range names {
		c := r.Corners[i]
		if x, y := float64(c.At[0]), float64(c.At[1]); c.At[0].Finite() && c.At[1].Finite() {
			p.Spots = append(p.Spots, plot.Spot{Name: name, X: x, Y: y, Value: float64(c.Loss)})
		}
	}
	return p
}

func spots(p plot.Surface) (all []report.Spot) {
	for _, s := range p.Spots {
		spot := report.Spot{Name: s.Name, X: s.X, Y: s.Y}
		if !math.IsNaN(s.Value) && !math.IsInf(s.Value, 0) {
			spot.Value = &s.Value
		}
		all = append(all, spot)
	}
	return all
}

// cornerTable has the corners of the unit square.
func cornerTable(r surface.Landscape) report.Table {
	t := report.Table{Caption: "The models, and the sum of both ways", Columns: []report.Column{{Name: "model"}, {Name: "a", Right: true}, {Name: "b", Right: true}, {Name: "loss", Right: true}, {Name: "accuracy", Right: true}}}
	names := []string{r.Model, r.Names[0], r.Names[1], "both ways together"}
	for i, c := range r.Corners {
		t.Rows = append(t.Rows, []string{names[i], fmt.Sprintf("%g", float64(c.At[0])), fmt.Sprintf("%g", float64(c.At[1])), value(c.Loss), value(c.Accuracy)})
	}
	return t
}

// gridTable has the values of a grid, thinned to as many columns and rows as a page can hold.
func gridTable(name string, a, b []surface.Number, grid [][]surface.Number) report.Table {
	columns, rows := thinned(len(a)), thinned(len(b))
	t := report.Table{Caption: name + " for b (down) and a (across)", Columns: []report.Column{{Name: "b"}}}
	if len(columns) < len(a) || len(rows) < len(b) {
		t.Caption += "; some of the grid, all of which the file has"
	}
	for _, j := range columns {
		t.Columns = append(t.Columns, report.Column{Name: fmt.Sprintf("%.3g", float64(a[j])), Right: true})
	}
	for _, i := range rows {
		cells := []string{fmt.Sprintf("%.3g", float64(b[i]))}
		for _, j := range columns {
			cells = append(cells, value(grid[i][j]))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// thinned returns places of n, the first and the last among them, mostColumns at most.
func thinned(n int) (at []int) {
	step := (n + mostColumns - 2) / (mostColumns - 1)
	for i := 0; i < n-1; i += step {
		at = append(at, i)
	}
	return append(at, n-1)
}

func numbers(grid [][]surface.Number) [][]float64 {
	out := make([][]float64, len(grid))
	for i, row := range grid {
		for _, v := range row {
			out[i] = append(out[i], float64(v))
		}
	}
	return out
}

// some reports whether a grid has a number.
func some(grid [][]surface.Number) bool {
	for _, row := range grid {
		for _, v := range row {
			if v.Finite() {
				return true
			}
		}
	}
	return false
}

// finite is a grid for a script: nil where there is no number.
func finite(grid [][]float64) [][]*float64 {
	out := make([][]*float64, len(grid))
	for i, row := range grid {
		out[i] = make([]*float64, len(row))
		for j := range row {
			if !math.IsNaN(row[j]) && !math.IsInf(row[j], 0) {
				out[i][j] = &row[j]
			}
		}
	}
	return out
}
