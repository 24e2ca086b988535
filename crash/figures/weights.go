package figures

import (
	"fmt"
	"slices"

	"lamina/crash/measure"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// weights shows how the blocks of a model differ as numbers.
func weights(path string, data []byte) (s Shown, err error) {
	var w measure.Weights
	if err := files.DecodeJSON(path, data, &w); err != nil {
		return s, err
	}
	if len(w.Tensors) == 0 || w.Layers < 1 {
		return s, fmt.Errorf("%s: %d tensors of %d layers", path, len(w.Tensors), w.Layers)
	}
	for _, t := range w.Tensors {
		if !sized(t.Distance, w.Layers, w.Layers) || len(t.Norm) != w.Layers || len(t.Variance) != w.Layers || len(t.Shape) == 0 || slices.Min(t.Shape) < 1 || t.Rank != nil && len(t.Rank) != w.Layers {
			return s, fmt.Errorf("%s: tensor %.64q: not a number for each of %d layers", path, t.Name, w.Layers)
		}
	}
	s.section = report.Section{
		Title: "How the blocks differ as numbers",
		Text: []string{"All blocks of a model have the same tables of numbers, their weights. The maps say how far each table of one block is from that of another, in units of the distance of two tables that have " +
			"nothing in common: 1 says that they are strangers, 0 that they are equal. Blocks that do the same need not have the same weights, and mostly have not. " +
			"The effective rank says how many directions a table really uses, of as many as it could."},
		Facts:  madeOn("", w.Model),
		Tables: []report.Table{weightsTable(w)},
	}
	var maps []*plot.Picture
	variances := plot.Curves{Title: "Variance of the weights", XLabel: "block", YLabel: "variance", Log: true}
	ranks := plot.Curves{Title: "Effective rank", XLabel: "block", YLabel: "share of the full rank"}
	for _, t := range w.Tensors {
		if t.Rank == nil {
			continue
		}
		relative := make([][]float64, w.Layers)
		variance, rank := plot.Run{Name: t.Name}, plot.Run{Name: t.Name}
		for i := range relative {
			relative[i] = make([]float64, w.Layers)
			for j := range relative[i] {
				relative[i][j] = t.Relative(i, j)
			}
			variance.Valid = append(variance.Valid, plot.Point{X: float64(i), Y: t.Variance[i]})
			rank.Valid = append(rank.Valid, plot.Point{X: float64(i), Y: t.Rank[i] / float64(slices.Min(t.Shape))})
		}
		maps = append(maps, plot.HeatMap{Title: t.Name, AxisLabel: "block", ValueLabel: "relative distance", Matrix: relative}.Draw())
		variances.Runs, ranks.Runs = append(variances.Runs, variance), append(ranks.Runs, rank)
	}
	if len(maps) == 0 {
		return s, fmt.Errorf("%s: no tensor is a matrix: nothing to draw", path)
	}
	s.add("weights", plot.Beside("Distance of the blocks' weights", mostBeside, maps...), report.Figure{
		Caption: "|Wᵢ - Wⱼ| / √(|Wᵢ|² + |Wⱼ|²) of the same matrix in blocks i and j.",
		Alt:     "Heat maps: relative distance of each matrix of a block to that of another block", Values: []report.Table{weightsTable(w)},
	})
	s.add("rank", ranks.Draw(), report.Figure{
		Caption: "exp of the entropy of the singular values (Roy and Vetterli 2007), over the smaller size of the matrix.",
		Alt:     "Curves: effective rank of each matrix by block", Values: []report.Table{byBlock("Effective rank", w, func(t measure.TensorWeights) []float64 { return t.Rank })},
	})
	s.add("variance", variances.Draw(), report.Figure{
		Caption: "Variance of the values of each matrix around their mean.",
		Alt:     "Curves: variance of each matrix by block", Values: []report.Table{byBlock("Variance", w, func(t measure.TensorWeights) []float64 { return t.Variance })},
	})
	return s, nil
}

// byBlock has a number of each matrix for each block.
func byBlock(caption string, w measure.Weights, of func(measure.TensorWeights) []float64) report.Table {
	t := report.Table{Caption: caption, Columns: []report.Column{{Name: "block"}}}
	for i := range w.Layers {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i)})
	}
	for _, x := range w.Tensors {
		if x.Rank == nil {
			continue
		}
		t.Columns = append(t.Columns, report.Column{Name: x.Name, Right: true})
		for i, v := range of(x) {
			t.Rows[i] = append(t.Rows[i], fmt.Sprintf("%.4g", v))
		}
	}
	return t
}
