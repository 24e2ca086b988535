package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/exchange"
)

// TestEmulateRepairs: what flags ask for is fitted on the support documents, said in a line
// each with the numbers that are given away, written to lamina.json, and trained and plugged
// in as ever; the weights are the same bytes for any number of threads.
func TestEmulateRepairs(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(30))
	for _, c := range []struct {
		flags   []string
		plan    string // as it is written; # stands for a number
		fits    int
		numbers int // of gaps
	}{
		{[]string{"--repair", "ghost"}, "0* ~ 3 ~ 5*", 2, 2 * 32 * 32},
		{[]string{"--repair", "patch"}, "0* ~patch 3 ~patch 5*", 2, 2 * 32},
		{[]string{"--repair", "hadamard", "--tokens", "plain"}, "0* ~hadamard 3 ~hadamard 5*", 2, 2 * 32},
		{[]string{"--repair", "scalar"}, "0* ~scalar 3 ~scalar 5*", 2, 2},
		{[]string{"--repair", "replaceme", "--ridge", "0.01"}, "0* 3:replaceme 5*", 1, 32 * 32},
		{[]string{"--share", "damped"}, "0* 0x# 3x# 3 5x# 5*", 3, 3},
		{[]string{"--repair", "ghost", "--compress", "svd0.5"}, "0* ~ 3:svd0.5 ~ 5*", 2, 2 * 32 * 32},
		{[]string{"--compress", "asvd0.5", "--tokens", "drop-first"}, "0* 3:asvd0.5 5*", 1, 0},
	} {
		var weights [2][]byte
		var handed exchange.HandedOut
		out := filepath.Join(t.TempDir(), "emulator")
		for i, threads := range []string{"1", "3"} {
			result := filepath.Join(dir, "result.json")
			args := append([]string{"emulate", "--model", model, "--plan", "0* 3 5*", "--support", data, "--task", "arc_easy", "--samples", "20",
				"--out", out, "--overwrite", "--json", result, "--threads", threads}, c.flags...)
			stdout := must(t, args...)
			handed = read[exchange.HandedOut](t, result)
			if got := withoutScales(handed.Plan.String()); got != c.plan {
				t.Errorf("%v: plan %s, want %s", c.flags, got, c.plan)
			}
			numbers := 0
			for _, f := range handed.Fits {
				if !strings.Contains(stdout, f.String()+"\n") {
					t.Errorf("%v: %q is not said: %s", c.flags, f, stdout)
				}
				if f.Tokens > 0 {
					numbers += f.Numbers
				}
			}
			if told := strings.Contains(stdout, "of the layers left out and of the support documents it has the numbers"); told != (c.numbers > 0) || strings.Contains(stdout, "nothing in it is of data") {
				t.Errorf("%v: what is in it: %s", c.flags, stdout)
			}
			if len(handed.Fits) != c.fits || numbers != c.numbers || !strings.Contains(stdout, "fitted to the first 20 documents of "+data) || handed.Health == nil {
				t.Errorf("%v: %+v, %s", c.flags, handed.Manifest, stdout)
			}
			weights[i] = weightsOf(t, out)
		}
		if !slices.Equal(weights[0], weights[1]) {
			t.Errorf("%v: other weights with three threads", c.flags)
		}
		run, plugged := filepath.Join(out, "..", "run"), filepath.Join(out, "..", "plugged")
		must(t, "finetune", "--model", out, "--data", data, "--task", "arc_easy", "--lr", "1e-3", "--steps", "1", "--batch", "4", "--out", run)
		must(t, "plug", "--model", model, "--adapter", run, "--receipt", handed.Receipt, "--out", plugged)
	}
	code, _, stderr := lamina(t, "emulate", "--model", model, "--plan", "0* 1 2 3 4 5*", "--repair", "ghost", "--support", data, "--out", filepath.Join(dir, "whole"))
	if code != 0 || !strings.Contains(stderr, "--repair ghost: nothing is left out in the plan 0* 1 2 3 4 5*") || !strings.Contains(stderr, "--support is not read") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestEmulateFitsToTextsOfAnyLength: those that are longer than the model's positions are
// cut, those of a token are rows like others; few of them are told.
func TestEmulateFitsToTextsOfAnyLength(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "texts.jsonl", `{"text":"`+strings.Repeat("a small cat is ", 200)+`"}`+"\n"+`{"text":"a"}`+"\n")
	result := filepath.Join(dir, "result.json")
	code, stdout, stderr := lamina(t, "emulate", "--model", model, "--plan", "0* ~ 3 5*", "--support", data, "--out", filepath.Join(dir, "emulator"), "--json", result)
	if code != 0 || !strings.Contains(stdout, "fitted to the first 2 documents") {
		t.Fatalf("exit %d: %s%s", code, stdout, stderr)
	}
	const positions = 96
	if tokens := read[exchange.HandedOut](t, result).Fits[0].Tokens; tokens <= positions || tokens > 2*positions {
		t.Errorf("fitted to %d tokens, the model has %d positions", tokens, positions)
	}
	if !strings.Contains(stderr, "linear maps of 32 channels are fitted to ") || !strings.Contains(stderr, "give more --support, 128 tokens or more") {
		t.Errorf("few tokens are not told: %s", stderr)
	}
}

// withoutScales replaces the numbers of scales in a plan by #.
func withoutScales(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if layer, _, ok := strings.Cut(w, "x"); ok && !strings.Contains(w, ":") {
			words[i] = layer + "x#"
		}
	}
	return strings.Join(words, " ")
}

// weightsOf returns the bytes of a directory's weights.
func weightsOf(t *testing.T, dir string) (all []byte) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}
