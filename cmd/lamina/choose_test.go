package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/crash/study"
)

// TestPlanOfAModel: every method chooses on a model and documents, with what it costs
// said before and every candidate's score in the JSON; the same bits for any number of
// threads.
func TestPlanOfAModel(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(9))
	for _, m := range plan.Methods {
		var texts [2]string
		for i, threads := range []string{"1", "3"} {
			out := filepath.Join(dir, m.Name+".json")
			args := []string{"plan", m.Name, "--model", model, "--data", data, "--keep", "4", "--trainable", "2", "--json", out, "--threads", threads}
			if m.Name == "fixed" {
				args = append(args, "--list", "0,2,3,5")
			}
			code, stdout, stderr := lamina(t, args...)
			if code != 0 {
				t.Fatalf("%s: exit %d: %s", m.Name, code, stderr)
			}
			r := read[plan.File](t, out)
			if r.Plan.String()+"\n" != stdout || len(r.Kept) != 4 || len(r.Trainable) != 2 || r.Layers != 6 {
				t.Errorf("%s: %+v, printed %q", m.Name, r, stdout)
			}
			if (m.Cost != nil) != strings.Contains(stderr, m.Name+": ") || m.Cost != nil && !strings.Contains(stderr, "passes over 9 texts (") {
				t.Errorf("%s: cost of %v: %q", m.Name, m.Cost != nil, stderr)
			}
			if m.Cost != nil && (len(r.Steps) == 0 || len(r.Steps[0].Candidates) < 3 || !strings.Contains(stderr, "removed: ")) {
				t.Errorf("%s: steps %+v, %q", m.Name, r.Steps, stderr)
			}
			if strings.HasPrefix(m.Name, "hierarchical") != (r.Merges != nil) {
				t.Errorf("%s: dendrogram %v", m.Name, r.Merges)
			}
			file, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = string(file)
		}
		if texts[0] != texts[1] {
			t.Errorf("%s: other bits with three threads", m.Name)
		}
	}
}

// TestPlanTrainsWhereAsked, by a rule, by what the model's gradient says, by a list.
func TestPlanTrainsWhereAsked(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(9))
	for at, want := range map[string]string{"first": "0* 1* 2 5\n", "last": "0 3 4* 5*\n", "2,4": "0 2* 4* 5\n", "centres": "0* 1 4 5*\n"} {
		if got := must(t, "plan", "uniform", "--layers", "6", "--keep", "4", "--trainable", "2", "--train-at", at); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	out := filepath.Join(dir, "gain.json")
	must(t, "plan", "sleb", "--model", model, "--data", data, "--keep", "4", "--trainable", "2", "--train-at", "gain", "--json", out)
	if r := read[plan.File](t, out); r.TrainAt.String() != "gain" || len(r.Trainable) != 2 {
		t.Errorf("%+v", r)
	}
}

// TestPlanRefusesInALine what cannot be chosen.
func TestPlanRefusesInALine(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(9))
	one := write(t, dir, "one.jsonl", manyQuestions(1))
	emulator := filepath.Join(dir, "emulator")
	must(t, "emulate", "--model", model, "--plan", "0 3* 5", "--out", emulator)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"sleb", "--layers", "6"}, "a sleb plan needs --model PATH and --data PATH, to measure the loss on text"},
		{[]string{"uniform", "--layers", "6", "--train-at", "gain"}, "needs --model PATH and --data PATH, to measure the gains"},
		{[]string{"fixed", "--layers", "6"}, "needs --list L,…, the layers that stay"},
		{[]string{"fixed", "--layers", "6", "--list", "0,9,10,11"}, "names layer 9 (the model has layers 0 to 5)"},
		{[]string{"fixed", "--layers", "6", "--list", "3,2"}, "--list: list: layer 2 stands after layer 3"},
		{[]string{"fixed", "--layers", "6", "--list", "0,1,2"}, "the list has 3 layers, and 4 are to stay"},
		{[]string{"uniform", "--layers", "6", "--list", "0,1,2,3"}, "--list is for fixed"},
		{[]string{"uniform", "--layers", "6", "--data", data}, "--data needs --model PATH"},
		{[]string{"sleb", "--model", model}, "--model needs --data PATH"},
		{[]string{"sleb", "--model", emulator, "--data", data}, "is an emulator of a model of 6 layers; plan needs the full model"},
		{[]string{"sleb", "--model", model, "--data", data, "--layers", "7"}, "has 6 layers, not 7"},
		{[]string{"crash", "--model", model, "--data", one}, "similarity needs 2 samples or more, got 1"},
		{[]string{"iterative-drop", "--model", model, "--data", one}, "similarity needs 2 samples or more, got 1"},
		{[]string{"sleb", "--model", model, "--data", data, "--samples", "0"}, "--samples 0: want 1 or more"},
		{[]string{"sleb", "--model", model, "--data", data, "--pool", "all"}, `"all" is unknown`},
		{[]string{"sleb", "--model", model, "--data", data, "--tokens", "most"}, `tokens: "most" is unknown: want plain, rms, drop-first`},
		{[]string{"uniform", "--layers", "6", "--train-at", "top"}, `--train-at: train at "top": want one of centres, ends`},
		{[]string{"uniform", "--layers", "6", "--train-at", "1,9"}, "layer 9 out of range"},
		{[]string{"uniform", "--layers", "6", "--option", "sd=1"}, `method uniform has no option "sd": it has deviation, percent`},
		{[]string{"normal", "--layers", "6", "--option", "sd=-1"}, "option sd -1: want a number from 0"},
		{[]string{"uniform", "--layers", "6", "--option", "deviation=0.5"}, "want a whole number from -1 to 1"},
		{[]string{"angular", "--model", model, "--data", data, "--train-at", "1,4", "--keep", "3"}, "no 3 neighbours can be removed together between the layers that stay, 1, 4"},
		{[]string{"gradient-fidelity", "--model", model, "--data", data, "--train-at", "centres"}, "has to know which layers train"},
		{[]string{"uniform", "--layers", "6", "--keep", "0"}, "cannot keep 0 of 6 layers"},
	} {
		args := append([]string{"plan", c.args[0], "--trainable", "2"}, c.args[1:]...)
		if !slices.Contains(args, "--keep") && !strings.HasPrefix(c.want, "--list: ") {
			args = append(args, "--keep", "4")
		}
		code, stdout, stderr := lamina(t, args...)
		if code == 0 || stdout != "" || strings.Count(errorOf(stderr), "\n") != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d, %q, %q; want one line with %q", c.args, code, stdout, stderr, c.want)
		}
	}
}

