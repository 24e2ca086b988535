package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/plan"
	"lamina/crash/study"
)

// TestRecommendedFormsAreKnown to finetune.
func TestRecommendedFormsAreKnown(t *testing.T) {
	for _, a := range plan.Recommended {
		if _, err := exchange.FormNamed(a.Return); err != nil {
			t.Errorf("from %v: %v", a.From, err)
		}
	}
}

// TestPlanAuto prints a plan with what stands in its gaps, says in at most four lines what it
// is, why, what is handed out and how training comes back, and writes all that.
func TestPlanAuto(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "support.jsonl", manyQuestions(9)), filepath.Join(dir, "plan.json")
	for _, c := range []struct {
		flags       []string
		keep, train int
		repair      plan.Repair // "": as recommended
		instead     string
	}{
		{[]string{"--keep", "3"}, 3, 3, "", ""},
		{[]string{"--keep", "5", "--trainable", "2"}, 5, 2, "", ""},
		{[]string{"--keep", "6"}, 6, 4, "", ""},
		{[]string{"--budget", "1"}, 6, 4, "", ""},
		{[]string{"--keep", "4", "--trainable", "2", "--repair", "patch"}, 4, 2, "patch", "repair patch instead of"},
		{[]string{"--keep", "4", "--trainable", "2", "--repair", "none"}, 4, 2, plan.NoRepair, "no repair instead of"},
		{[]string{"--keep", "4", "--trainable", "2", "--train-at", "0,1"}, 4, 2, "", "--train-at 0,1 instead of"},
	} {
		code, stdout, stderr := lamina(t, append([]string{"plan", "auto", "--model", model, "--data", data, "--task", "arc_easy", "--json", out}, c.flags...)...)
		if code != 0 {
			t.Fatalf("%v: exit %d: %s", c.flags, code, stderr)
		}
		f, a := read[plan.File](t, out), must(t, "plan", "auto", "--help")
		advice, _ := plan.Auto.Advice(plan.Request{Layers: 6, Keep: c.keep})
		shape := plan.Shape{Repair: c.repair}.Or(advice.Shape)
		if f.Plan.String()+"\n" != stdout || len(f.Kept) != c.keep || len(f.Trainable) != c.train || f.Kind != "auto" || !strings.Contains(a, "--budget=X") {
			t.Errorf("%v: %+v, printed %q", c.flags, f, stdout)
		}
		kept := slices.DeleteFunc(slices.Clone(f.Plan), plan.Slot.IsMap)
		if want, _, err := shape.Of(kept, 6); err != nil || want.String() != f.Plan.String() {
			t.Errorf("%v: %v; want %v, %v", c.flags, f.Plan, want, err)
		}
		if r := f.Recommended; r == nil || r.Method != advice.Method.Name || r.Return != advice.Return || r.Why != advice.Why || r.Repair != advice.Shape.Repair {
			t.Errorf("%v: recommended %+v, want %s", c.flags, r, advice)
		}
		said := unwarned(stderr)
		for _, want := range []string{fmt.Sprintf("chosen: %s, %d of 6 layers stay, %d train", advice.Method.Name, c.keep, c.train), "why: " + advice.Why, "% of the model's numbers", "finetune --return " + advice.Return, c.instead} {
			if !strings.Contains(said, want) || strings.Count(said, "\n") > 4 {
				t.Errorf("%v: said %q, want at most four lines with %q", c.flags, said, want)
			}
		}
		if strings.Contains(stderr, "warning: --repair") && c.repair == "" {
			t.Errorf("%v: warns of what nobody asked for: %s", c.flags, stderr)
		}
	}
}

// TestAutoRefusesInALine what does not go together or is missing, and writes nothing.
func TestAutoRefusesInALine(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "support.jsonl", manyQuestions(9)), filepath.Join(dir, "emulator")
	both := []string{"--model", model, "--data", data}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "--keep 4 and --budget 0.5: both say how many layers stay", append([]string{"plan", "auto", "--keep", "4", "--budget", "0.5"}, both...)},
		{exitUsage, "want --keep K, the layers that stay, or --budget X", append([]string{"plan", "auto"}, both...)},
		{exitUsage, "--budget 0: want more than 0 and at most 1", append([]string{"plan", "auto", "--budget", "0"}, both...)},
		{exitUsage, "--budget 1.5: want more than 0 and at most 1", append([]string{"plan", "auto", "--budget", "1.5"}, both...)},
		{exitUsage, "--budget NaN: want more than 0", append([]string{"plan", "auto", "--budget", "NaN"}, both...)},
		{exitUsage, "--budget 0.5 is a share of a model's numbers: want --model PATH", []string{"plan", "auto", "--budget", "0.5", "--layers", "6"}},
		{exitUsage, "--budget 0.5 and --list", append([]string{"plan", "fixed", "--trainable", "1", "--budget", "0.5", "--list", "0,1"}, both...)},
		{exitUsage, "want --trainable T", []string{"plan", "uniform", "--layers", "6", "--keep", "3"}},
		{exitUsage, "--trainable 0: want 1 or more, or leave it out", append([]string{"plan", "auto", "--keep", "4", "--trainable", "0"}, both...)},
		{exitUsage, "a crash plan needs --similarity F.json", []string{"plan", "crash", "--layers", "6", "--keep", "3", "--trainable", "1"}},
		{exitUsage, "--model needs --data PATH, documents to measure the similarity on", []string{"plan", "crash", "--budget", "0.9", "--trainable", "1", "--model", model}},
		{exitError, "cannot keep 7 of 6 layers", append([]string{"plan", "auto", "--keep", "7"}, both...)},
		{exitError, "cannot train 5 of 4 kept layers", append([]string{"plan", "auto", "--keep", "4", "--trainable", "5"}, both...)},
		{exitError, "4 trained layers and what fills the gaps take 0.", append([]string{"plan", "auto", "--budget", "0.01"}, both...)},
		{exitUsage, "--plan auto needs --support PATH", []string{"emulate", "--model", model, "--plan", "auto", "--keep", "4", "--out", out}},
		{exitUsage, "want --keep K, the layers that stay, or --budget X", []string{"emulate", "--model", model, "--plan", "auto", "--support", data, "--out", out}},
		{exitUsage, "--keep, --budget and --trainable are of --plan auto", []string{"emulate", "--model", model, "--plan", "0* 5*", "--keep", "2", "--out", out}},
		{exitError, "cannot keep 7 of 6 layers", []string{"emulate", "--model", model, "--plan", "auto", "--keep", "7", "--support", data, "--out", out}},
		{exitError, "train fewer layers (--trainable)", []string{"emulate", "--model", model, "--plan", "auto", "--budget", "0.01", "--support", data, "--out", out}},
	} {
		fails(t, c.code, c.want, c.args...)
	}
	if names, _ := filepath.Glob(out + "*"); names != nil {
		t.Errorf("left %v", names)
	}
}

