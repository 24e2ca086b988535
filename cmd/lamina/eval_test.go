package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// harnessData are the tiny models and documents that lm-eval scored too.
const harnessData = "../../eval/task/testdata/lmeval"

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
	changed := regexp.MustCompile(`"seconds": [^,\n]*`).ReplaceAll(unsealed(text), []byte(`"seconds": 1234.5`))
	if err := os.WriteFile(kept, changed, 0o644); err != nil {
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

// Names that make no file are refused before anything is scored, and results stay
// in --out.
func TestEvalNamesFiles(t *testing.T) {
	dir := t.TempDir()
	docs := write(t, dir, "docs.jsonl", `{"q":"What?","a":"This"}`+"\n")
	own := func(name string) string {
		return write(t, dir, "own.yaml", "task: \""+name+"\"\noutput_type: loglikelihood\ntest_split: train\ndoc_to_text: \"{q}\"\ndoc_to_target: \"{a}\"\n")
	}
	model, err := filepath.Abs(filepath.Join(harnessData, "opt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b", "../../own", `a\\b`, "a\\nb", strings.Repeat("a", 200)} {
		fails(t, exitError, "is no name for files", "eval", "--model", model, "--task-file", own(name), "--data", docs)
	}
	file := own("own")
	fails(t, exitUsage, `task "own" has no data set on the hub: give --data`, "eval", "--model", model, "--task-file", file)

	out := filepath.Join(dir, "deep", "out")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(model, "..", "docs")
	t.Chdir(inside)
	if code, _, stderr := lamina(t, "eval", "--model", "../opt/../opt", "--task-file", file, "--data", docs, "--out", out, "--max-length", "90"); code != 0 {
		t.Fatal(stderr)
	}
	t.Chdir(model)
	must(t, "eval", "--model", ".", "--task-file", file, "--data", docs, "--out", out, "--max-length", "90")
	written, err := filepath.Glob(filepath.Join(out, "opt", "results_*.json"))
	if err != nil || len(written) != 2 {
		t.Fatalf("%v, %v", written, err)
	}
	var r struct {
		MaxLength int `json:"max_length"`
		Configs   map[string]map[string]any
	}
	readJSON(t, written[1], &r)
	if r.MaxLength != 90 || r.Configs["own"]["test_split"] != "train" {
		t.Errorf("%+v", r)
	}
}

func TestEvalSaysThePagesItRead(t *testing.T) {
	pages := write(t, t.TempDir(), "wiki.txt", " = One = \n Words here . \n")
	scores := filepath.Join(t.TempDir(), "scores.json")
	must(t, "eval", "--model", filepath.Join(harnessData, "opt"), "--task", "wikitext", "--data", pages, "--json", scores)
	var r struct {
		Data []struct {
			Name  string
			Bytes int
		}
	}
	readJSON(t, scores, &r)
	if len(r.Data) != 1 || r.Data[0].Name != "wiki.txt" || r.Data[0].Bytes != 25 {
		t.Errorf("%+v", r.Data)
	}
}

func TestEvalRefuses(t *testing.T) {
	model, docs := filepath.Join(harnessData, "opt"), harnessDocs("arc_easy.jsonl")
	for want, args := range map[string][]string{
		`task "storycloze" has no data set on the hub`: {"--task", "storycloze"},
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
		"not empty and no run of lamina":      {"--task", "arc_easy", "--data", docs, "--out", harnessData},
		"--max-length 97: more than":          {"--task", "arc_easy", "--data", docs, "--max-length", "97"},
	} {
		fails(t, exitError, want, append([]string{"eval", "--model", model}, args...)...)
	}
}

// unsealed takes the digest off a sealed file, as earlier versions wrote it.
func unsealed(text []byte) []byte {
	text, _, _ = bytes.Cut(text, []byte(",\n  \"sha256\""))
	return append(text, "\n}\n"...)
}

// What was kept is believed only if the same was asked, and only whole.
func TestEvalChecksWhatWasKept(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	docs := write(t, dir, "docs.jsonl", `{"q":"What is it?","a":"An apple"}`+"\n"+`{"q":"Where is it?","a":"There"}`+"\n")
	taskOf := func(text string) string {
		return write(t, dir, "own.yaml", "task: own\noutput_type: generate_until\ntest_split: test\ndoc_to_text: \""+text+
			"\"\ndoc_to_target: \"{a}\"\ngeneration_kwargs: {until: [\".\"], max_gen_toks: 4}\n")
	}
	args := []string{"eval", "--model", filepath.Join(harnessData, "opt"), "--task-file", taskOf("Say: {q}"), "--data", docs, "--out", out}
	must(t, args...)
	must(t, args...)
	taskOf("Tell: {q}")
	fails(t, exitError, "own.json: was scored with other prompts: choose another --out or pass --overwrite", args...)
	taskOf("Say: {q}")
	kept := filepath.Join(out, "tasks", "own.json")
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	text = unsealed(text)
	for from, to := range map[string]string{`"rows": [`: `"rows": [],"was": [`, `"texts":`: `"was":`, "\n}": ""} {
		if !strings.Contains(string(text), from) {
			t.Fatalf("no %s in %s", from, text)
		}
		if err := os.WriteFile(kept, []byte(strings.Replace(string(text), from, to, -1)), 0o644); err != nil {
			t.Fatal(err)
		}
		fails(t, exitError, "own.json: ", args...)
		fails(t, exitError, "choose another --out or pass --overwrite", args...)
	}
	must(t, append(args, "--overwrite")...)
}

// untilFile is a context that is cancelled once a file is there.
type untilFile struct {
	context.Context
	cancel context.CancelFunc
	path   string
}

func (c untilFile) Err() error {
	if _, err := os.Stat(c.path); err == nil {
		c.cancel()
	}
	return c.Context.Err()
}

// An interrupted call keeps the tasks that it finished and goes on after them.
func TestInterruptedEvalGoesOn(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"eval", "--model", filepath.Join(harnessData, "opt"), "--task", "arc_easy,piqa", "--limit", "4",
		"--data", harnessDocs("arc_easy.jsonl") + "," + harnessDocs("piqa.jsonl"), "--out", out}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := filepath.Join(out, "tasks", "arc_easy.json")
	code, _, stderr := laminaContext(t, untilFile{ctx, cancel, first}, args...)
	if code != exitInterrupt || !strings.Contains(stderr, "the same command goes on there") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	before, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(out, "tasks", "piqa.json")); err == nil {
		t.Error("the second task was scored")
	}
	must(t, args...)
	if after, err := os.ReadFile(first); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the first task was scored again: %v", err)
	}
}

