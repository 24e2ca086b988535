package main

import (
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
)

// TestInfoAgreesWithFinetune: what info says of activations is what finetune holds,
// for the same examples.
func TestInfoAgreesWithFinetune(t *testing.T) {
	dir, model := t.TempDir(), tinyModel(t)
	tokens := strings.Repeat(`{"context_ids":[1,2,3,4,5,6,7],"target_ids":[8,9,10]}`+"\n", 4)
	data, out := write(t, dir, "d.jsonl", tokens), filepath.Join(dir, "r.json")
	for _, c := range []struct {
		model string
		flags []string
	}{
		{model, []string{"--plan", "0* 2 5*"}}, {model, []string{"--plan", "0* 2 5*", "--recompute"}}, {model, []string{"--micro-batch", "2"}},
		{model, []string{"--peft", "lora", "--rank", "2", "--lora-dropout", "0.1", "--plan", "0* 2 5*"}}, {model, []string{"--peft", "adapter", "--adapter-width", "4"}},
		{model, []string{"--peft", "bitfit"}}, {golden("opt-prenorm"), []string{"--peft", "ia3", "--layers", "1"}},
		{golden("gpt2-tied"), []string{"--plan", "0* 1"}}, {golden("bloom-six"), []string{"--plan", "0* 1"}},
	} {
		model, flags := c.model, c.flags
		must(t, append([]string{"info", "--model", model, "--batch", "4", "--max-length", "9", "--targets", "3", "--json", out}, flags...)...)
		want := read[infoResult](t, out).Memory
		must(t, append([]string{"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "2", "--batch", "4", "--overwrite",
			"--out", filepath.Join(dir, "run"), "--json", out}, flags...)...)
		got := read[study.Finetuned](t, out)
		if got.Trained != want.Trainable || got.Outcome.PeakBytes > want.Activations || 10*got.Outcome.PeakBytes < 5*want.Activations {
			t.Errorf("%v: %d weights and %d bytes at the peak, info says %+v", flags, got.Trained, got.Outcome.PeakBytes, want)
		}
		if want.Training != want.Held+want.Optimiser+want.Activations+want.Process || want.TokensBatch != 36 {
			t.Errorf("%v: %+v does not add up", flags, want)
		}
	}
	for _, wrong := range [][]string{{"--batch", "0"}, {"--max-length", "4", "--targets", "5"}, {"--targets", "-1"}} {
		if code, _, _ := lamina(t, append([]string{"info", "--model", model}, wrong...)...); code != exitUsage {
			t.Errorf("info %v: exit %d", wrong, code)
		}
	}
}
