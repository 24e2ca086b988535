package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/plan"
)

// TestPlanIsShaped as flags say, without a model, and says what it could not fill.
func TestPlanIsShaped(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--repair", "none"}, "0* 3 5*\n"},
		{[]string{"--repair", "ghost"}, "0* ~ 3 ~ 5*\n"},
		{[]string{"--repair", "patch", "--compress", "q8_0"}, "0* ~patch 3:q8_0 ~patch 5*\n"},
		{[]string{"--share", "damped"}, "0* 0xfit 3xfit 3 5xfit 5*\n"},
	} {
		out := filepath.Join(t.TempDir(), "plan.json")
		args := append([]string{"plan", "fixed", "--layers", "6", "--list", "0,3,5", "--trainable", "2", "--train-at", "0,5", "--json", out}, c.flags...)
		if got := must(t, args...); got != c.want {
			t.Errorf("%v: %q, want %q", c.flags, got, c.want)
		}
		f := read[plan.File](t, out)
		if f.Plan.String()+"\n" != c.want || (f.Repair == plan.Repair(plan.Ghost)) != slices.Contains(c.flags, "ghost") || (f.Compress == "q8_0") != slices.Contains(c.flags, "q8_0") {
			t.Errorf("%v: %+v", c.flags, f)
		}
	}
	code, stdout, stderr := lamina(t, "plan", "fixed", "--layers", "9", "--list", "0,3,5", "--trainable", "2", "--train-at", "0,5", "--repair", "replaceme")
	if code != 0 || stdout != "0* 3:replaceme 5*\n" || !strings.Contains(stderr, "--repair replaceme leaves the gaps of layers 1 to 2, 6 to 8: no frozen layer without a transform stands below them") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
	fails(t, exitUsage, "share all and repair ghost: sharing fills every removed place", "plan", "uniform", "--layers", "6", "--keep", "3", "--trainable", "2", "--share", "all", "--repair", "ghost")
}

// TestEmulateRefusesToFit in a line, and writes nothing.
func TestEmulateRefusesToFit(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(9))
	one := write(t, dir, "one.jsonl", manyQuestions(1))
	absent := filepath.Join(dir, "absent")
	out := filepath.Join(dir, "emulator")
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		// Before the model is opened.
		{exitUsage, "share frozen and repair ghost: sharing fills every removed place, and leaves no gap to repair", []string{"--model", absent, "--plan", "0* 5*", "--share", "frozen", "--repair", "ghost"}},
		{exitUsage, "compress: transform \"svd\": want a number behind svd, such as svd0.5", []string{"--model", absent, "--plan", "0* 5*", "--compress", "svd"}},
		{exitUsage, "--ridge 0: want more than 0 and at most 1", []string{"--model", absent, "--plan", "0* ~ 5*", "--ridge", "0"}},
		{exitUsage, "--tokens: repair: weighting \"all\" is unknown: want rms, drop-first, plain", []string{"--model", absent, "--plan", "0* ~ 5*", "--tokens", "all"}},
		{exitUsage, "--lambda -1: want 0 to 1e+06", []string{"--model", absent, "--plan", "0* ~ 5*", "--lambda=-1"}},
		{exitUsage, "--samples 0: want 1 or more", []string{"--model", absent, "--plan", "0* ~ 5*", "--samples", "0"}},
		{exitUsage, "--task is for --support PATH", []string{"--model", absent, "--plan", "0* ~ 5*", "--task", "arc_easy"}},
		// By the plan.
		{exitUsage, "plan 0* ~ 5*: place 1, ~, is fitted on texts: give some (--support FILE)", []string{"--plan", "0* ~ 5*"}},
		{exitUsage, "place 1, 0xfit, is fitted on texts: give some (--support FILE)", []string{"--plan", "0* 5*", "--share", "damped"}},
		{exitUsage, "place 1, 3:asvd0.5, is fitted on texts", []string{"--plan", "0* 3 5*", "--compress", "asvd0.5"}},
		{exitError, "plan: place 1: ~: nothing is left out between layers 4 and 5", []string{"--plan", "4 ~ 5*", "--support", data}},
		{exitError, "repair ghost: plan 0* ~ 5* has maps already", []string{"--plan", "0* ~ 5*", "--repair", "ghost", "--support", data}},
		{exitError, "place 1, 3xfit: a scale is fitted where each place stands for its layer: the plan has 3 places, the model 6 layers", []string{"--plan", "0* 3xfit 5*", "--support", data}},
		{exitError, "place 4, ~: is fitted to what enters layer 2, and place 1 below it to what enters layer 5: want ascending layers", []string{"--plan", "3 ~ 5* 0 ~ 2", "--support", data}},
		// By the texts.
		{exitError, "absent: no such", []string{"--plan", "0* ~ 5*", "--support", absent + ".jsonl"}},
		{exitError, "more documents in --support, more of them with --samples, or a larger --ridge", []string{"--plan", "0* ~ 5*", "--support", one, "--ridge", "1e-7"}},
	} {
		args := append([]string{"emulate", "--out", out}, c.args...)
		if !slices.Contains(args, "--model") {
			args = append(args, "--model", model)
		}
		fails(t, c.code, strings.ReplaceAll(c.want, "absent: no such", "absent.jsonl: no such"), args...)
	}
	if names, _ := filepath.Glob(out + "*"); names != nil {
		t.Errorf("left %v", names)
	}
	for _, plan := range []string{"0* ~ 5*", "0* 3:svd0.5 5*"} {
		fails(t, exitError, "write the emulator with lamina emulate, which fits it",
			"finetune", "--model", model, "--data", data, "--plan", plan, "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "run"))
	}
}
