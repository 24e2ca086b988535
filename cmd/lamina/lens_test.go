package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/crash/plan"
	"lamina/crash/study"
)

// someTexts are rows of text alone.
func someTexts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"text\": \"the %dth text says nothing of %d rings\"}\n", i, i*i)
	}
	return b.String()
}

// TestLensFromTextsToPlan trains a lens, reads a text with it, measures distances with it,
// streamed too, and makes plans of them.
func TestLensFromTextsToPlan(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", someTexts(12))
	out, trained := filepath.Join(dir, "lens"), filepath.Join(dir, "trained.json")
	args := []string{"lens", "train", "--model", model, "--data", data, "--valid", data, "--max-length", "16", "--steps", "12", "--tokens-per-step", "64", "--out", out, "--json", trained}
	stdout := must(t, args...)
	r := read[study.LensTrained](t, trained)
	for i := range r.Tuned {
		if !(r.Tuned[i] < r.Logit[i]) {
			t.Errorf("entry %d: KL %v of the tuned lens, %v of the logit lens", i, r.Tuned[i], r.Logit[i])
		}
	}
	if r.Outcome.Steps != 12 || r.Step != 64 || !strings.Contains(stdout, "lens written to "+out) {
		t.Errorf("%+v\n%s", r, stdout)
	}
	code, _, stderr := lamina(t, args...)
	if code != 1 || !strings.Contains(stderr, out) || strings.Count(stderr, "\n") != 1 {
		t.Errorf("over a lens: exit %d, %q", code, stderr)
	}

	svg, shown := filepath.Join(dir, "grid.svg"), filepath.Join(dir, "shown.json")
	emulator := filepath.Join(dir, "emulator")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", emulator)
	stdout = must(t, "lens", "show", "--model", model, "--lens", out, "--text", "rings of rings", "--positions", "2-5", "--drop", "1", "--plan", "0 1 2 3 4 5", "--emulator", emulator,
		"--colour", "entropy", "--json", shown, "--plot", svg)
	grid := read[study.LensShown](t, shown)
	if len(grid.Readings) != 4 || len(grid.Tokens) != 4 || grid.Layers != 6 || grid.Colour != "entropy" || len(grid.Readings[0].Lines[0].Cells[0].Top) != 5 {
		t.Errorf("%d readings of %d tokens, %d layers, by %s", len(grid.Readings), len(grid.Tokens), grid.Layers, grid.Colour)
	}
	for i, want := range []int{7, 4, 7, 6} { // the model, the emulator, the plan of all, the one without layer 1
		if got := len(grid.Readings[i].Lines); got != want {
			t.Errorf("%s: %d lines, want %d", grid.Readings[i].Name, got, want)
		}
	}
	if picture, err := os.ReadFile(svg); err != nil || !strings.Contains(string(picture), "without 1") || !strings.Contains(stdout, "without 1 (0 2 3 4 5), by entropy") {
		t.Errorf("picture of %d bytes, %v\n%s", len(picture), err, stdout)
	}

	whole, streamed := filepath.Join(dir, "lens.json"), filepath.Join(dir, "streamed.json")
	measure := []string{"lens", "distances", "--model", model, "--lens", out, "--data", data, "--max-length", "12", "--samples", "5"}
	stdout = must(t, append(measure, "--json", whole)...)
	must(t, append(measure, "--json", streamed, "--stream")...)
	a, b := read[study.LensDistances](t, whole), read[study.LensDistances](t, streamed)
	if fmt.Sprint(a) != fmt.Sprint(b) || a.Metric != "lens-js" || len(a.Matrix) != 7 || a.Examples != 5 || !strings.Contains(stdout, "hellinger to next") {
		t.Errorf("%v\nand streamed\n%v\n%s", a, b, stdout)
	}
	for _, method := range []string{"crash", "hierarchical-average"} {
		p, err := plan.Parse(must(t, "plan", method, "--similarity", whole, "--keep", "2", "--trainable", "1"))
		if err != nil || len(p) != 2 {
			t.Errorf("%s: %v, %v", method, p, err)
		}
	}
	must(t, "report", dir)
}

// TestLensWrongInput: one clear line each, and nothing is written.
func TestLensWrongInput(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, empty := write(t, dir, "d.jsonl", someTexts(3)), write(t, dir, "e.jsonl", "")
	short := write(t, dir, "s.txt", "x")
	other := filepath.Join("..", "..", "crash", "lens", "testdata", "library")
	bad := filepath.Join(dir, "nan")
	if err := os.Mkdir(bad, 0o755); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	for want, args := range map[string][]string{
		"the file is empty":                   {"train", "--data", empty, "--out", out},
		"fill no block":                       {"train", "--data", short, "--out", out},
		"--tokens-per-step 0: want 1 or more": {"train", "--data", data, "--out", out, "--tokens-per-step", "0"},
		"--steps 0":                           {"train", "--data", data, "--out", out, "--steps", "0"},
		"it is another model's":               {"show", "--text", "x", "--lens", other},
		"want the directory of a tuned lens":  {"distances", "--data", data, "--lens", bad},
		"--positions 3-9: the text has":       {"show", "--text", "abc", "--positions", "3-9"},
		"want two numbers such as 14-21":      {"show", "--text", "abc", "--positions", "3-1"},
		"the model has layers 0 to 5":         {"show", "--text", "abc", "--drop", "7"},
		"leaves no layer":                     {"show", "--text", "abc", "--drop", "0,1,2,3,4,5"},
		"is no emulator":                      {"show", "--text", "abc", "--emulator", model},
		"is none of --distances":              {"distances", "--data", data, "--distances", "kl"},
		"distance \"w\" is unknown":           {"distances", "--data", data, "--distances", "js,w"},
		"--samples 0: want 1 or more":         {"distances", "--data", data, "--samples", "0"},
	} {
		line := append([]string{"lens", args[0], "--model", model}, args[1:]...)
		code, stdout, stderr := lamina(t, line...)
		if code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, %q, %q: want a line with %q", args, code, stdout, stderr, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 4 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
