package report_test

import (
	"bytes"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"lamina/internal/files"
	"lamina/internal/plot"
	"lamina/internal/report"
)

// The sizes of a real report: SmolLM2's 30 blocks, plans that keep 15, ten rows.
const demoLayers = 30

func demoMatrix() [][]float64 {
	n := demoLayers + 1
	m := make([][]float64, n)
	for i := range m {
		m[i] = make([]float64, n)
		for j := range m[i] {
			d := math.Abs(float64(i - j))
			m[i][j] = math.Exp(-d*d/320) * (1 - 0.25*math.Min(1, d)*math.Exp(-float64(min(i, j))/2.5))
		}
	}
	return m
}

func places(trainable map[int]bool, layers ...int) []plot.Place {
	var out []plot.Place
	starred := map[int]bool{}
	for i, l := range layers {
		home := i == l || len(layers) < demoLayers
		out = append(out, plot.Place{Layer: l, Trainable: trainable[l] && home && !starred[l]})
		starred[l] = starred[l] || out[i].Trainable
	}
	return out
}

func demoStrip() plot.Strip {
	crash := []int{0, 1, 2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 26, 28, 29}
	t := map[int]bool{0: true, 10: true, 21: true, 29: true}
	var full []int
	for l, k := 0, 0; l < demoLayers; l++ {
		if k+1 < len(crash) && crash[k+1]-l < l-crash[k] || k+1 < len(crash) && crash[k+1] == l {
			k++
		}
		full = append(full, crash[k])
	}
	return plot.Strip{Title: "Layer plans", Layers: demoLayers, Plans: []plot.Plan{
		{Name: "uniform", Places: places(map[int]bool{0: true, 1: true, 28: true, 29: true}, 0, 1, 3, 6, 8, 10, 12, 14, 16, 19, 21, 23, 26, 28, 29)},
		{Name: "crash", Places: places(t, crash...)},
		{Name: "share-all", Places: places(t, full...)},
	}}
}

func demoCurves() plot.Curves {
	c := plot.Curves{Title: "Loss of the emulators", XLabel: "step", YLabel: "loss (nats per target token)", Log: true}
	for r, name := range []string{"full", "uniform", "crash", "share-all"} {
		run := plot.Run{Name: name}
		for s := range 400 {
			x := float64(s + 1)
			noise := 0.25 * math.Sin(x*12.9898+float64(r)*78.233) * math.Cos(x*4.1414)
			y := 0.55 + 0.12*float64(r) + 2.2*math.Exp(-x/60)
			run.Train = append(run.Train, plot.Point{X: x, Y: y * (1 + noise)})
			if s%50 == 49 {
				run.Valid = append(run.Valid, plot.Point{X: x, Y: y * 1.07})
			}
		}
		c.Runs = append(c.Runs, run)
	}
	return c
}

func demoTable() (report.Table, plot.Scores) {
	t := report.Table{Caption: "Accuracy on ARC-Easy, 570 questions", Columns: []report.Column{
		{Name: "row"}, {Name: "emulator_zs", Right: true, Help: "emulator before fine-tuning"}, {Name: "emulator_ft", Right: true}, {Name: "plug_in", Right: true},
		{Name: "stderr", Right: true}, {Name: "delta", Right: true}, {Name: "lr", Right: true}, {Name: "seconds", Right: true}, {Name: "peak", Right: true}, {Name: "plan"},
	}}
	s := plot.Scores{Title: "Accuracy ± one standard error", XLabel: "accuracy", Series: []string{"emulator, untrained", "emulator, fine-tuned", "plugged in"},
		Marks: []plot.Mark{{Name: "chance", Value: 0.25}, {Name: "zero-shot", Value: 0.583}}}
	estimate := func(v float64) (plot.Estimate, string) {
		e := math.Sqrt(v * (1 - v) / 570)
		label := fmt.Sprintf("%.3f ± %.3f", v, e)
		return plot.Estimate{Value: v, StdErr: e, Label: label}, strconv.FormatFloat(v, 'f', 3, 64)
	}
	for i, name := range []string{"zs", "full", "ceiling", "uniform", "uniform-learnable", "random (5)", "crash", "share-all", "share-frozen", "interpolated"} {
		var cells [3]string
		var values []plot.Estimate
		for k := range 3 {
			if i < 3 && k < 2 {
				values = append(values, plot.Estimate{Value: math.NaN()})
				cells[k] = "–"
				continue
			}
			v, s := estimate(0.27 + 0.11*float64(k) + 0.013*float64((i*7)%9))
			values, cells[k] = append(values, v), s
		}
		s.Rows = append(s.Rows, plot.Row{Name: name, Values: values})
		plan := "0* 1 2 4 6 8 10* 12 15 18 21* 24 26 28 29*"
		t.Rows = append(t.Rows, []string{name, cells[0], cells[1], cells[2], "0.021", fmt.Sprintf("%+.3f", 0.05-0.013*float64(i)), "3e-05", "412.7", "1.93 GB", plan})
	}
	return t, s
}

