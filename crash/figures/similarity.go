package figures

import (
	"fmt"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

const (
	// mostColumns is how many columns a table of a matrix may have on a page.
	mostColumns = 33
	// mostBeside is how wide pictures side by side may be, in pixels.
	mostBeside = 1500
	// clearBlocks is the share of shuffled matrices below which blocks are drawn.
	clearBlocks = 0.05
)

// stateLabel is what a map of states counts; captions say which state is which.
const stateLabel = "state"

// similarity shows the likeness of all pairs of hidden states: of one model, of several
// side by side, or of one against another.
func similarity(path string, data []byte) (s Shown, err error) {
	var r struct {
		measure.Similarity
		Blocks    *measure.BlockStructure `json:"blocks"`
		Models    []study.ModelSimilarity `json:"models"`
		Precision string                  `json:"precision"`
		With      *string                 `json:"with"`
	}
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if r.With != nil {
		return twoModels(path, data)
	}
	if r.Models != nil {
		return severalModels(path, r.Models, r.Precision)
	}
	if err := r.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	if err := checkBlocks(path, r.Blocks, len(r.Matrix)); err != nil {
		return s, err
	}
	layers := len(r.Matrix) - 1
	s.section = report.Section{
		Title: "How alike the layers are",
		Text: []string{fmt.Sprintf("A language model changes a text step by step, in this one %d times. The picture holds the text after each step "+
			"against the text after every other one: 1 says that the two differ by a turn and a stretch alone, 0 that they have nothing in common. "+
			"Light squares along the diagonal are runs of layers that do nearly the same, so that some of them can be left out.", layers)},
		Facts: append([]report.Fact{{Name: "Measure", Value: r.Metric}, {Name: "Pooling over tokens", Value: r.Pooling.String()},
			{Name: "Texts", Value: fmt.Sprint(r.Samples)}}, madeOn(r.Precision, r.Model)...),
	}
	caption := "State 0 is the embedding, state i the output of block i-1, the last one after the final norm. The line below is of neighbouring states."
	if r.Blocks != nil && r.Blocks.P <= clearBlocks {
		caption += fmt.Sprintf(" The squares are the runs %s: two states of one run are by %.3f more alike than two of different ones, by %.3f more than distance alone would make them.",
			r.Blocks.Cut(), r.Blocks.Index, r.Blocks.Excess)
	}
	s.add("similarity", heatMap("Similarity of layers", r.Similarity, r.Blocks).Draw(), report.Figure{
		Caption: caption, Alt: "Heat map: likeness of the hidden states", Values: matrixTables(r.Metric, r.Matrix),
	})
	return s, s.tree(path, r.Similarity)
}

// heatMap is the map of one model's similarity, with its blocks where they are clear.
func heatMap(title string, sim measure.Similarity, blocks *measure.BlockStructure) plot.HeatMap {
	h := plot.HeatMap{Title: title, AxisLabel: stateLabel, ValueLabel: sim.Metric, Matrix: sim.Matrix, Neighbours: true}
	if blocks != nil && blocks.P <= clearBlocks {
		for _, r := range blocks.Runs {
			h.Groups = append(h.Groups, plot.Span{From: r[0], To: r[1]})
		}
	}
	return h
}

// checkBlocks returns an error unless the runs lie in a matrix of so many states.
func checkBlocks(path string, b *measure.BlockStructure, states int) error {
	if b == nil {
		return nil
	}
	for i, r := range b.Runs {
		if r[0] < 1 || r[1] < r[0] || r[1] >= states || i > 0 && r[0] != b.Runs[i-1][1]+1 {
			return fmt.Errorf("%s: field \"blocks\": a run %v of %d states", path, r, states)
		}
	}
	return nil
}

// madeOn are facts about arithmetic and weights, where the file tells them.
func madeOn(precision, model string) (facts []report.Fact) {
	for _, f := range []report.Fact{{Name: "Arithmetic", Value: precision}, {Name: "Weights of the model", Value: model}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// tree adds the dendrogram of the blocks' outputs, of which there are three or more.
func (s *Shown) tree(path string, sim measure.Similarity) error {
	n := len(sim.Matrix) - 1
	if n < 3 {
		return nil
	}
	outputs := make([][]float64, n)
	for i := range outputs {
		outputs[i] = sim.Matrix[i+1][1:]
	}
	merges, err := plan.Linkage("average", outputs)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d := plot.Dendrogram{Title: "Tree of the layers", AxisLabel: "block", ValueLabel: "1 - " + sim.Metric + ", on average"}
	rows := report.Table{Caption: "Joins of the tree, the most alike first", Columns: []report.Column{{Name: "blocks"}, {Name: "and blocks"}, {Name: "distance", Right: true}}}
	members := make([]string, 0, 2*n-1)
	for i := range n {
		d.Leaves = append(d.Leaves, fmt.Sprint(i))
		members = append(members, fmt.Sprint(i))
	}
	for _, m := range merges {
		d.Joins = append(d.Joins, plot.Join{A: m.A, B: m.B, Distance: m.Distance})
		rows.Rows = append(rows.Rows, []string{members[m.A], members[m.B], fmt.Sprintf("%.4f", m.Distance)})
		members = append(members, members[m.A]+" "+members[m.B])
	}
	s.add("tree", d.Draw(), report.Figure{
		Caption: "Clusters of the blocks' outputs by average linkage of the distance 1 - likeness. The lower a bracket, the more alike is what it joins.",
		Alt:     "Dendrogram: which blocks' outputs are most alike", Values: []report.Table{rows},
	})
	return nil
}

// severalModels shows models side by side, and their block structure against their size.
func severalModels(path string, models []study.ModelSimilarity, precision string) (s Shown, err error) {
	if len(models) == 0 {
		return s, fmt.Errorf("%s: field \"models\" is empty", path)
	}
	var maps []*plot.Picture
	var values []report.Table
	sizes := plot.Points{Name: "models"}
	bands := plot.Points{Name: "a band alone"}
	for _, m := range models {
		if err := m.Validate(); err != nil {
			return s, fmt.Errorf("%s: model %.64q: %w", path, m.Name, err)
		}
		if err := checkBlocks(path, m.Blocks, len(m.Matrix)); err != nil {
			return s, err
		}
		maps = append(maps, heatMap(m.Name, m.Similarity, m.Blocks).Draw())
		values = append(values, neighbourTable(m.Metric+" of neighbouring states, "+m.Name, m.Metric, m.Matrix))
		if m.Blocks != nil {
			sizes.Points, sizes.Names = append(sizes.Points, plot.Point{X: float64(m.Parameters), Y: m.Blocks.Index}), append(sizes.Names, m.Name)
			bands.Points = append(bands.Points, plot.Point{X: float64(m.Parameters), Y: m.Blocks.Banded})
		}
	}
	first := models[0]
	s.section = report.Section{
		Title: "How alike the layers of several models are",
		Text: []string{"Each map holds the text after every step of one model against the text after every other step of it. The paper's claim is that the larger " +
			"the model, the more its layers fall into blocks: light squares along the diagonal. The index below puts a number on that: how much more alike two layers of one " +
			"block are than two of different blocks, for the best cut into blocks, and beside it what a map has that fades with distance alone and knows no blocks."},
		Facts:  append([]report.Fact{{Name: "Measure", Value: first.Metric}, {Name: "Pooling over tokens", Value: first.Pooling.String()}, {Name: "Texts", Value: fmt.Sprint(first.Samples)}}, madeOn(precision, "")...),
		Tables: []report.Table{blocksTable(models)},
	}
	s.add("similarity", plot.Beside("Similarity of layers", mostBeside, maps...), report.Figure{
		Caption: "State 0 is the embedding, state i the output of block i-1, the last one after the final norm. The line below each map is of neighbouring states. Squares are blocks that fewer than one in twenty shuffled maps have as clearly.",
		Alt:     "Heat maps side by side: likeness of the hidden states of each model", Values: values,
	})
	if len(sizes.Points) > 1 {
		s.add("blocks", plot.Scatter{Title: "Block structure against size", XLabel: "parameters", YLabel: "index of block structure", LogX: true, Series: []plot.Points{sizes, bands}}.Draw(), report.Figure{
			Caption: "Mean likeness of two states in one block, less that of two in different ones, for the best cut. The second points are what a map of the same fading, without blocks, has: what counts is how far the first lie above them.",
			Alt:     "Points: index of block structure of each model against its parameters", Values: []report.Table{blocksTable(models)},
		})
	}
	return s, nil
}

// twoModels shows the states of one model against those of another.
func twoModels(path string, data []byte) (s Shown, err error) {
	var r study.PairSimilarity
	if err := files.DecodeJSON(path, data, &r); err != nil {
		return s, err
	}
	if err := r.Validate(); err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.section = report.Section{
		Title: "How alike the layers of two models are",
		Text: []string{"Both models read the same texts. The picture holds the text after each step of the first against the text after each step of the second: " +
			"a light diagonal says that they do the same at the same depth, light elsewhere that they do it earlier or later. " +
			fmt.Sprintf("Where the texts of the second are put in another order, so that nothing fits together, the likeness is %.3f on average.", r.Shuffled)},
		Facts: append([]report.Fact{{Name: "First model", Value: r.Names[0]}, {Name: "Second model", Value: r.Names[1]}, {Name: "Measure", Value: r.Metric},
			{Name: "Pooling over tokens", Value: r.Pooling.String()}, {Name: "Texts", Value: fmt.Sprint(r.Samples)}}, madeOn(r.Precision, "")...),
		Tables: []report.Table{pairTable(r)},
	}
	s.add("similarity", plot.HeatMap{
		Title: "Similarity of two models' layers", AxisLabel: "state of the second model", RowLabel: "state of the first model", ValueLabel: r.Metric, Matrix: r.Matrix,
	}.Draw(), report.Figure{
		Caption: "State 0 is the embedding, state i the output of block i-1, the last one after the final norm.",
		Alt:     "Heat map: likeness of each state of the first model and each of the second", Values: []report.Table{pairTable(r)},
	})
	return s, nil
}

// neighbourTable are the values beside the diagonal.
func neighbourTable(caption, of string, matrix [][]float64) report.Table {
	near := report.Table{Caption: caption, Columns: []report.Column{{Name: "states"}, {Name: of, Right: true}}}
	for i := range len(matrix) - 1 {
		near.Rows = append(near.Rows, []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.4f", matrix[i][i+1])})
	}
	return near
}

// matrixTables are the values of neighbouring states, and all of them where a page can hold
// that many.
func matrixTables(of string, matrix [][]float64) []report.Table {
	near := neighbourTable(of+" of neighbouring states", of, matrix)
	if len(matrix) > mostColumns {
		return []report.Table{near}
	}
	return []report.Table{near, wholeTable(of+" of all states", "state", matrix)}
}

// wholeTable has all values of a matrix.
func wholeTable(caption, of string, matrix [][]float64) report.Table {
	all := report.Table{Caption: caption, Columns: []report.Column{{Name: of}}}
	for i, row := range matrix {
		if i == 0 {
			for j := range row {
				all.Columns = append(all.Columns, report.Column{Name: fmt.Sprint(j), Right: true})
			}
		}
		cells := []string{fmt.Sprint(i)}
		for _, v := range row {
			cells = append(cells, fmt.Sprintf("%.4f", v))
		}
		all.Rows = append(all.Rows, cells)
	}
	return all
}
