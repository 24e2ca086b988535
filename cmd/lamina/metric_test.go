package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"lamina/crash/train"
)

// TestMetricOfValidations: what a validation tells is what eval scores of the kept weights.
func TestMetricOfValidations(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, valid := write(t, dir, "train.jsonl", manyQuestions(8)), write(t, dir, "held.jsonl", questions)
	out, result := filepath.Join(dir, "run"), filepath.Join(dir, "r.json")
	args := []string{"finetune", "--model", model, "--data", data, "--valid", valid, "--lr", "1e-2", "--steps", "6", "--eval-every", "2", "--batch", "4",
		"--metric", "acc_norm", "--best-by", "metric", "--out", out, "--json", result}
	succeed(t, args...)
	var r struct {
		Metric  string
		Outcome train.Outcome
	}
	if err := json.Unmarshal(contents(t, result), &r); err != nil {
		t.Fatal(err)
	}
	lines, err := train.ReadMetrics(out)
	if err != nil {
		t.Fatal(err)
	}
	best, told := 0.0, 0
	for _, m := range lines {
		if (m.ValidMetric != nil) != (m.ValidLoss != 0) {
			t.Errorf("step %d: metric %v, loss %v", m.Step, m.ValidMetric, m.ValidLoss)
		}
		if m.ValidMetric != nil {
			best, told = max(best, *m.ValidMetric), told+1
		}
	}
	if told != 4 || r.Metric != "acc_norm" || r.Outcome.BestMetric == nil || *r.Outcome.BestMetric != best {
		t.Errorf("%d metrics, the best %v; the outcome: %s %v", told, best, r.Metric, r.Outcome.BestMetric)
	}
	scored := filepath.Join(dir, "e.json")
	succeed(t, "eval", "--model", model, "--adapter", out, "--receipt", "none", "--data", valid, "--shots", "0", "--json", scored)
	var e struct {
		AccNorm *float64 `json:"acc_norm"`
	}
	if err := json.Unmarshal(contents(t, scored), &e); err != nil || e.AccNorm == nil || math.Abs(*e.AccNorm-best) > 0 {
		t.Errorf("eval says %v, the run %v: %v", e.AccNorm, best, err)
	}
	with := func(more ...string) []string {
		return append([]string{"finetune", "--model", model, "--data", data, "--lr", "1e-2", "--steps", "1", "--out", filepath.Join(dir, "x")}, more...)
	}
	fails(t, 2, "--valid", with("--metric", "acc")...)
	fails(t, 2, "--metric", with("--valid", valid, "--best-by", "metric")...)
	fails(t, 1, "acc, acc_norm", with("--valid", valid, "--metric", "f1")...)
}
