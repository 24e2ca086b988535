package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"lamina/crash/measure"
	"lamina/crash/study"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// manyQuestions returns n rows for the tiny model's tokenizer.
func manyQuestions(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"query":"what is %d?","choices":["a","b %d","c"],"gold":%d}`+"\n", i, i, i%3)
	}
	return b.String()
}

func runArgs(model, train, test, out string, more ...string) []string {
	return append([]string{"run", "--model", model, "--train", train, "--test", test, "--keep", "4", "--trainable", "2",
		"--lr", "1e-2", "--steps", "3", "--batch", "4", "--eval-every", "2", "--out", out}, more...)
}

func TestRunWritesTableAndReport(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(12))
	out, result := filepath.Join(dir, "run"), filepath.Join(dir, "table.json")
	rows := []string{"zs", "full", "ceiling", "uniform", "crash", "share-all", "share-frozen"}
	printed := must(t, runArgs(model, train, test, out, "--rows", strings.Join(rows, ","), "--seeds", "1,2", "--limit", "9", "--json", result)...)
	table := read[study.Table](t, result)
	if len(table.Rows) != 2*len(rows)-1 { // zs once
		t.Fatalf("%d rows", len(table.Rows))
	}
	if s := table.Splits; s.Train != 24 || s.Valid != 3 || s.Support != 3 || s.Test != 9 {
		t.Errorf("splits %+v", s)
	}
	for _, r := range table.Rows {
		emulator := r.Name != "zs" && r.Name != "full" && r.Name != "ceiling"
		if r.PlugIn == nil || r.N != 9 || emulator != (r.EmulatorFT != nil) || emulator != (r.Delta != nil) {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(printed, r.Name) {
			t.Errorf("row %s is not printed", r.Name)
		}
	}
	for _, name := range []string{"table.json", "table.md", "table.csv", "report.html", "plots/similarity.svg", "plots/plans.png", "plots/loss.svg", "plots/scores.svg"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	reportEqualsTable(t, out, table)
	before, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	must(t, runArgs(model, train, test, out, "--rows", strings.Join(rows, ","), "--seeds", "1,2", "--limit", "9", "--json", result)...)
	if again, _ := os.ReadFile(result); string(again) != string(before) {
		t.Error("the finished run was not taken from its directory")
	}
}

// reportEqualsTable looks for each row's numbers in the page and in table.csv.
func reportEqualsTable(t *testing.T, out string, table study.Table) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "table.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
	if err != nil || len(records) != len(table.Rows)+1 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, r := range table.Rows {
		plug := fmt.Sprintf("%.1f", 100**r.PlugIn)
		if records[i+1][0] != r.Name || records[i+1][5] != plug {
			t.Errorf("table.csv has %v, table.json %s %s", records[i+1], r.Name, plug)
		}
		if !strings.Contains(string(page), ">"+plug+"<") {
			t.Errorf("report.html lacks %s of row %s", plug, r.Name)
		}
	}
}

func TestRunRefusesBeforeItWrites(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(5))
	rolling := write(t, dir, "rolling.jsonl", `{"text":"a b c"}`+"\n")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--keep", "7"}, "keep 7"},
		{[]string{"--trainable", "5"}, "trainable 5"},
		{[]string{"--rows", "zs,best"}, `"best"`},
		{[]string{"--task", "nope"}, "nope"},
		{[]string{"--pool", "median"}, "median"},
		{[]string{"--lr", "1e-3,-1"}, "-1"},
		{[]string{"--support", filepath.Join(dir, "none.jsonl")}, "none.jsonl"},
		{[]string{"--max-length", "100000"}, "100000"},
		{[]string{"--test", rolling}, "lamina eval gives their perplexity"},
	} {
		out := filepath.Join(dir, "refused")
		code, _, stderr := lamina(t, runArgs(model, train, test, out, c.args...)...)
		stderr = unwarned(stderr)
		if code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: code %d, %q; want one line with %q", c.args, code, stderr, c.want)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: left %s behind", c.args, out)
		}
	}
}

func TestDemoWritesItsInputsAndStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // before the first row: what the demo computes, package crash/demo tests
	out := filepath.Join(t.TempDir(), "demo")
	code, stdout, stderr := laminaContext(t, ctx, "demo", "--out", out)
	if code != exitInterrupt || !strings.Contains(stderr, "goes on there") || !strings.Contains(stdout, "12 blocks") {
		t.Errorf("code %d, %q, %q", code, stdout, stderr)
	}
	var config map[string]any
	text, err := os.ReadFile(filepath.Join(out, "config.json"))
	if err != nil || json.Unmarshal(text, &config) != nil || config["task"] != "shell game" {
		t.Errorf("config.json: %s, %v", text, err)
	}
	must(t, "info", "--model", filepath.Join(out, "inputs", "model"))
}

func TestStreamedSimilarityIsTheSame(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, data := filepath.Join(dir, "emulator"), write(t, dir, "d.jsonl", manyQuestions(7))
	must(t, "emulate", "--model", model, "--plan", "0 3* 5", "--share", "all", "--out", emulator)
	for _, m := range []string{model, emulator} {
		at, block := filepath.Join(dir, "at.json"), filepath.Join(dir, "block.json")
		must(t, "similarity", "--model", m, "--data", data, "--json", at)
		must(t, "similarity", "--model", m, "--data", data, "--json", block, "--stream")
		a, b := read[measure.Similarity](t, at), read[measure.Similarity](t, block)
		if len(a.Matrix) != 7 || fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s: %v streamed, %v at once", m, b, a)
		}
	}
}

// A finished run is not taken for that of a model that differs in one weight.
func TestRunKnowsItsModel(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test, out := write(t, dir, "train.jsonl", manyQuestions(30)), write(t, dir, "test.jsonl", manyQuestions(5)), filepath.Join(dir, "run")
	must(t, runArgs(model, train, test, out, "--rows", "zs")...)
	weights := filepath.Join(model, "model.safetensors")
	data, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-4] ^= 1 // of the final norm, which comes last
	if err := os.WriteFile(weights, data, 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := lamina(t, runArgs(model, train, test, out, "--rows", "zs")...)
	if code != exitError || !strings.Contains(stderr, "fingerprint is") {
		t.Errorf("code %d, %q", code, stderr)
	}
}
