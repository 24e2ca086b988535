package train_test

import (
	"context"
	"strings"
	"testing"

	"lamina/crash/crashtest"
	"lamina/crash/train"
	"lamina/kernels/ref"
)

// scores is a metric that tells numbers in turn.
func scores(lower bool, values ...float64) *train.Scored {
	n := 0
	return &train.Scored{Name: "acc", Lower: lower, Measure: func(context.Context) (float64, error) {
		v := values[n]
		n++
		return v, nil
	}}
}

// TestMetricChooses: the weights of the best metric are kept, of equal ones those of the
// lower loss; without BestBy the loss chooses and the metric is told.
func TestMetricChooses(t *testing.T) {
	be := ref.New()
	run := func(by string, s *train.Scored) (train.Outcome, []train.Metrics) {
		t.Helper()
		tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 2 5* 4")
		tr.Settings.Epochs, tr.Settings.Steps, tr.Settings.EvalEvery, tr.Settings.BestBy = 0, 3, 1, by
		tr.Score = s
		var lines []train.Metrics
		tr.Report = func(m train.Metrics) {
			if m.ValidLoss != 0 {
				lines = append(lines, m)
			}
		}
		out, err := tr.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tr.Close()
		return out, lines
	}
	plain, lines := run("", nil)
	if plain.BestMetric != nil || lines[0].ValidMetric != nil {
		t.Error("a metric without one")
	}
	best := plain.BestStep
	worst := (best + 1) % 4
	values := func(at int) []float64 {
		v := []float64{0, 0, 0, 0}
		v[at] = 0.5
		return v
	}
	if out, lines := run("", scores(false, values(worst)...)); out.BestStep != best || *out.BestMetric != 0 || *lines[worst].ValidMetric != 0.5 {
		t.Errorf("by loss: step %d, metric %v, want step %d", out.BestStep, *out.BestMetric, best)
	}
	if out, _ := run("metric", scores(false, values(worst)...)); out.BestStep != worst || *out.BestMetric != 0.5 || out.BestLoss != lines[worst].ValidLoss {
		t.Errorf("by metric: step %d, metric %v, loss %v", out.BestStep, *out.BestMetric, out.BestLoss)
	}
	if out, _ := run("metric", scores(true, 3, 2, 1, 9)); out.BestStep != 2 {
		t.Errorf("by a perplexity: step %d", out.BestStep)
	}
	if out, _ := run("metric", scores(false, 0.5, 0.5, 0.5, 0.5)); out.BestStep != best {
		t.Errorf("of equal ones: step %d, want %d of the lowest loss", out.BestStep, best)
	}
	tr, _ := trainer(t, be, crashtest.Small(be, "opt"), "0* 1 2 2 5* 4")
	tr.Settings.BestBy = "metric"
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--metric") {
		t.Errorf("no metric: %v", err)
	}
}
