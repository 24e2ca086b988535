package main

import (
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"strings"

	"lamina/crash/study"
	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// percent shows a share, or a dash where a row has none.
func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100**v)
}

// table is the result as people read it; the numbers are table.json's.
func (x *experiment) table() report.Table {
	t := report.Table{Columns: []report.Column{
		{Name: "row"}, {Name: "seed", Right: true}, {Name: "lr", Right: true},
		{Name: "emulator zero-shot", Right: true, Help: "accuracy of the emulator before training, %"},
		{Name: "emulator tuned", Right: true, Help: "accuracy of the emulator after training, %"},
		{Name: "plug-in", Right: true, Help: "accuracy of the full model with the trained blocks, %"},
		{Name: "± s.e.", Right: true, Help: "standard error of the plug-in's accuracy"},
		{Name: "delta", Right: true, Help: "plug-in less tuned emulator: what the owner keeps"},
		{Name: "held weights", Right: true, Help: "weights the data owner holds, of the full model's"},
		{Name: "seconds", Right: true}, {Name: "peak", Right: true, Help: "weights held, gradients, moments and the largest pass"},
	}}
	for _, r := range x.Table.Rows {
		lr := "–"
		if r.LR > 0 {
			lr = fmt.Sprintf("%g", r.LR)
		}
		peak := "–"
		if r.PeakBytes > 0 {
			peak = bytesText(r.PeakBytes)
		}
		t.Rows = append(t.Rows, []string{
			r.Row, fmt.Sprint(r.Seed), lr, percent(r.EmulatorZS), percent(r.EmulatorFT), percent(r.PlugIn),
			fmt.Sprintf("%.1f", 100*r.Stderr), percent(r.Delta), fmt.Sprintf("%.0f%%", 100*float64(r.HeldParams)/float64(x.Settings.Params)),
			fmt.Sprintf("%.0f", r.Seconds), peak,
		})
	}
	return t
}

// plans lists the plan of each row that has one of its own.
func (x *experiment) plans() report.Table {
	t := report.Table{Columns: []report.Column{{Name: "row"}, {Name: "plan", Help: "original layer of each place; * trains"}}}
	for _, r := range x.planned() {
		t.Rows = append(t.Rows, []string{r.Row, r.Plan.String()})
	}
	return t
}

// planned returns the rows of the first seed that do not train the model whole.
func (x *experiment) planned() []study.Row {
	var rows []study.Row
	for _, r := range x.Table.Rows {
		if r.Row != "zs" && r.Row != "full" && r.Seed == x.Table.Rows[0].Seed {
			rows = append(rows, r)
		}
	}
	return rows
}

// writeTables writes table.json, .md and .csv, after each row.
func writeTables(dir string, x *experiment) error {
	text, err := indented(x.Table)
	if err != nil {
		return err
	}
	if err := files.WriteBytes(filepath.Join(dir, "table.json"), text); err != nil {
		return err
	}
	t := x.table()
	if err := files.WriteBytes(filepath.Join(dir, "table.md"), []byte(t.Markdown()+"\n\n"+x.plans().Markdown()+"\n")); err != nil {
		return err
	}
	return files.WriteBytes(filepath.Join(dir, "table.csv"), []byte(t.CSV()+"\n"))
}

// write draws the pictures and writes the report.
func (x *experiment) write(dir string) error {
	if err := writeTables(dir, x); err != nil {
		return err
	}
	figures := x.figures()
	if err := os.MkdirAll(filepath.Join(dir, "plots"), 0o755); err != nil {
		return err
	}
	for _, f := range figures {
		path := filepath.Join(dir, "plots", f.name)
		if err := files.WriteBytes(path+".svg", []byte(f.picture.SVG())); err != nil {
			return err
		}
		if err := files.Write(path+".png", f.picture.PNG); err != nil {
			return err
		}
	}
	return x.report(figures).WriteFile(filepath.Join(dir, "report.html"))
}

// figure is a picture with what stands beside it.
type figure struct {
	name         string
	picture      *plot.Picture
	caption, alt string
}

func (x *experiment) figures() []figure {
	var out []figure
	if x.Similarity != nil {
		out = append(out, figure{"similarity", x.heatMap().Draw(),
			"Linear CKA between the hidden states of the full model on the support rows. State 0 is the embedding, state i the output of block i-1, the last one after the final norm. Squares are the clusters the plan was made from.",
			"heat map of layer similarity"})
	}
	if len(x.planned()) > 0 {
		out = append(out, figure{"plans", x.strip().Draw(),
			"Which blocks run, and which of them are trained. A copy is a frozen block that stands in for a removed one.", "layer plans, a row each"})
	}
	if len(x.Curves) > 0 {
		out = append(out, figure{"loss", x.losses().Draw(),
			"Loss a target token while training, and on the validation rows. Emulators start higher: blocks are missing.", "loss curves"})
	}
	return append(out, figure{"scores", x.scores().Draw(), "Accuracy with one standard error.", "accuracy of each row"})
}

