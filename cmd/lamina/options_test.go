package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
	"lamina/crash/train"
)

// TestOptionsReachTheTraining: each flag is recorded in config.json, all of them train
// together, in two emulators by turns, and what comes back is plugged in as ever.
func TestOptionsReachTheTraining(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, valid := write(t, dir, "d.jsonl", manyQuestions(12)), write(t, dir, "v.jsonl", manyQuestions(5))
	one, two, result := filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "r.json")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", one)
	must(t, "emulate", "--model", model, "--plan", "0* 1 3 5*", "--out", two)
	run := filepath.Join(dir, "run")
	tune := func(more ...string) []string {
		return append([]string{"finetune", "--model", one, "--data", data, "--valid", valid, "--lr", "1e-3", "--batch", "4", "--overwrite", "--json", result}, more...)
	}
	must(t, tune("--out", run, "--steps", "6", "--eval-every", "2", "--also", two, "--weight-decay", "0.1", "--weight-decay-on", "*.gate_proj.*,*.up_proj.*",
		"--lr-of", "*.gate_proj.*=0.5", "--layer-lr-decay", "0.8", "--ema", "0.9", "--ema-at-once", "--patience", "9", "--min-delta", "0.001", "--proximal", "0.01",
		"--label-smoothing", "0.1", "--drop-span", "0.5", "--gap-noise", "0.01", "--max-grad-skip", "3")...)
	text, err := os.ReadFile(filepath.Join(run, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	flat := strings.Join(strings.Fields(string(text)), "")
	for _, want := range []string{
		fmt.Sprintf(`"also":[%q]`, two), `"groups":[{"match":"*.gate_proj.*","weight_decay":0.1},{"match":"*.up_proj.*","weight_decay":0.1},{"weight_decay":0}]`,
		`"rates":[{"match":"*.gate_proj.*","times":0.5}]`, `"layer_lr_decay":0.8`, `"ema":0.9`, `"ema_at_once":true`, `"patience":9`, `"min_delta":0.001`,
		`"proximal":0.01`, `"label_smoothing":0.1`, `"drop_span":0.5`, `"gap_noise":0.01`, `"max_grad_skip":3`,
	} {
		if !strings.Contains(flat, want) {
			t.Errorf("config.json has no %s: %s", want, flat)
		}
	}
	r := read[study.Finetuned](t, result)
	if r.Terms["proximal"] <= 0 || r.Terms["next_token"] <= 0 || r.Terms["margin"] == 0 {
		t.Errorf("terms %v", r.Terms)
	}
	must(t, "plug", "--model", model, "--adapter", run, "--out", filepath.Join(dir, "plugged"))

	early, _ := succeed(t, tune("--out", filepath.Join(dir, "early"), "--steps", "40", "--warmup", "1", "--min-delta", "5", "--eval-every", "1", "--patience", "2")...)
	if o := read[study.Finetuned](t, result).Outcome; !o.Early || o.Steps >= 40 || !strings.Contains(early, "ended early: the validation loss no longer improved") {
		t.Errorf("%+v: %s", o, early)
	}
	plain := read[map[string]any](t, filepath.Join(dir, "early", "config.json"))
	if s := plain["settings"].(map[string]any); s["patience"] != 2.0 || len(s) != 12 || plain["also"] != nil {
		t.Errorf("a run with one option records %v", plain)
	}
	must(t, "info", "--model", one, "--ema", "--proximal", "--json", result)
	if m := read[infoResult](t, result).Memory; m.Optimiser != 24*m.Trainable {
		t.Errorf("%d bytes of %d weights with average and T₀", m.Optimiser, m.Trainable)
	}
}

// TestOptionsThatCannotBe: one line each, before a run directory is made.
func TestOptionsThatCannotBe(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, one := write(t, dir, "d.jsonl", manyQuestions(6)), filepath.Join(dir, "one")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", one)
	other := filepath.Join(dir, "other")
	must(t, "emulate", "--model", model, "--plan", "0* 2* 5", "--out", other)
	out := filepath.Join(dir, "run")
	tune := func(more ...string) []string {
		return append([]string{"finetune", "--model", one, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out}, more...)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "--weight-decay-on all changes nothing without --weight-decay", tune("--weight-decay-on", "all")},
		{exitUsage, "--weight-decay-on all,*.gate_proj.*: want matrices, all, or patterns", tune("--weight-decay", "0.1", "--weight-decay-on", "all,*.gate_proj.*")},
		{exitError, `group "*.fc1.*": fits no trained parameter`, tune("--weight-decay", "0.1", "--weight-decay-on", "*.fc1.*")},
		{exitUsage, `--lr-of "*.gate_proj.*": want PATTERN=X`, tune("--lr-of", "*.gate_proj.*")},
		{exitUsage, `rate of "*.gate_proj.*": -1 times the learning rate`, tune("--lr-of", "*.gate_proj.*=-1")},
		{exitError, `rate of "*.layers.2.*": fits no trained parameter`, tune("--lr-of", "*.layers.2.*=0.1")},
		{exitUsage, "--layer-lr-decay 0: want above 0", tune("--layer-lr-decay", "0")},
		{exitUsage, "--layer-lr-decay 2: want above 0", tune("--layer-lr-decay", "2")},
		{exitUsage, "--ema 1: want", tune("--ema", "1")},
		{exitUsage, "--patience -1: want", tune("--patience", "-1")},
		{exitUsage, "--label-smoothing 1: want", tune("--label-smoothing", "1")},
		{exitUsage, "--drop-span 2: want a probability", tune("--drop-span", "2")},
		{exitUsage, "--gap-noise -1: want", tune("--gap-noise", "-1")},
		{exitUsage, "--max-grad-skip -1: want", tune("--max-grad-skip", "-1")},
		{exitError, "--also " + model + ": is no emulator", tune("--also", model)},
		{exitError, "--also " + other + ": layers [0 2] train", tune("--also", other)},
	} {
		fails(t, c.code, c.want, c.args...)
		if _, err := os.Stat(out); err == nil {
			t.Fatalf("%v: the run directory was made", c.args)
		}
	}
	for want, args := range map[string][]string{
		"--min-delta 1 changes nothing without --patience":    tune("--min-delta", "1"),
		"--ema-at-once changes nothing without --ema":         tune("--ema-at-once"),
		"--patience 2 changes nothing without --valid":        tune("--patience", "2"),
		"--layer-lr-decay 1 changes nothing":                  tune("--layer-lr-decay", "1"),
		"--drop-span 0.5 changes nothing: every block trains": {"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out, "--drop-span", "0.5"},
		"--gap-noise 0.5 changes nothing: every block trains": {"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "1", "--out", out, "--gap-noise", "0.5"},
	} {
		if _, stderr := succeed(t, append(args, "--overwrite")...); !strings.Contains(stderr, "lamina: warning: "+want) {
			t.Errorf("%v: %q, want %q", args, stderr, want)
		}
	}
}

// TestStepsLeftOutAreTold on standard error, and in metrics.jsonl by their examples.
func TestStepsLeftOutAreTold(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, run := write(t, dir, "d.jsonl", manyQuestions(4)), filepath.Join(dir, "run")
	args := []string{"finetune", "--model", model, "--data", data, "--lr", "1e37", "--steps", "3", "--batch", "4", "--out", run}
	fails(t, exitError, "lower --lr", args...)
	stdout, stderr := succeed(t, append(args, "--max-grad-skip", "5", "--overwrite")...)
	m, err := train.ReadMetrics(run)
	if err != nil || len(m) != 3 || len(m[2].Skipped) != 4 || m[2].Loss != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if !strings.Contains(stderr, "left out: its loss or its gradient is not finite, of examples [") || !strings.Contains(stdout, "2 steps left out") {
		t.Errorf("%q, %q", stderr, stdout)
	}
}
