package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingIsIgnoredInSilence: a flag that cannot do what it says is refused or named,
// and so is a file that serves as two things.
func TestNothingIsIgnoredInSilence(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(4))
	twin, valid := write(t, dir, "twin.jsonl", manyQuestions(4)), write(t, dir, "valid.jsonl", manyQuestions(5))
	out := func() string { return filepath.Join(t.TempDir(), "out") }
	table := func(more ...string) []string {
		return append([]string{"run", "--model", model, "--keep", "2", "--trainable", "1", "--rows", "zs", "--lr", "1e-3", "--steps", "1", "--out", out()}, more...)
	}
	learn := func(more ...string) []string {
		return append([]string{"finetune", "--model", model, "--data", train, "--lr", "1e-3", "--steps", "1", "--batch", "2", "--out", out()}, more...)
	}
	fails(t, exitError, "test.jsonl: a file of split test, not train", "eval", "--model", model, "--data", test, "--split", "train")
	fails(t, exitError, "twin.jsonl: one file has no configuration", "eval", "--model", model, "--data", twin, "--config", "ARC-Easy")
	must(t, "eval", "--model", model, "--data", test, "--split", "test")
	must(t, "eval", "--model", model, "--data", twin, "--split", "test")
	fails(t, exitUsage, "--seeds: 1 comes twice", table("--train", train, "--test", test, "--seeds", "1,2,1")...)

	for _, c := range []struct {
		args []string
		want string // in the one warning; "": none
	}{
		{learn(), ""},
		{learn("--valid", valid), ""},
		{learn("--eval-every", "1"), "--eval-every 1 changes nothing without --valid"},
		{learn("--warmup", "1"), "--warmup 1 of 1 steps: the rate never reaches --lr"},
		{learn("--micro-batch", "3"), "--micro-batch 3 changes nothing: it is more than --batch 2"},
		{learn("--micro-batch", "2"), ""},
		{table("--train", train, "--test", test, "--warmup", "2"), "--warmup 2 of 1 steps"},
		{learn("--valid", train), "train.jsonl: holds the rows that are trained on"},
		{table("--train", train, "--test", test, "--valid", valid), ""},
		{table("--train", train, "--test", train), "the documents of --test are those of --train"},
		{table("--train", train, "--test", test, "--valid", twin), "the documents of --test are those of --valid"},
		{table("--train", train, "--test", test, "--support", twin), "the documents of --test are those of --support"},
		{table("--train", train, "--test", test, "--valid", train), "the documents of --valid are those of --train"},
	} {
		_, stderr := succeed(t, c.args...)
		var said []string
		for line := range strings.Lines(stderr) {
			if strings.HasPrefix(line, "lamina: warning: ") && !strings.Contains(line, "questions without a task") {
				said = append(said, line)
			}
		}
		if c.want == "" && len(said) > 0 || c.want != "" && (len(said) != 1 || !strings.Contains(fmt.Sprint(said), c.want)) {
			t.Errorf("%v: %q, want one warning of %q", c.args, said, c.want)
		}
	}
}

// TestMessagesSpeakOfJSON and name the file, not the types of Go.
func TestMessagesSpeakOfJSON(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	for text, want := range map[string]string{
		`{"a": 1}`:     "object, want array",
		`[[1.5]]`:      "number 1.5, want whole number",
		`[["a"]]`:      "string, want whole number",
		``:             "empty: want a JSON value",
		`[[1, 2], [3`:  "ends in the middle: is the file cut?",
		`[[1]] [[2]]`:  "more than one JSON value",
		`[[1], [1e9]]`: "want whole number",
	} {
		path := write(t, dir, "t.json", text)
		code, _, stderr := lamina(t, "logits", "--model", model, "--tokens", path)
		if code != exitError || !strings.Contains(stderr, path+": ") || !strings.Contains(stderr, want) || strings.Contains(stderr, "Go ") {
			t.Errorf("%q: exit %d, %q, want %q", text, code, stderr, want)
		}
	}
	fails(t, exitError, "sim.json: empty", "plan", "crash", "--keep", "2", "--trainable", "1", "--similarity", write(t, dir, "sim.json", ""))
	fails(t, exitError, "adapter.json: missing or unreadable: no such file or directory (want a run directory of finetune", "plug", "--model", model, "--adapter", dir, "--out", filepath.Join(dir, "p"))
	other := write(t, dir, "other.json", `{"matrix": []}`)
	fails(t, exitError, `other.json: has no field "plan"`, "emulate", "--model", model, "--plan", "@"+other, "--out", filepath.Join(dir, "e"))
	fails(t, exitError, "none.yaml: of its YAML documents none holds keys", "eval", "--model", model, "--data", other, "--task-file", write(t, dir, "none.yaml", ""))
}

// TestTokenizersThatOthersReadOtherwise are told of in every command that encodes text,
// once.
func TestTokenizersThatOthersReadOtherwise(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", manyQuestions(30))
	tokens := read[map[string]any](t, filepath.Join(model, "tokenizer.json"))
	tokens["added_tokens"] = append(tokens["added_tokens"].([]any), map[string]any{
		"id": 430, "content": "<far>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
	text, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	write(t, model, "tokenizer.json", string(text))
	for _, args := range [][]string{
		{"generate", "--prompt", "a cat", "--max-tokens", "1"},
		{"eval", "--data", data},
		{"similarity", "--data", data},
		{"finetune", "--data", data, "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "f")},
		{"run", "--train", data, "--test", data, "--keep", "2", "--trainable", "1", "--rows", "zs", "--lr", "1e-3", "--steps", "1", "--out", filepath.Join(dir, "r")},
	} {
		_, stderr := succeed(t, append(args, "--model", model)...)
		if n := strings.Count(stderr, `"<far>" has id 430`); n != 1 {
			t.Errorf("%v: told %d times: %q", args, n, stderr)
		}
	}
}
