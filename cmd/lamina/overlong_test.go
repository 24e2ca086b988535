package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// One row too many for the model's positions: an error by default, left out and counted,
// or cut, in finetune and run.
func TestOverlongRows(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	long := `{"query":"q","choices":["` + strings.Repeat("a b ", 200) + `"],"gold":0}` + "\n"
	data := write(t, dir, "d.jsonl", manyQuestions(29)+long)
	test := write(t, dir, "test.jsonl", manyQuestions(4))
	tune := func(how ...string) (int, string, string) {
		out := filepath.Join(dir, "tune"+strings.Join(how, ""))
		return lamina(t, append([]string{"finetune", "--model", model, "--data", data, "--lr", "1e-3", "--steps", "1", "--batch", "2", "--out", out}, how...)...)
	}
	if code, _, stderr := tune(); code != exitError || !strings.Contains(stderr, "d.jsonl:30") || !strings.Contains(stderr, "more than the 96 the model can take") {
		t.Errorf("%q", stderr)
	}
	if code, stdout, stderr := tune("--overlong", "skip"); code != 0 || !strings.Contains(stdout, "on 29 examples (0 cut)") || !strings.Contains(stdout, "1 rows left out") {
		t.Errorf("%q %q", stdout, stderr)
	}
	if code, stdout, stderr := tune("--overlong", "cut"); code != 0 || !strings.Contains(stdout, "on 30 examples (1 cut)") {
		t.Errorf("%q %q", stdout, stderr)
	}
	for _, how := range []string{"skip", "cut"} {
		code, _, stderr := lamina(t, runArgs(model, data, test, filepath.Join(dir, "run"+how), "--rows", "crash", "--steps", "1", "--overlong", how)...)
		if code != 0 || strings.Contains(stderr, "are left out") != (how == "skip") {
			t.Errorf("%s: %q", how, stderr)
		}
	}
	only := write(t, dir, "only.jsonl", long)
	code, _, stderr := lamina(t, "finetune", "--model", model, "--data", only, "--lr", "1e-3", "--steps", "1", "--overlong", "skip", "--out", filepath.Join(dir, "none"))
	if stderr = withoutWarnings(stderr); code != exitError || !strings.Contains(stderr, "nothing is left to train on") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("%q", stderr)
	}
}

// Scores without the added space are those of rows that have it in their texts.
func TestTargetDelimiter(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	plain := write(t, dir, "plain.jsonl", `{"query":"what is 3?","choices":["a","b c"],"gold":1}`+"\n")
	own := write(t, dir, "own.jsonl", `{"query":"what is 3?","choices":[" a"," b c"],"gold":1,"target_delimiter":""}`+"\n")
	spaced := write(t, dir, "spaced.jsonl", `{"query":"what is 3?","choices":[" a"," b c"],"gold":1}`+"\n")
	rows := func(data string, more ...string) any {
		at := filepath.Join(dir, "e.json")
		must(t, append([]string{"eval", "--model", model, "--data", data, "--json", at}, more...)...)
		return read[map[string]any](t, at)["rows"]
	}
	want := rows(plain)
	for name, got := range map[string]any{"a flag": rows(spaced, "--target-delimiter", ""), "a field": rows(own)} {
		if jsonText(t, got) != jsonText(t, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if jsonText(t, rows(spaced)) == jsonText(t, want) {
		t.Error("two spaces score as one")
	}
	code, _, stderr := lamina(t, "eval", "--model", model, "--data", plain, "--task", "arc_easy", "--target-delimiter", "")
	if code != exitUsage || !strings.Contains(stderr, "task arc_easy: says itself") {
		t.Errorf("%d %q", code, stderr)
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
