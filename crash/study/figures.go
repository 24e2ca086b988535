package study

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/internal/plot"
	"lamina/internal/report"
)

// figure is a picture with what stands beside it.
type figure struct {
	name         string
	picture      *plot.Picture
	caption, alt string
	values       []report.Table // what is drawn, where no table of the page has it
}

func (x *Experiment) figures() []figure {
	var out []figure
	if x.similarity != nil {
		out = append(out, figure{"similarity", x.heatMap().Draw(),
			"Linear CKA, a likeness of at most 1, between the hidden states of the full model on the support rows. State 0 is the embedding, state i the output of block i-1, the last one after the final norm. Squares are the clusters the plan was made from; the line below is of neighbouring states.",
			"Heat map: likeness of the hidden states", x.similarityValues()})
	}
	if len(x.planned()) > 0 {
		out = append(out, figure{"plans", x.strip().Draw(),
			"Which blocks run, and which of them are trained. A copy is a frozen block that stands in for a removed one; a changed one is scaled or made smaller; a map leads over a gap. The rows' table has the plans as text.", "Strips: the layer plan of each row", nil})
	}
	if len(x.curves) > 0 {
		out = append(out, figure{"loss", x.losses().Draw(),
			"Loss a target token while training, and on the validation rows. Emulators start higher: blocks are missing.", "Curves: loss of each row while it trains", []report.Table{x.lossValues()}})
	}
	return append(out, figure{"scores", x.scores().Draw(), "Accuracy with one standard error. The numbers are those of the table below.", "Accuracy of each row with its standard error", nil})
}

// similarityValues are the likenesses of neighbours, and all of them where a page can
// hold that many.
func (x *Experiment) similarityValues() []report.Table {
	const most = 33 // states
	matrix := x.similarity.Matrix
	neighbours := report.Table{Caption: "CKA of neighbouring states", Columns: []report.Column{{Name: "states"}, {Name: "CKA", Right: true}}}
	for i := range len(matrix) - 1 {
		neighbours.Rows = append(neighbours.Rows, []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.4f", matrix[i][i+1])})
	}
	if len(matrix) > most {
		return []report.Table{neighbours}
	}
	all := report.Table{Caption: "CKA of all states", Columns: []report.Column{{Name: "state"}}}
	for i, row := range matrix {
		all.Columns = append(all.Columns, report.Column{Name: fmt.Sprint(i), Right: true})
		cells := []string{fmt.Sprint(i)}
		for _, v := range row {
			cells = append(cells, fmt.Sprintf("%.4f", v))
		}
		all.Rows = append(all.Rows, cells)
	}
	return []report.Table{neighbours, all}
}

// lossValues are the ends of the loss curves.
func (x *Experiment) lossValues() report.Table {
	t := report.Table{Caption: "Loss in nats a target token", Columns: []report.Column{
		{Name: "row"}, {Name: "validation before", Right: true, Help: "before the first step"},
		{Name: "best validation", Right: true, Help: "of the checkpoint that was kept"}, {Name: "at step", Right: true, Help: "of that checkpoint"}, {Name: "steps", Right: true, Help: "that were trained"},
		{Name: "training at the end", Right: true, Help: "mean of the last tenth of the steps"},
	}}
	for _, k := range x.curves {
		at := slices.IndexFunc(x.Table.Rows, func(r Row) bool { return r.Name == k.row && r.Seed == x.Seeds[0] })
		before, best, step := "–", "–", "–"
		if len(k.metrics) > 0 && k.metrics[0].Step == 0 && k.metrics[0].ValidLoss > 0 {
			before = fmt.Sprintf("%.4f", k.metrics[0].ValidLoss)
		}
		r := x.Table.Rows[at]
		if r.ValidLoss > 0 {
			best, step = fmt.Sprintf("%.4f", r.ValidLoss), fmt.Sprint(r.BestStep)
		}
		t.Rows = append(t.Rows, []string{r.Name, before, best, step, fmt.Sprint(r.Steps), fmt.Sprintf("%.4f", r.TrainLoss)})
	}
	return t
}

func (x *Experiment) heatMap() plot.HeatMap {
	h := plot.HeatMap{Title: "Similarity of layers (CKA)", AxisLabel: "state", ValueLabel: "CKA", Matrix: x.similarity.Matrix, Neighbours: true}
	for _, c := range x.told.Clusters {
		h.Groups = append(h.Groups, plot.Span{From: c[0] + 1, To: c[len(c)-1] + 1})
	}
	return h
}

func (x *Experiment) strip() plot.Strip {
	s := plot.Strip{Title: "Layer plans", Layers: x.told.Blocks}
	for _, r := range x.planned() {
		p := plot.Plan{Name: r.Name}
		for _, slot := range r.shown() {
			if slot.IsMap() {
				p.Maps = append(p.Maps, plot.Map{Before: len(p.Places), Name: slot.String()})
				continue
			}
			place := plot.Place{Layer: slot.Layer, Trainable: slot.Trainable}
			if !slot.Trainable {
				place.Change = strings.TrimPrefix(slot.String(), fmt.Sprint(slot.Layer))
			}
			p.Places = append(p.Places, place)
		}
		s.Plans = append(s.Plans, p)
	}
	return s
}

func (x *Experiment) losses() plot.Curves {
	c := plot.Curves{Title: "Loss", XLabel: "step", YLabel: "nats a target token"}
	for _, k := range x.curves {
		run := plot.Run{Name: k.row}
		for _, m := range k.metrics {
			if m.Loss > 0 {
				run.Train = append(run.Train, plot.Point{X: float64(m.Step), Y: m.Loss})
			}
			if m.ValidLoss > 0 {
				run.Valid = append(run.Valid, plot.Point{X: float64(m.Step), Y: m.ValidLoss})
			}
		}
		c.Runs = append(c.Runs, run)
	}
	return c
}

func (x *Experiment) scores() plot.Scores {
	s := plot.Scores{Title: "Accuracy", XLabel: "%", Series: []string{"emulator zero-shot", "emulator tuned", "plug-in"}}
	estimate := func(v *float64, se float64) plot.Estimate {
		if v == nil {
			return plot.Estimate{Value: math.NaN()}
		}
		return plot.Estimate{Value: 100 * *v, StdErr: 100 * se, Label: percent(v)}
	}
	for _, r := range x.Table.Rows {
		name := r.Name
		if r.Seed != x.Table.Rows[0].Seed {
			name = fmt.Sprintf("%s, seed %d", r.Name, r.Seed)
		}
		s.Rows = append(s.Rows, plot.Row{Name: name, Values: []plot.Estimate{
			estimate(r.EmulatorZS, binomial(r.EmulatorZS, r.N)), estimate(r.EmulatorFT, binomial(r.EmulatorFT, r.N)), estimate(r.PlugIn, r.Stderr),
		}})
		if r.LR == 0 && r.PlugIn != nil { // nothing was trained
			s.Marks = append(s.Marks, plot.Mark{Name: "zero-shot", Value: 100 * *r.PlugIn})
		}
	}
	return s
}

// binomial is the standard error of an accuracy over n documents.
func binomial(v *float64, n int) float64 {
	if v == nil || n < 2 {
		return 0
	}
	return math.Sqrt(*v * (1 - *v) / float64(n-1))
}
