package study

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"lamina/crash/train"
	"lamina/internal/report"
)

// Text is the result as a terminal shows it: the table, and the plans of its rows.
func (x *Experiment) Text() string {
	text := x.result().Text()
	if len(x.planned()) > 0 {
		text += x.plans().Text()
	}
	return text
}

// String is the row in a line, for progress.
func (r Row) String() string {
	return fmt.Sprintf("%-18s plug-in %s ± %.1f  emulator %s → %s  (%.0f s)", r.Name, percent(r.PlugIn), 100*r.Stderr, percent(r.EmulatorZS), percent(r.EmulatorFT), r.Seconds)
}

// percent shows a share, or a dash where a row has none.
func percent(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100**v)
}

// result is the table as people read it; the numbers are table.json's.
func (x *Experiment) result() report.Table {
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
			peak = report.Bytes(r.PeakBytes)
		}
		t.Rows = append(t.Rows, []string{
			r.Name, fmt.Sprint(r.Seed), lr, percent(r.EmulatorZS), percent(r.EmulatorFT), percent(r.PlugIn),
			fmt.Sprintf("%.1f", 100*r.Stderr), percent(r.Delta), fmt.Sprintf("%.0f%%", 100*float64(r.HeldParams)/float64(x.protocols[0].Full.Config.Params())),
			fmt.Sprintf("%.0f", r.Seconds), peak,
		})
	}
	return t
}

// plans lists the plan of each row that has one of its own.
func (x *Experiment) plans() report.Table {
	t := report.Table{Columns: []report.Column{{Name: "row"}, {Name: "plan", Help: "original layer of each place; * trains"}}}
	for _, r := range x.planned() {
		t.Rows = append(t.Rows, []string{r.Name, r.Plan.String()})
	}
	return t
}

// report is the page: result, facts and pictures.
func (x *Experiment) report(figures []figure) report.Report {
	p, t := x.protocols[0], x.Table
	layers, s := len(p.Full.Blocks), p.Settings
	rates := make([]string, len(p.LRs))
	for i, lr := range p.LRs {
		rates[i] = fmt.Sprintf("%g", lr)
	}
	r := report.Report{
		Title:    "Fine-tuning without the full model: " + t.Model,
		Subtitle: fmt.Sprintf("task %s, %d of %d blocks kept, %d trained", t.Task, p.Keep, layers, p.Trainable),
		Facts: []report.Fact{
			{Name: "Model", Value: fmt.Sprintf("%s, %s weights, %d blocks", t.Model, report.Count(p.Full.Config.Params()), layers)},
			{Name: "Rows", Value: fmt.Sprintf("%d trained on, %d validation, %d support, %d scored", t.Splits.Train, t.Splits.Valid, t.Splits.Support, t.Splits.Test)},
			{Name: "Training", Value: fmt.Sprintf("AdamW, learning rate %s, batch %d, %s, clip %g, dropout %g", strings.Join(rates, " or "), s.Batch, duration(s), s.Clip, s.Dropout)},
			{Name: "Scoring", Value: "lm-evaluation-harness rules " + t.Versions["rules"] + ", zero-shot, acc"},
			{Name: "Computed on", Value: t.Versions["device"] + ", " + t.Versions["platform"] + ", " + t.Versions["go"]},
		},
	}
	var pictures []report.Figure
	for _, f := range figures {
		pictures = append(pictures, report.Figure{SVG: template.HTML(f.picture.SVG()), Caption: f.caption, Alt: f.alt})
	}
	r.Sections = []report.Section{
		{Title: "Result", Tables: []report.Table{x.result()}, Figures: pictures[len(pictures)-1:], Notes: []string{
			"Learning rate and checkpoint were chosen by the loss of the emulator (of the model, in the rows " + strings.Join(wholeRows(), " and ") + ") on the validation rows. Plans were made from the support rows only. The scored rows were read for nothing else.",
			"Numbers are of one run a seed. Two rows differ by chance if they lie within about two standard errors of each other.",
		}},
		{Title: "Layers", Tables: []report.Table{x.plans()}, Figures: pictures[:len(pictures)-1]},
	}
	return r
}

// wholeRows names the rows that train in the full model.
func wholeRows() []string {
	return Names(slices.DeleteFunc(slices.Clone(Recipes), func(r Recipe) bool { return r.emulates() || r.Trains == Nothing }))
}

func duration(s train.Settings) string {
	if s.Steps > 0 {
		return fmt.Sprintf("%d steps", s.Steps)
	}
	if s.Epochs == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", s.Epochs)
}
