package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/study"
)

// gridding returns a fine-tuning of an emulator, and the emulator's directory.
func gridding(t *testing.T) (dir string, tune func(out string, more ...string) []string) {
	t.Helper()
	model, dir := tinyModel(t), t.TempDir()
	data, valid := write(t, dir, "d.jsonl", manyQuestions(9)), write(t, dir, "v.jsonl", manyQuestions(4))
	emulator := filepath.Join(dir, "emulator")
	must(t, "emulate", "--model", model, "--plan", "0 2 5*", "--out", emulator)
	return dir, func(out string, more ...string) []string {
		return append([]string{"finetune", "--model", emulator, "--data", data, "--valid", valid, "--batch", "4", "--out", filepath.Join(dir, out)}, more...)
	}
}

// sameCell fails unless a cell has the bytes, and the metrics, of a run by itself.
func sameCell(t *testing.T, cell, alone string) {
	t.Helper()
	names, err := os.ReadDir(filepath.Join(alone, "adapter"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		name := filepath.Join("adapter", e.Name())
		if !bytes.Equal(contents(t, filepath.Join(cell, name)), contents(t, filepath.Join(alone, name))) {
			t.Errorf("%s: %s differs from that of a run by itself", cell, name)
		}
	}
	if a, b := contents(t, filepath.Join(cell, "config.json")), contents(t, filepath.Join(alone, "config.json")); !bytes.Equal(a, b) {
		t.Errorf("%s: config.json is\n%s\nand by itself\n%s", cell, a, b)
	}
}

// TestGrid: each cell comes to the bytes of a run by itself; what is frozen is computed for
// the first alone; what is done is not trained again, and more cells join it; the table has
// means and deviations, and the cell of the lowest loss is the one to send.
func TestGrid(t *testing.T) {
	dir, tune := gridding(t)
	result := filepath.Join(dir, "r.json")
	cells := func(seeds string, more ...string) []string {
		return append(tune("grid", "--lr", "1e-3,0.01", "--seeds", seeds, "--epochs", "1", "--json", result, "--events", "jsonl:"+filepath.Join(dir, "e.jsonl")), more...)
	}
	must(t, cells("1,2")...)
	first := read[study.Gridded](t, result)
	if len(first.Cells) != 4 || len(first.Rates) != 2 {
		t.Fatalf("%+v", first)
	}
	for i, c := range first.Cells {
		if c.Prefix == nil || (c.Prefix.Computed == 0) != (i > 0) {
			t.Errorf("cell %d: streams %+v", i, c.Prefix)
		}
	}
	a, b := first.Cells[2].Outcome.BestLoss, first.Cells[3].Outcome.BestLoss
	if rate := first.Rates[1]; rate.LR != 0.01 || rate.Seeds != 2 || math.Abs(rate.Valid.Mean-(a+b)/2) > 1e-12 || math.Abs(*rate.Valid.SD-math.Abs(a-b)/math.Sqrt2) > 1e-12 {
		t.Errorf("%+v of %v and %v", rate, a, b)
	}
	alone := filepath.Join(dir, "alone")
	must(t, tune("alone", "--lr", "0.01", "--seed", "2", "--epochs", "1")...)
	sameCell(t, filepath.Join(dir, "grid", "lr0.01-seed2"), alone)

	stdout, stderr := succeed(t, cells("1,2,3")...)
	r := read[study.Gridded](t, result)
	if strings.Contains(stderr, "lr0.001-seed1:") || !strings.Contains(stderr, "lr0.001-seed3:") {
		t.Errorf("%s", stderr)
	}
	if len(r.Cells) != 6 || r.Cells[0].Outcome != first.Cells[0].Outcome || r.Cells[4].Outcome != first.Cells[3].Outcome {
		t.Errorf("%+v, want what is finished as it was", r.Cells)
	}
	best := r.Cells[0]
	for _, c := range r.Cells {
		if c.Outcome.BestLoss < best.Outcome.BestLoss {
			best = c
		}
	}
	if want := "send this directory: " + best.Sent.Path; r.Best != filepath.Base(best.Out) || !strings.Contains(stdout, want) || !strings.Contains(stdout, "±") {
		t.Errorf("%s best: %s, want %s", r.Best, stdout, want)
	}
	if n := strings.Count(string(contents(t, filepath.Join(dir, "e.jsonl"))), `"event":"end"`); n != 6 {
		t.Errorf("%d ends of six cells", n)
	}

	// A finished cell is a run: it is taken as it is, returned in another form, plugged in.
	cell := []string{"--lr", "0.01", "--seed", "2", "--epochs", "1"}
	_, stderr = succeed(t, append(tune("grid/lr0.01-seed2", cell...), "--return", "delta")...)
	if strings.Contains(stderr, "validation loss") {
		t.Errorf("trained again: %s", stderr)
	}
	must(t, append(tune("alone", cell...), "--return", "delta")...)
	sameCell(t, filepath.Join(dir, "grid", "lr0.01-seed2"), alone)
	must(t, cells("1", "--overwrite")...)
	if left, _ := filepath.Glob(filepath.Join(dir, "grid", "lr*")); len(left) != 2 {
		t.Errorf("%q is left of an earlier grid", left)
	}
}

// TestGridOfPEFT: what is put to layers begins anew in each cell, by its seed, and so do
// weights that BitFit trains; the metric chooses.
func TestGridOfPEFT(t *testing.T) {
	dir, tune := gridding(t)
	for _, kind := range []string{"lora", "bitfit"} {
		more := []string{"--peft", kind, "--steps", "2", "--metric", "acc", "--best-by", "metric"}
		result := filepath.Join(dir, "r.json")
		must(t, tune("grid-"+kind, append(more, "--lr", "0.1", "--seeds", "3,4", "--json", result)...)...)
		must(t, tune("alone-"+kind, append(more, "--lr", "0.1", "--seed", "4")...)...)
		sameCell(t, filepath.Join(dir, "grid-"+kind, "lr0.1-seed4"), filepath.Join(dir, "alone-"+kind))
		r := read[study.Gridded](t, result)
		best := r.Cells[0]
		if c := r.Cells[1]; *c.Outcome.BestMetric > *best.Outcome.BestMetric || *c.Outcome.BestMetric == *best.Outcome.BestMetric && c.Outcome.BestLoss < best.Outcome.BestLoss {
			best = c
		}
		if r.Best != filepath.Base(best.Out) || r.Rates[0].Metric == nil {
			t.Errorf("%s is best of %+v", r.Best, r.Cells)
		}
	}
}

// TestInterruptedGridGoesOn: stopped anywhere, the same command comes to the same bytes.
func TestInterruptedGridGoesOn(t *testing.T) {
	dir, tune := gridding(t)
	more := []string{"--lr", "0.01", "--seeds", "1,2", "--steps", "2"}
	must(t, tune("whole", more...)...)
	saved := 0
	for left := 0; ; left += 3 {
		code, stdout, stderr := laminaContext(t, &countdown{context.Background(), left}, tune("cut", more...)...)
		if code == 0 {
			break
		}
		if code != exitInterrupt || stdout != "" {
			t.Fatalf("look %d: exit %d, %q, %q", left, code, stdout, stderr)
		}
		if strings.Contains(stderr, "saved in") {
			saved++
		}
		must(t, tune("cut", more...)...)
		for _, cell := range []string{"lr0.01-seed1", "lr0.01-seed2"} {
			sameCell(t, filepath.Join(dir, "cut", cell), filepath.Join(dir, "whole", cell))
		}
		os.RemoveAll(filepath.Join(dir, "cut"))
	}
	if saved < 2 {
		t.Errorf("%d stops saved", saved)
	}
}

// TestGridGoesOnBesideCellsThatDiverge: a rate that is too high ends its own cells, which are
// named, stay as they are, and have nothing to send; the others are those of a grid without.
func TestGridGoesOnBesideCellsThatDiverge(t *testing.T) {
	dir, tune := gridding(t)
	result, told := filepath.Join(dir, "r.json"), filepath.Join(dir, "e.jsonl")
	more := []string{"--steps", "2", "--seeds", "1", "--lr", "1e30,0.01", "--clip", "0", "--json", result, "--events", "jsonl:" + told}
	for again := range 2 {
		stdout, stderr := succeed(t, tune("grid", more...)...)
		r := read[study.Gridded](t, result)
		if len(r.Cells) != 1 || r.Best != "lr0.01-seed1" || len(r.Failed) != 1 || r.Failed[0].LR != 1e30 || r.Failed[0].Step == 0 {
			t.Fatalf("%+v", r)
		}
		if !strings.Contains(stderr, "warning: lr 1e+30, seed 1 failed: ") || strings.Contains(stdout, "1e+30") || strings.Contains(stderr, "lr1e+30-seed1:") != (again == 0) {
			t.Errorf("%s%s", stdout, stderr)
		}
		if ends := strings.Count(string(contents(t, told)), `"event":"end"`); ends != 2 {
			t.Errorf("%d ends of two cells", ends)
		}
	}
	must(t, tune("alone", "--steps", "2", "--seed", "1", "--lr", "0.01", "--clip", "0")...)
	sameCell(t, filepath.Join(dir, "grid", "lr0.01-seed1"), filepath.Join(dir, "alone"))
	for _, name := range []string{"adapter", "best", "checkpoints/*"} {
		if left, _ := filepath.Glob(filepath.Join(dir, "grid", "lr1e+30-seed1", name)); left != nil {
			t.Errorf("%q is left of a cell that failed", left)
		}
	}
}

// TestGridsThatAreNone: what is asked for twice, what may not be repeated, and directories
// of something else.
func TestGridsThatAreNone(t *testing.T) {
	dir, tune := gridding(t)
	fails(t, exitUsage, "--lr: 0.001 comes twice", tune("g", "--steps", "1", "--lr", "1e-3,0.001")...)
	fails(t, exitUsage, "--seeds: 1 comes twice", tune("g", "--steps", "1", "--lr", "1e-3", "--seeds", "1,2,1")...)
	fails(t, exitUsage, "--seed changes nothing beside --seeds", tune("g", "--steps", "1", "--lr", "1e-3", "--seed", "3", "--seeds", "1")...)
	fails(t, exitUsage, "--lr 0", tune("g", "--steps", "1", "--lr", "1e-3,0")...)
	fails(t, exitUsage, "spends ε anew", tune("g", "--steps", "1", "--lr", "1e-3", "--seeds", "1,2", "--dp-sgd", "--dp-clip", "1", "--dp-noise", "1", "--dp-delta", "1e-5")...)
	if _, err := os.Stat(filepath.Join(dir, "g")); err == nil {
		t.Error("a directory was made")
	}
	must(t, tune("one", "--steps", "1", "--lr", "1e-3")...)
	fails(t, exitError, "command", tune("one", "--steps", "1", "--lr", "1e-3", "--seeds", "1")...)
	fails(t, exitError, "not one of this command", tune("one", "--steps", "1", "--lr", "1e-3", "--seeds", "1", "--overwrite")...)
	must(t, tune("several", "--steps", "1", "--lr", "1e-3", "--seeds", "1")...)
	fails(t, exitError, "steps", tune("several", "--steps", "2", "--lr", "1e-3", "--seeds", "1")...)
	code, _, stderr := lamina(t, tune("several", "--steps", "1", "--lr", "1e30", "--clip", "0", "--seeds", "1", "--overwrite")...)
	if code != exitError || !strings.Contains(errorOf(stderr), "cell lr1e+30-seed1: ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}
