package study

import (
	"fmt"
	"math"

	"lamina/internal/plot"
)

// figure is a picture with what stands beside it.
type figure struct {
	name         string
	picture      *plot.Picture
	caption, alt string
}

func (x *Experiment) figures() []figure {
	var out []figure
	if x.protocols[0].similarity != nil {
		out = append(out, figure{"similarity", x.heatMap().Draw(),
			"Linear CKA between the hidden states of the full model on the support rows. State 0 is the embedding, state i the output of block i-1, the last one after the final norm. Squares are the clusters the plan was made from.",
			"heat map of layer similarity"})
	}
	if len(x.planned()) > 0 {
		out = append(out, figure{"plans", x.strip().Draw(),
			"Which blocks run, and which of them are trained. A copy is a frozen block that stands in for a removed one.", "layer plans, a row each"})
	}
	if len(x.curves) > 0 {
		out = append(out, figure{"loss", x.losses().Draw(),
			"Loss a target token while training, and on the validation rows. Emulators start higher: blocks are missing.", "loss curves"})
	}
	return append(out, figure{"scores", x.scores().Draw(), "Accuracy with one standard error.", "accuracy of each row"})
}

func (x *Experiment) heatMap() plot.HeatMap {
	h := plot.HeatMap{Title: "Similarity of layers (CKA)", AxisLabel: "state", ValueLabel: "CKA", Matrix: x.protocols[0].similarity.Matrix}
	for _, c := range x.protocols[0].clusters() {
		h.Groups = append(h.Groups, plot.Span{From: c[0] + 1, To: c[len(c)-1] + 1})
	}
	return h
}

func (x *Experiment) strip() plot.Strip {
	s := plot.Strip{Title: "Layer plans", Layers: len(x.protocols[0].Full.Blocks)}
	for _, r := range x.planned() {
		p := plot.Plan{Name: r.Name}
		for _, slot := range r.Plan {
			p.Places = append(p.Places, plot.Place{Layer: slot.Layer, Trainable: slot.Trainable})
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
