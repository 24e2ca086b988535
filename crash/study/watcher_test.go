package study_test

import (
	"strings"
	"testing"

	"lamina/crash/study"
	"lamina/crash/train"
)

// TestWatcher: what a log gets of an experiment, and warnings apart from it.
func TestWatcher(t *testing.T) {
	var out strings.Builder
	var warned []string
	w := &study.Watcher{Out: &out, Warn: func(text string) { warned = append(warned, text) }}
	for _, e := range []study.Event{
		{Row: "full", Phase: "score", Total: 3},
		{Row: "full", Phase: "score", Done: 3, Total: 3},
		{Row: "crash", Phase: "train", Total: 9, Metrics: train.Metrics{ValidLoss: 2.5}},
		{Row: "crash", Phase: "train", Done: 4, Total: 9, Resumed: true},
		{Row: "crash", Phase: "train", Done: 5, Total: 9, Metrics: train.Metrics{Step: 5, Loss: 1}},
		{Phase: "warning", Warning: "doubtful"},
	} {
		w.Watch(e)
	}
	w.Note("after a close it is silent")
	w.Row(study.Row{Name: "crash"})
	w.Close()
	w.Close()
	got := out.String()
	for _, want := range []string{"crash train: validation loss 2.5000 before training\n", "crash train: goes on after step 4 of 9\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if len(warned) != 1 || warned[0] != "doubtful" || strings.Contains(got, "doubtful") || strings.Contains(got, "silent") || !strings.HasSuffix(got, "\n") {
		t.Errorf("warned %q, said %q", warned, got)
	}
}