func demoHeat() plot.HeatMap {
	return plot.HeatMap{Title: "CKA between layer states", AxisLabel: "state (0 = embeddings, i = output of block i−1)", ValueLabel: "linear CKA",
		Matrix: demoMatrix(), Groups: []plot.Span{{From: 1, To: 3}, {From: 4, To: 9}, {From: 10, To: 16}, {From: 17, To: 24}, {From: 25, To: 30}}}
}

func demoReport() report.Report {
	figure := func(p *plot.Picture, caption, alt string) report.Figure {
		return report.Figure{SVG: template.HTML(p.SVG()), Caption: caption, Alt: alt}
	}
	table, scores := demoTable()
	return report.Report{
		Title: "CRaSh on SmolLM2-135M-Instruct, ARC-Easy", Subtitle: "Keep 15 of 30 layers, train 4; seed 42",
		Facts: []report.Fact{{Name: "Model", Value: "SmolLM2-135M-Instruct.Q4_1.gguf"}, {Name: "Task", Value: "arc_easy, rules 0.4"}, {Name: "Rows", Value: "2025 train · 226 valid · 512 support · 570 test"},
			{Name: "Precision", Value: "f32"}, {Name: "Kernels", Value: "avx2+fma, 2 threads"}, {Name: "Version", Value: "lamina v0.1.0, go1.26"}},
		Sections: []report.Section{
			{Title: "Results", Text: []string{"Each emulator row trains the starred layers without the removed ones; plug_in puts them back into the full model."},
				Tables: []report.Table{table}, Figures: []report.Figure{figure(scores.Draw(), "Whiskers are one standard error over questions.", "Accuracies of ten rows")},
				Notes: []string{"The learning rate was chosen by the emulator's validation loss.", "Both sharing rows are always reported."}},
			{Title: "Similarity", Figures: []report.Figure{figure(demoHeat().Draw(), "Red squares: clusters of adjacent blocks.", "CKA rises towards the diagonal; embeddings differ from all blocks")}},
			{Title: "Plans", Figures: []report.Figure{figure(demoStrip().Draw(), "", "Three plans of 30 layers")}},
			{Title: "Training", Figures: []report.Figure{figure(demoCurves().Draw(), "", "Losses fall in all four runs")}},
		},
	}
}

// TestDemoReport writes a report of realistic size. With LAMINA_REPORT_OUT set
// to a directory the page and its pictures stay there, to be looked at.
func TestDemoReport(t *testing.T) {
	dir := os.Getenv("LAMINA_REPORT_OUT")
	if dir == "" {
		dir = t.TempDir()
	}
	path := filepath.Join(dir, "report.html")
	if err := demoReport().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	_, scores := demoTable()
	for name, p := range map[string]*plot.Picture{"cka": demoHeat().Draw(), "plans": demoStrip().Draw(), "loss": demoCurves().Draw(), "accuracy": scores.Draw()} {
		if err := files.Write(filepath.Join(dir, name+".png"), p.PNG); err != nil {
			t.Error(err)
		}
		if err := files.WriteBytes(filepath.Join(dir, name+".svg"), []byte(p.SVG())); err != nil {
			t.Error(err)
		}
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, page)
	const limit = 320 << 10 // a page that a phone loads at once
	if len(page) > limit {
		t.Errorf("page has %d bytes, limit %d", len(page), limit)
	}
	var again bytes.Buffer
	if err := demoReport().Render(&again); err != nil || !bytes.Equal(page, again.Bytes()) {
		t.Errorf("second rendering differs (%v)", err)
	}
}