func (x *experiment) heatMap() plot.HeatMap {
	h := plot.HeatMap{Title: "Similarity of layers (CKA)", AxisLabel: "state", ValueLabel: "CKA", Matrix: x.Similarity.Matrix}
	for _, c := range x.Clusters {
		h.Groups = append(h.Groups, plot.Span{From: c[0] + 1, To: c[len(c)-1] + 1})
	}
	return h
}

func (x *experiment) strip() plot.Strip {
	s := plot.Strip{Title: "Layer plans", Layers: x.Layers}
	for _, r := range x.planned() {
		p := plot.Plan{Name: r.Row}
		for _, slot := range r.Plan {
			p.Places = append(p.Places, plot.Place{Layer: slot.Layer, Trainable: slot.Trainable})
		}
		s.Plans = append(s.Plans, p)
	}
	return s
}

func (x *experiment) losses() plot.Curves {
	c := plot.Curves{Title: "Loss", XLabel: "step", YLabel: "nats a target token"}
	for _, k := range x.Curves {
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

func (x *experiment) scores() plot.Scores {
	s := plot.Scores{Title: "Accuracy", XLabel: "%", Series: []string{"emulator zero-shot", "emulator tuned", "plug-in"}}
	estimate := func(v *float64, se float64) plot.Estimate {
		if v == nil {
			return plot.Estimate{Value: math.NaN()}
		}
		return plot.Estimate{Value: 100 * *v, StdErr: 100 * se, Label: percent(v)}
	}
	for _, r := range x.Table.Rows {
		name := r.Row
		if r.Seed != x.Table.Rows[0].Seed {
			name = fmt.Sprintf("%s, seed %d", r.Row, r.Seed)
		}
		s.Rows = append(s.Rows, plot.Row{Name: name, Values: []plot.Estimate{
			estimate(r.EmulatorZS, binomial(r.EmulatorZS, r.N)), estimate(r.EmulatorFT, binomial(r.EmulatorFT, r.N)), estimate(r.PlugIn, r.Stderr),
		}})
		if r.Row == "zs" && r.PlugIn != nil {
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

func (x *experiment) report(figures []figure) report.Report {
	c, t := x.Settings, x.Table
	trainRates := make([]string, len(c.LRs))
	for i, lr := range c.LRs {
		trainRates[i] = fmt.Sprintf("%g", lr)
	}
	r := report.Report{
		Title:    "Fine-tuning without the full model: " + t.Model,
		Subtitle: fmt.Sprintf("task %s, %d of %d blocks kept, %d trained", t.Task, c.Keep, x.Layers, c.Trainable),
		Facts: []report.Fact{
			{Name: "Model", Value: fmt.Sprintf("%s, %s weights, %d blocks", t.Model, countText(c.Params), x.Layers)},
			{Name: "Rows", Value: fmt.Sprintf("%d trained on, %d validation, %d support, %d scored", t.Splits.Train, t.Splits.Valid, t.Splits.Support, t.Splits.Test)},
			{Name: "Training", Value: fmt.Sprintf("AdamW, learning rate %s, batch %d, %s, clip %g, dropout %g", strings.Join(trainRates, " or "), c.Training.Batch, duration(c), c.Training.Clip, c.Training.Dropout)},
			{Name: "Scoring", Value: "lm-evaluation-harness rules " + c.Rules + ", zero-shot, acc"},
			{Name: "Computed on", Value: t.Versions["device"] + ", " + t.Versions["platform"] + ", " + t.Versions["go"]},
		},
	}
	var pictures []report.Figure
	for _, f := range figures {
		pictures = append(pictures, report.Figure{SVG: template.HTML(f.picture.SVG()), Caption: f.caption, Alt: f.alt})
	}
	r.Sections = []report.Section{
		{Title: "Result", Tables: []report.Table{x.table()}, Figures: pictures[len(pictures)-1:], Notes: []string{
			"Learning rate and checkpoint were chosen by the loss of the emulator (of the model, in the rows full and ceiling) on the validation rows. Plans were made from the support rows only. The scored rows were read for nothing else.",
			"Numbers are of one run a seed. Two rows differ by chance if they lie within about two standard errors of each other.",
		}},
		{Title: "Layers", Tables: []report.Table{x.plans()}, Figures: pictures[:len(pictures)-1]},
	}
	return r
}

func duration(c runConfig) string {
	if c.Training.Steps > 0 {
		return fmt.Sprintf("%d steps", c.Training.Steps)
	}
	if c.Training.Epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", c.Training.Epochs)
}
