package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/figures"
	"lamina/crash/study"
	"lamina/crash/sweep"
)

// studyOf writes a study of the tiny model and returns the file.
func studyOf(t *testing.T, dir, model, rows string) string {
	t.Helper()
	write(t, dir, "train.jsonl", manyQuestions(30))
	write(t, dir, "test.jsonl", manyQuestions(12))
	return write(t, dir, "study.yaml", fmt.Sprintf(`study: tiny
models:
  - {name: tiny, path: %s, published: opt-1.3b}
tasks:
  - {name: openbookqa, prompt: none, train: train.jsonl, test: test.jsonl}
rows: [%s]
keep: 4
trainable: 2
rates: [1e-3, 1e-2]
seeds: [1, 2]
limit: 9
training: {steps: 3, batch: 4, eval_every: 2}
`, model, rows))
}

// TestStudyIsRunsTable: a study says what lamina run says of the same rows, rates and seeds,
// leaves a directory that lamina report shows, and comes to the same files by workers.
func TestStudyIsRunsTable(t *testing.T) {
	if testing.Short() {
		t.Skip("trains many cells, which crash/sweep's tests do under the race detector")
	}
	model, dir := tinyModel(t), t.TempDir()
	file, out, result := studyOf(t, dir, model, "zs, uniform, share-all"), filepath.Join(dir, "one"), filepath.Join(dir, "study.json")
	said := must(t, "study", file, "--out", out, "--json", result)
	table := read[sweep.Table](t, result)
	rows := read[study.Table](t, ranTable(t, dir, model))
	for _, r := range table.Models[0].Rows {
		sum, n := 0.0, 0.0
		for _, row := range rows.Rows {
			if row.Name == r.Row {
				sum, n = sum+*row.PlugIn, n+1
			}
		}
		got := r.Lines[len(r.Lines)-1].Tasks[0]
		if want := map[bool]int{true: 2, false: 1}[r.Emulates]; got.Value == nil || math.Abs(*got.Value-sum/n) > 1e-15 || got.Runs != want {
			t.Errorf("row %s: %+v, want %v of %v runs", r.Row, got, sum/n, n)
		}
		if !strings.Contains(said, r.Row) {
			t.Errorf("row %s is not printed", r.Row)
		}
	}
	if len(table.Models[0].Comparisons) != len(rows.Comparisons) || table.Models[0].Comparisons[0].P != rows.Comparisons[0].P {
		t.Errorf("comparisons %+v, want %+v", table.Models[0].Comparisons, rows.Comparisons)
	}
	if !strings.Contains(said, "published: Full ZS") || !strings.Contains(said, "23.4") {
		t.Error(said)
	}

	many := filepath.Join(dir, "many")
	t.Setenv("JOB_COMPLETION_INDEX", "2")
	if said := must(t, "study", file, "--out", many, "--worker"); strings.Contains(said, "accuracy") {
		t.Errorf("a worker prints a table: %s", said)
	}
	must(t, "study", file, "--out", many, "--merge")
	for _, name := range []string{"table.md", "table.csv", "table.txt"} {
		a, errA := os.ReadFile(filepath.Join(out, name))
		b, errB := os.ReadFile(filepath.Join(many, name))
		if errA != nil || errB != nil || string(a) != string(b) {
			t.Errorf("%s: %v %v\n%s\nwant\n%s", name, errA, errB, b, a)
		}
	}
	must(t, "report", out)
	page, err := os.ReadFile(filepath.Join(out, figures.PageFile))
	if err != nil || !strings.Contains(string(page), "published: Full ZS") || !strings.Contains(string(page), table.Cells[0].Key[:12]) {
		t.Errorf("the page lacks the table or its keys: %v", err)
	}
	var head struct {
		Result  string
		Command []string
	}
	data, err := os.ReadFile(filepath.Join(out, "study.json"))
	if err == nil {
		err = json.Unmarshal(data, &head)
	}
	if err != nil || head.Result != "study" || len(head.Command) < 3 || head.Command[1] != "study" {
		t.Errorf("%+v, %v", head, err)
	}
}

// ranTable is table.json of lamina run with what studyOf asks for.
func ranTable(t *testing.T, dir, model string) string {
	t.Helper()
	result := filepath.Join(dir, "run.json")
	must(t, "run", "--model", model, "--train", filepath.Join(dir, "train.jsonl"), "--test", filepath.Join(dir, "test.jsonl"), "--keep", "4", "--trainable", "2",
		"--rows", "zs,uniform,share-all", "--seeds", "1,2", "--lr", "1e-3,1e-2", "--steps", "3", "--batch", "4", "--eval-every", "2", "--limit", "9",
		"--out", filepath.Join(dir, "run"), "--json", result)
	return result
}

// TestStudyRefuses: bad input ends in one clear line.
func TestStudyRefuses(t *testing.T) {
	dir := t.TempDir()
	file := studyOf(t, dir, filepath.Join(dir, "no-model"), "zs")
	out := filepath.Join(dir, "out")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wrong := write(t, dir, "wrong.yaml", string(text)+"epoch: 3\n")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{wrong, "--out", out}, exitError, wrong + `:13:1: unknown key "epoch"`},
		{[]string{file}, exitUsage, "missing flags: --out"},
		{[]string{file, "--out", out}, exitError, "no-model"},
		{[]string{file, "--out", out, "--merge"}, exitError, "no study was begun here"},
		{[]string{file, "--out", out, "--merge", "--worker"}, exitUsage, "want one of them at most"},
		{[]string{file, "--out", out, "--emit", "pbs"}, exitUsage, `--emit "pbs": want slurm or k8s`},
		{[]string{file, "--out", out, "--emit", "k8s"}, exitUsage, "want --image and --volume"},
		{[]string{file, "--out", out, "--lease", "10ms"}, exitUsage, "--lease 10ms: want 1s or more"},
		{[]string{file, "--out", out, "--worker", "--overwrite"}, exitUsage, "--overwrite begins a study"},
		{[]string{filepath.Join(dir, "none.yaml"), "--out", out}, exitError, "none.yaml"},
		{[]string{file, "--check"}, exitError, "2 things are missing here, the first: model tiny: " + filepath.Join(dir, "no-model")},
	} {
		code, _, stderr := lamina(t, append([]string{"study"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
			t.Errorf("%q: exit %d, %q; want %d, %q", c.args, code, stderr, c.code, c.want)
		}
	}
	good := studyOf(t, t.TempDir(), tinyModel(t), "zs, uniform")
	if said := must(t, "study", good, "--check"); !strings.Contains(said, "study tiny: 5 cells") || !strings.Contains(said, "one worker here") || strings.Contains(said, "missing") {
		t.Error(said)
	}
}