// A generated answer ends at the tokens that generation_config.json names, too, as
// transformers' generate does.
func TestEvalStopsWhereTheModelSays(t *testing.T) {
	model := filepath.Join(t.TempDir(), "opt")
	if err := os.CopyFS(model, os.DirFS(filepath.Join(harnessData, "opt"))); err != nil {
		t.Fatal(err)
	}
	scores := filepath.Join(t.TempDir(), "scores.json")
	generated := func(most string) string {
		must(t, "eval", "--model", model, "--task", "triviaqa", "--data", harnessDocs("triviaqa.jsonl"), "--limit", "3", "--max-gen-tokens", most, "--json", scores)
		var r struct{ Texts []string }
		readJSON(t, scores, &r)
		return strings.Join(r.Texts, "")
	}
	one := generated("1")
	if long := generated("4"); one == "" || long == one {
		t.Fatalf("%q of one token each, %q of four", one, long)
	}
	var config struct {
		Vocab int `json:"vocab_size"`
	}
	readJSON(t, filepath.Join(model, "config.json"), &config)
	every := make([]int, config.Vocab)
	for i := range every {
		every[i] = i
	}
	text, err := json.Marshal(map[string]any{"eos_token_id": every})
	if err != nil {
		t.Fatal(err)
	}
	write(t, model, "generation_config.json", string(text))
	// The token that ends a text is part of it, as in the harness, unless it is special.
	if got := generated("4"); got != one {
		t.Errorf("%q was generated though every token ends a text, want %q", got, one)
	}
}
