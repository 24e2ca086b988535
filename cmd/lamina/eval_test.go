package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// harnessData are the tiny models and documents that lm-eval scored too.
const harnessData = "../../crash/task/testdata/lmeval"

func harnessDocs(name string) string { return filepath.Join(harnessData, "docs", name) }

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestEvalOfSeveralTasks(t *testing.T) {
	dir := t.TempDir()
	out, scores := filepath.Join(dir, "out"), filepath.Join(dir, "scores.json")
	args := []string{"eval", "--model", filepath.Join(harnessData, "opt"), "--task", "arc_easy,lambada_openai", "--json", scores,
		"--data", harnessDocs("arc_easy.jsonl") + "," + harnessDocs("lambada_openai.jsonl"), "--out", out, "--log-samples"}
	table := must(t, args...)
	for _, want := range []string{"|arc_easy", "|lambada_openai|", "perplexity", "n-shot", "26 documents"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	var both []struct {
		Task string
		N    int
		Acc  float64
		Data []struct{ Name, SHA256 string }
	}
	readJSON(t, scores, &both)
	if len(both) != 2 || both[0].Task != "arc_easy" || both[0].N != 26 || both[1].N != 29 || len(both[1].Data) != 1 || len(both[1].Data[0].SHA256) != 64 {
		t.Errorf("%+v", both)
	}
	written, err := filepath.Glob(filepath.Join(out, "opt", "results_*.json"))
	if err != nil || len(written) != 1 {
		t.Fatalf("%v, %v", written, err)
	}
	var results struct {
		Results map[string]map[string]any
		Lamina  struct{ Rules string }
	}
	readJSON(t, written[0], &results)
	if got := results.Results["arc_easy"]["acc,none"]; got != both[0].Acc || results.Lamina.Rules != "0.4" {
		t.Errorf("%v, want acc %v", results, both[0].Acc)
	}
	if samples, _ := filepath.Glob(filepath.Join(out, "opt", "samples_*.jsonl")); len(samples) != 2 {
		t.Errorf("samples: %v", samples)
	}

	// A finished task is not scored again: its kept row is believed.
	kept := filepath.Join(out, "tasks", "arc_easy.json")
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), `"seconds":`, `"seconds":1234.5,"was":`, 1)
	if err := os.WriteFile(kept, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	if again := must(t, args...); !strings.Contains(again, "1234.5 s") {
		t.Errorf("scored again:\n%s", again)
	}
	// One whose data has changed is.
	other := write(t, dir, "arc_easy.jsonl", `{"query":"q","choices":["a","b"],"gold":1}`+"\n")
	fails(t, exitError, "other data", "eval", "--model", filepath.Join(harnessData, "opt"), "--task", "arc_easy", "--data", other, "--out", out)
	fails(t, exitError, `rules is "0.4" there, "0.3" now`, append(args, "--rules", "0.3")...)
	if fresh := must(t, append(args, "--overwrite")...); strings.Contains(fresh, "1234.5 s") {
		t.Errorf("--overwrite kept a task:\n%s", fresh)
	}
}

// A data set's directory gives the split that is scored and the one examples come
// from.
func TestEvalOfADirectory(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]string{"test.jsonl": "arc_easy.jsonl", "train.jsonl": "arc_easy.train.jsonl"} {
		text, err := os.ReadFile(harnessDocs(file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, string(text))
	}
	model := filepath.Join(harnessData, "opt")
	a, b := filepath.Join(dir, "a.out"), filepath.Join(dir, "b.out")
	must(t, "eval", "--model", model, "--task", "arc_easy", "--data", dir, "--shots", "2", "--json", a)
	must(t, "eval", "--model", model, "--task", "arc_easy", "--data", harnessDocs("arc_easy.jsonl"), "--shots", "2",
		"--shots-data", harnessDocs("arc_easy.train.jsonl"), "--json", b)
	var x, y struct {
		Shots int
		Rows  json.RawMessage
	}
	readJSON(t, a, &x)
	readJSON(t, b, &y)
	if x.Shots != 2 || string(x.Rows) != string(y.Rows) {
		t.Error("a directory and its files give different scores")
	}
	must(t, "eval", "--model", model, "--task", "arc_easy", "--data", dir, "--split", "train", "--json", a)
}

// A task file that says what arc_easy is gives arc_easy's scores.
func TestEvalOfATaskFile(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "own.yaml", `task: own
output_type: multiple_choice
test_split: test
training_split: train
doc_to_text: "Question: {question}\nAnswer:"
choices: "{choices.text}"
gold: "{{choices.label.index(answerKey)}}"
num_fewshot: 2
`)
	model := filepath.Join(harnessData, "opt")
	a, b := filepath.Join(dir, "a.out"), filepath.Join(dir, "b.out")
	text, err := os.ReadFile(harnessDocs("arc_easy.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var kept strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `""`) { // a task file refuses empty choices
			kept.WriteString(line)
		}
	}
	docs, shots := write(t, dir, "docs.jsonl", kept.String()), harnessDocs("arc_easy.train.jsonl")
	table := must(t, "eval", "--model", model, "--task-file", file, "--data", docs, "--shots-data", shots, "--json", a)
	must(t, "eval", "--model", model, "--task", "arc_easy", "--data", docs, "--shots", "2", "--shots-data", shots, "--json", b)
	var x, y struct {
		Task string
		Rows json.RawMessage
	}
	readJSON(t, a, &x)
	readJSON(t, b, &y)
	if x.Task != "own" || string(x.Rows) != string(y.Rows) || !strings.Contains(table, "|own") {
		t.Errorf("task %q, other scores than arc_easy:\n%s", x.Task, table)
	}
	bad := write(t, dir, "bad.yaml", "task: own\noutput_tpe: multiple_choice\n")
	fails(t, exitError, `bad.yaml:2:1: the key "output_tpe" is not known`, "eval", "--model", model, "--task-file", bad, "--data", docs)
}

func TestEvalRefuses(t *testing.T) {
	model, docs := filepath.Join(harnessData, "opt"), harnessDocs("arc_easy.jsonl")
	for want, args := range map[string][]string{
		"nothing to score":               {},
		"2 tasks and 1 paths":            {"--task", "arc_easy,piqa", "--data", docs},
		`task "piqa" is asked for twice`: {"--task", "piqa,piqa", "--data", docs + "," + docs},
		"--log-samples needs --out":      {"--data", docs, "--task", "arc_easy", "--log-samples"},
		"--shots -1":                     {"--data", docs, "--task", "arc_easy", "--shots", "-1"},
		"want one task":                  {"--data", docs + "," + docs, "--task", "arc_easy,piqa", "--shots", "1", "--shots-data", docs},
		"--max-gen-tokens -3":            {"--data", docs, "--task", "arc_easy", "--max-gen-tokens", "-3"},
	} {
		fails(t, exitUsage, want, append([]string{"eval", "--model", model}, args...)...)
	}
	for want, args := range map[string][]string{
		"name its file with --shots-data":     {"--task", "arc_easy", "--data", docs, "--shots", "2"},
		"40 examples drawn from 28 documents": {"--task", "arc_easy", "--data", docs, "--shots", "40", "--shots-data", harnessDocs("arc_easy.train.jsonl")},
		"generate fewer":                      {"--task", "triviaqa", "--data", harnessDocs("triviaqa.jsonl")},
		"or the columns of piqa: goal, sol1":  {"--task", "piqa", "--data", docs},
	} {
		fails(t, exitError, want, append([]string{"eval", "--model", model}, args...)...)
	}
}
