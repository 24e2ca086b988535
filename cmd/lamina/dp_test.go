package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/train"
)

// privateArgs is a finetune that is private, of 40 rows.
func privateArgs(model, data, out string, more ...string) []string {
	return append([]string{"finetune", "--model", model, "--plan", "0* 1 5*", "--data", data, "--lr", "1e-3", "--steps", "6", "--batch", "4",
		"--dp-sgd", "--dp-clip", "0.1", "--dp-delta", "1e-4", "--out", out}, more...)
}

// TestPrivateFinetune: ε stands in what is printed, in the metrics and in the result, and in
// the adapter where it is asked for; the key is in no other file than its own, and what is
// sent tells neither it nor rate nor noise.
func TestPrivateFinetune(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", manyQuestions(40))
	result := filepath.Join(dir, "r.json")
	for _, claim := range []bool{false, true} {
		out := filepath.Join(dir, "run")
		args := privateArgs(model, data, out, "--dp-epsilon", "3", "--overwrite", "--json", result)
		if claim {
			args = append(args, "--dp-claim")
		}
		stdout, _ := succeed(t, args...)
		r := read[struct {
			Outcome train.Outcome
			Epsilon float64
			Drawn   int
		}](t, result)
		spent := r.Outcome.Private
		if !(spent.Epsilon > 2.9 && spent.Epsilon <= 3) || r.Epsilon != spent.Epsilon || spent.Rate != 0.1 || !strings.Contains(stdout, "DP-SGD: (ε, δ) = (3, 0.0001)") {
			t.Errorf("%+v\n%s", r, stdout)
		}
		adapter := string(contents(t, filepath.Join(out, "adapter", "adapter.json")))
		if strings.Contains(adapter, `"dp_sgd": "(epsilon, delta) = (`) != claim || strings.Contains(adapter, "noise") || strings.Contains(adapter, "rate") {
			t.Errorf("asked for a claim: %v\n%s", claim, adapter)
		}
		key := read[struct{ Key string }](t, filepath.Join(out, "secret", "noise.json")).Key
		for _, name := range []string{"config.json", "metrics.jsonl", "adapter/adapter.json", "adapter/adapter.safetensors", "adapter/MANIFEST.json"} {
			if content := contents(t, filepath.Join(out, name)); len(key) != 64 || bytes.Contains(content, []byte(key[:12])) {
				t.Errorf("%s holds the key", name)
			}
		}
	}
}

// TestPrivateRunGoesOn stops a run of the binary's and takes it up again: its adapter is
// that of a run that was not stopped, where the key is the same.
func TestPrivateRunGoesOn(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", manyQuestions(40))
	whole, halves := filepath.Join(dir, "whole"), filepath.Join(dir, "halves")
	seed := []string{"--dp-noise", "1", "--dp-seed", "7", "--save-every", "1"}
	_, stderr := succeed(t, privateArgs(model, data, whole, seed...)...)
	if !strings.Contains(stderr, "--dp-seed 7: who knows the seed takes the noise away") {
		t.Errorf("no warning: %s", stderr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, _, stderr := laminaContext(t, ctx, privateArgs(model, data, halves, seed...)...); code == 0 {
		t.Fatalf("was not stopped: %s", stderr)
	}
	succeed(t, privateArgs(model, data, halves, seed...)...)
	if !bytes.Equal(contents(t, filepath.Join(whole, "adapter", "adapter.safetensors")), contents(t, filepath.Join(halves, "adapter", "adapter.safetensors"))) {
		t.Error("the run that was stopped has other weights")
	}
	if _, err := os.Stat(filepath.Join(whole, "secret")); err == nil {
		t.Error("a run by a seed keeps a key")
	}
}

// TestPrivateFlagsAreHeldTogether: what is missing, too much or changes nothing is an error
// by name, and what weakens the guarantee is told.
func TestPrivateFlagsAreHeldTogether(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", manyQuestions(40))
	out := filepath.Join(dir, "run")
	for want, args := range map[string][]string{
		"--dp-clip and --dp-delta":           {"--dp-sgd", "--dp-noise", "1"},
		"one of --dp-noise and --dp-epsilon": {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1e-5", "--dp-noise", "1", "--dp-epsilon", "2"},
		"needs one of --dp-noise":            {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1e-5"},
		"which is not given":                 {"--dp-noise", "1"},
		"--clip 2 with --dp-sgd":             {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1e-5", "--dp-noise", "1", "--clip", "2"},
		"--micro-batch 2 with --dp-sgd":      {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1e-5", "--dp-noise", "1", "--micro-batch", "2"},
		"--no-shuffle with --dp-sgd":         {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1e-5", "--dp-noise", "1", "--no-shuffle"},
		"--dp-delta 1: want":                 {"--dp-sgd", "--dp-clip", "1", "--dp-delta", "1", "--dp-noise", "1"},
		"--dp-clip -1":                       {"--dp-sgd", "--dp-clip", "-1", "--dp-delta", "1e-5", "--dp-noise", "1"},
	} {
		fails(t, exitUsage, want, slices.Concat([]string{"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "2", "--out", out}, args)...)
	}
	fails(t, exitError, "--pack eos with --dp-sgd", privateArgs(model, data, out, "--dp-noise", "1", "--pack", "eos")...)
	fails(t, exitError, "no noise up to", privateArgs(model, data, out, "--dp-epsilon", "1e-9")...)
	if _, err := os.Stat(out); err == nil {
		t.Error("a refused run made a directory")
	}
	chosen := filepath.Join(dir, "chosen")
	succeed(t, privateArgs(model, data, chosen, "--dp-noise", "1", "--dp-claim", "--valid", write(t, dir, "v.jsonl", questions))...)
	if claim := string(contents(t, filepath.Join(chosen, "adapter", "adapter.json"))); !strings.Contains(claim, "chosen by other rows, which it does not cover") {
		t.Errorf("the claim covers what chose the weights: %s", claim)
	}
	_, stderr := succeed(t, privateArgs(model, data, out, "--dp-noise", "0", "--dp-delta", "0.5", "--valid", data)...)
	for _, want := range []string{"--dp-noise 0: ", "--dp-delta 0.5 of 40 examples", "the guarantee speaks of --data alone"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %s", want, stderr)
		}
	}
	texts := write(t, dir, "t.jsonl", strings.Repeat(`{"text": "a small cat is black and old"}`+"\n", 8))
	_, stderr = succeed(t, privateArgs(model, texts, filepath.Join(dir, "lora"), "--dp-noise", "1", "--peft", "lora", "--rank", "2")...)
	if !strings.Contains(stderr, "a text of more than 96 tokens is several examples") {
		t.Errorf("nothing of windows in %s", stderr)
	}
}