// unnamed returns the files of an emulator by name, without the random bits that name its
// exchange and the digest of the file that has them.
func unnamed(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(data)
	}
	const own = "lamina.json"
	digest := sha256.Sum256([]byte(all[own]))
	all["MANIFEST.json"] = strings.Replace(all["MANIFEST.json"], hex.EncodeToString(digest[:]), "", 1)
	all[own] = strings.Replace(all[own], read[emulate.Manifest](t, filepath.Join(dir, own)).Exchange, "", 1)
	return all
}

// TestEmulateAuto is plan auto and emulate in one: the same files. What is written holds no
// more than the budget.
func TestEmulateAuto(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(160)) // more than are fitted to where nobody says
	for i, size := range [][]string{{"--keep", "4", "--trainable", "2"}, {"--budget", "0.8", "--trainable", "1", "--samples", "20"}} {
		file, one, two := filepath.Join(dir, "plan.json"), filepath.Join(dir, fmt.Sprint("one", i)), filepath.Join(dir, fmt.Sprint("two", i))
		result := filepath.Join(dir, "result.json")
		must(t, append([]string{"plan", "auto", "--model", model, "--data", data, "--task", "arc_easy", "--json", file}, size...)...)
		more := []string{"--support", data, "--task", "arc_easy"}
		if at := slices.Index(size, "--samples"); at >= 0 {
			more = append(more, size[at:]...)
		}
		must(t, append([]string{"emulate", "--model", model, "--plan", "@" + file, "--out", two}, more...)...)
		code, _, stderr := lamina(t, slices.Concat([]string{"emulate", "--model", model, "--plan", "auto", "--support", data, "--task", "arc_easy", "--out", one, "--json", result}, size)...)
		if code != 0 || !strings.Contains(stderr, "chosen: ") || !strings.Contains(stderr, "lamina finetune --return ") {
			t.Fatalf("%v: exit %d: %s", size, code, stderr)
		}
		a, b := unnamed(t, one), unnamed(t, two)
		for name, text := range b {
			if a[name] != text {
				t.Errorf("%v: %s differs:\n%.2000q\n%.2000q", size, name, a[name], text)
			}
		}
		if len(a) != len(b) {
			t.Errorf("%v: %d files, in two steps %d", size, len(a), len(b))
		}
		kept, other := read[exchange.Receipt](t, exchange.ReceiptFile(one)), read[exchange.Receipt](t, exchange.ReceiptFile(two))
		if kept.Origin, other.Origin = (emulate.Origin{}), (emulate.Origin{}); !reflect.DeepEqual(kept, other) {
			t.Errorf("%v: receipt %+v, in two steps %+v", size, kept, other)
		}
		handed, whole := read[exchange.HandedOut](t, result), 0
		if whole = fullNumbers(t, model); float64(handed.HeldParams) > 0.8*float64(whole) && size[0] == "--budget" {
			t.Errorf("%v: holds %d of %d numbers", size, handed.HeldParams, whole)
		}
	}
}

// fullNumbers returns how many a model has.
func fullNumbers(t *testing.T, model string) int {
	t.Helper()
	out := filepath.Join(t.TempDir(), "whole.json")
	must(t, "plan", "auto", "--model", model, "--budget", "1", "--json", out)
	return read[struct {
		Cost struct {
			Full struct{ Weights int }
		}
	}](t, out).Cost.Full.Weights
}

// TestRunHasARowAuto at any size.
func TestRunHasARowAuto(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", manyQuestions(40)), write(t, dir, "test.jsonl", manyQuestions(4))
	result := filepath.Join(dir, "table.json")
	must(t, runArgs(model, train, test, filepath.Join(dir, "run"), "--rows", "auto@5", "--json", result)...)
	rows := read[study.Table](t, result).Rows
	if len(rows) != 1 || rows[0].Name != "auto-5" || len(rows[0].Plan.Kept()) != 5 {
		t.Errorf("%+v", rows)
	}
}