// TestPlanStops where it is interrupted, and leaves nothing.
func TestPlanStops(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "support.jsonl", manyQuestions(9)), filepath.Join(dir, "plan.json")
	for kind, after := range map[string]int{"sleb": 3, "gradient-gram": 3, "gradient-fidelity": 3, "block-influence": 0, "iterative-drop": 1} {
		code, stdout, stderr := laminaContext(t, &countdown{context.Background(), after}, "plan", kind, "--model", model, "--data", data, "--keep", "3", "--trainable", "2", "--json", out)
		if _, err := os.Stat(out); code != exitInterrupt || stdout != "" || err == nil {
			t.Errorf("%s: exit %d, %q, %q, %v", kind, code, stdout, stderr, err)
		}
	}
}

// TestSimilarityOfTokens: the ways differ, the plain one is what stands without; a file
// says which it is.
func TestSimilarityOfTokens(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(9))
	file := func(tokens ...string) (string, measure.Similarity) {
		out := filepath.Join(dir, "s.json")
		must(t, append([]string{"similarity", "--model", model, "--data", data, "--json", out}, tokens...)...)
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		_, fields, _ := strings.Cut(string(text), `],"matrix":`) // behind the command
		return fields, read[measure.Similarity](t, out)
	}
	none, _ := file()
	plain, at := file("--tokens", "plain")
	if none != plain || none == "" || strings.Contains(plain, "tokens") {
		t.Errorf("plain: %s, without: %s", plain, none)
	}
	for _, word := range []string{"rms", "drop-first"} {
		_, s := file("--tokens", word)
		_, streamed := file("--tokens", word, "--stream")
		if s.Tokens.String() != word || s.Matrix[1][2] == at.Matrix[1][2] || s.Matrix[1][2] != streamed.Matrix[1][2] {
			t.Errorf("%s: %+v", word, s)
		}
	}
	fails(t, exitUsage, `tokens: "all" is unknown`, "similarity", "--model", model, "--data", data, "--tokens", "all")
}

// TestRunChoosesByEveryMethod on its support documents, once: what took runs of the model
// is kept, and the rows train where asked.
func TestRunChoosesByEveryMethod(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(40)), write(t, dir, "test.jsonl", manyQuestions(5))
	out, result := filepath.Join(dir, "run"), filepath.Join(dir, "table.json")
	args := runArgs(model, train, test, out, "--rows", "zs,ceiling,uniform,sleb,gradient-gram,iterative-drop", "--train-at", "1,2", "--tokens", "rms", "--json", result)
	code, _, stderr := lamina(t, args...)
	if code != 0 || !strings.Contains(stderr, "sleb: ") || !strings.Contains(stderr, "forward passes over ") {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	for _, r := range read[study.Table](t, result).Rows[1:] {
		if !slices.Equal(r.Plan.Trainable(), []int{1, 2}) {
			t.Errorf("%s: %v", r.Name, r.Plan)
		}
	}
	if err := os.RemoveAll(filepath.Join(out, "seed-42", "rows", "sleb")); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(out, "seed-42", "plans", "sleb-42.json")
	text, err := os.ReadFile(kept)
	if err != nil || !strings.Contains(string(text), `"candidates"`) {
		t.Fatalf("%s, %v", text, err)
	}
	if _, _, again := lamina(t, args...); strings.Contains(again, "forward passes over ") {
		t.Errorf("chosen anew: %s", again)
	}
	for _, c := range []struct {
		more []string
		want string
	}{
		{[]string{"--train-at", "first"}, "train_at"},
		{[]string{"--train-at", "1,2", "--tokens", "plain"}, "tokens"},
		{[]string{"--train-at", "none"}, "--train-at"},
		{[]string{"--train-at", "first", "--plan", "0* 2 3 5*"}, "leave out --train-at"},
		{[]string{"--train-at", "1,2,3"}, "3 layers, and 2 are to train"},
	} {
		code, _, stderr := lamina(t, runArgs(model, train, test, out, append([]string{"--rows", "uniform"}, c.more...)...)...)
		if code == 0 || !strings.Contains(stderr, c.want) || strings.Count(errorOf(stderr), "\n") != 1 {
			t.Errorf("%v: exit %d, %s; want %q", c.more, code, stderr, c.want)
		}
	}
}
