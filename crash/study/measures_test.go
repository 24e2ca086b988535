package study_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/exchange"
	"lamina/crash/measure"
	"lamina/crash/study"
	"lamina/internal/files"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/tensor"
	"lamina/transformer"
)

// plugged is the plug-in of a row that was trained in dir.
func plugged(t *testing.T, full *transformer.Decoder, dir string, r study.Row) *transformer.Decoder {
	t.Helper()
	adapter, err := exchange.OpenAdapter(filepath.Join(dir, "rows", r.Name, fmt.Sprintf("lr%g", r.LR)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { adapter.Close() })
	d, _, err := adapter.Plugged(full)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// between is a decoder whose weights lie at a of the way from one's to another's.
func between(be kernels.Backend, from, to *transformer.Decoder, a float64) *transformer.Decoder {
	d := from.Clone()
	end := slices.Collect(to.Params())
	i := 0
	for w := range d.Params() {
		values, far := w.Value.Floats(), end[i].Value.Floats()
		for k := range values {
			values[k] += a * (far[k] - values[k])
		}
		w.Value = tensor.MustFromFloats(be, tensor.F32, values, w.Value.Shape()...)
		i++
	}
	return d
}

// TestMeasuresOfRows: each number against a slow way to it. The cosine against the question
// that plans are chosen by, the predicted gain against a difference quotient of the loss
// along the change of T, losses against the scores of single documents.
func TestMeasuresOfRows(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full, dir := crashtest.Small(be, "llama"), t.TempDir()
	p := protocol(t, be, full, dir, "zs", "full", "ceiling", "uniform", "crash", "share-all", "crash-ghost", "svd", "all=0 1* 2 3 4* 5")
	rows, err := table(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	loss := func(d *transformer.Decoder, items []transformer.Continuation) float64 {
		v, err := measure.Loss(t.Context(), be, d, items)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	g := &measure.Gradients{Backend: be, Full: full, Items: p.Support.Answers}
	defer g.Close()
	for _, r := range rows {
		m := r.Measures
		if r.Name == "zs" || r.Name == "full" {
			if m != nil || r.AnswerLoss == nil {
				t.Errorf("%s: measures %+v, answer loss %v", r.Name, m, r.AnswerLoss)
			}
			continue
		}
		d := plugged(t, full, dir, r)
		answersAgree(t, r, p, func(items []transformer.Continuation) float64 { return loss(d, items) })
		if got := loss(full, p.Support.Answers) - loss(d, p.Support.Answers); *m.SupportGain != got {
			t.Errorf("%s: gain %v, want %v", r.Name, *m.SupportGain, got)
		}
		const step = 0.05
		slope := (loss(between(be, full, d, -step), p.Support.Answers) - loss(between(be, full, d, step), p.Support.Answers)) / (2 * step)
		if math.Abs(*m.PredictedGain-slope) > 0.02*math.Abs(slope)+1e-5 {
			t.Errorf("%s: predicted gain %v, by differences %v", r.Name, *m.PredictedGain, slope)
		}
		if want := 16 * r.TrainParams; m.PeakBytes < want || m.PeakBytes > want+16<<20 || m.SupportTokens == 0 || len(m.Blocks) != 2 {
			t.Errorf("%s: %d bytes for %d weights, %d tokens, %d blocks", r.Name, m.PeakBytes, r.TrainParams, m.SupportTokens, len(m.Blocks))
		}
		if r.Name == "ceiling" || r.Name == "all" {
			if *m.Cosine != 1 || *m.Signs != 1 || (m.ExactShare == nil) != (r.Name == "ceiling") {
				t.Errorf("%s: cosine %v, signs %v, exact %v", r.Name, *m.Cosine, *m.Signs, m.ExactShare)
			}
			continue
		}
		if r.Name == "svd" { // embeddings, trained blocks, norms and biases
			if *m.ExactShare <= 1-float64(4*full.Config.BlockParams())/float64(full.Config.Params()) || *m.ExactShare >= 1 || *m.Cosine >= 1 {
				t.Errorf("%s: exact weights %v, cosine %v", r.Name, *m.ExactShare, *m.Cosine)
			}
			continue
		}
		if want := 1 - float64(2*full.Config.BlockParams())/float64(full.Config.Params()); *m.ExactShare != want || *m.Cosine >= 1 || *m.Signs >= 1 {
			t.Errorf("%s: exact weights %v, want %v; cosine %v, signs %v", r.Name, *m.ExactShare, want, *m.Cosine, *m.Signs)
		}
		if r.Name == "uniform" || r.Name == "crash" {
			want, err := g.Cosine(t.Context(), r.Plan.Kept(), r.Plan.Trainable())
			if err != nil || math.Abs(*m.Cosine-want) > 1e-12 {
				t.Errorf("%s: cosine %v, want %v (%v)", r.Name, *m.Cosine, want, err)
			}
		}
	}
}

// answersAgree compares the losses of a row with those of single documents.
func answersAgree(t *testing.T, r study.Row, p *study.Protocol, loss func([]transformer.Continuation) float64) {
	t.Helper()
	sum, tokens := 0.0, 0
	for i, pair := range p.Test.Pairs {
		n := len(pair.Target)
		one := loss([]transformer.Continuation{{Context: pair.Context, Target: pair.Target}}) * float64(n)
		if math.Abs(float64(r.Losses[i])-one) > 1e-5*one {
			t.Errorf("%s: document %d has a loss of %v, want %v", r.Name, i, r.Losses[i], one)
		}
		sum, tokens = sum+one, tokens+n
	}
	if want := sum / float64(tokens); math.Abs(*r.AnswerLoss-want) > 1e-5*want {
		t.Errorf("%s: answer loss %v, want %v", r.Name, *r.AnswerLoss, want)
	}
}

// TestFullGradientsAreMeasuredOnce for rows that train the same layers, and none is kept
// that no later row needs.
func TestFullGradientsAreMeasuredOnce(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	p := protocol(t, be, full, "", "ceiling", "mine=0* 2* 4 5", "crash", "share-all")
	p.LRs = p.LRs[:1]
	passes := map[string]int{}
	p.Watch = func(e study.Event) {
		if e.Phase == "measures" && e.Done == e.Total {
			passes[e.Row]++
		}
	}
	if _, err := table(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(passes), "map[ceiling:1 crash:1 mine:2 share-all:1]"; got != want {
		t.Errorf("passes over the answers %s, want %s", got, want)
	}
}

// TestRowsWithoutMeasures: what cannot be measured is told, and the row stands.
func TestRowsWithoutMeasures(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	full := crashtest.Small(be, "opt")
	for what, spoil := range map[string]func(p *study.Protocol){
		"an id":      func(p *study.Protocol) { p.Support.Answers[1].Target = []int32{99} },
		"no answers": func(p *study.Protocol) { p.Support.Answers = nil },
	} {
		p := protocol(t, be, full, "", "zs", "uniform")
		spoil(p)
		var told []string
		p.Watch = func(e study.Event) {
			if e.Warning != "" {
				told = append(told, e.Warning)
			}
		}
		rows, err := table(t.Context(), p)
		if err != nil || rows[1].PlugIn == nil || rows[1].Measures != nil {
			t.Errorf("%s: %v, %+v", what, err, rows)
		}
		why := map[string]string{"an id": "text 1: target", "no answers": "no support text with an answer: give other documents"}[what]
		if !slices.ContainsFunc(told, func(w string) bool { return strings.Contains(w, "row uniform: not measured: "+why) }) {
			t.Errorf("%s: warnings %q", what, told)
		}
	}
}

// TestRowsOfEarlierVersions open, and the tables say what was not measured.
func TestRowsOfEarlierVersions(t *testing.T) {
	dir := t.TempDir()
	run := func() *study.Experiment {
		x := experiment(t, dir, "zs", "ceiling", "uniform")
		x.Seeds = x.Seeds[:1]
		if err := x.Open(false); err != nil {
			t.Fatal(err)
		}
		if err := x.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		return x
	}
	if text := run().Text(); strings.Contains(text, "not measured") {
		t.Errorf("of this version: %s", text)
	}
	path := filepath.Join(dir, "seed-1", "rows", "uniform", "result.json")
	var old map[string]any
	if err := files.ReadSealed(path, files.Small, &old); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"measures", "answer_loss", "losses"} {
		if _, ok := old[key]; !ok {
			t.Fatalf("no %s in %s", key, path)
		}
		delete(old, key)
	}
	if err := files.WriteSealed(path, old); err != nil {
		t.Fatal(err)
	}
	olderTable(t, filepath.Join(dir, "table.json"))
	x := run()
	md, err := os.ReadFile(filepath.Join(dir, "table.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(x.ReportFile())
	if err != nil {
		t.Fatal(err)
	}
	csv, err := os.ReadFile(filepath.Join(dir, "table.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"stdout": x.Text(), "table.md": string(md), "report.html": string(page), "table.csv": string(csv)} {
		if !strings.Contains(text, "not measured") {
			t.Errorf("%s: %s", what, text)
		}
	}
	if m := x.Table.Rows[2].Measures; m.Cosine != nil || m.HeldShare == nil || m.TrainingFree == nil || !*m.TrainingFree {
		t.Errorf("%+v", m)
	}
}

// olderTable takes from a table what earlier versions did not write, and reads it.
func olderTable(t *testing.T, path string) {
	t.Helper()
	var old map[string]any
	if err := files.ReadJSON(path, &old); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"baselines", "notes", "answer_tokens", "chance"} {
		delete(old, key)
	}
	for _, list := range []string{"rows", "comparisons"} {
		for _, one := range old[list].([]any) {
			for _, key := range []string{"measures", "answer_loss", "losses", "won", "lost", "loss"} {
				delete(one.(map[string]any), key)
			}
		}
	}
	if err := files.WriteJSON(path, old); err != nil {
		t.Fatal(err)
	}
	var table study.Table
	if err := files.ReadJSON(path, &table); err != nil || len(table.Rows) != 3 || len(table.Comparisons) == 0 {
		t.Errorf("%v: %+v", err, table)
	}
}
