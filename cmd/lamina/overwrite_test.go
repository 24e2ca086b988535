package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOverwriteSparesWhatIsRead: --overwrite replaces neither the model that is read nor
// what is no directory, no run counts as a model, and no model as a run.
func TestOverwriteSparesWhatIsRead(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	emulator, run, scores := filepath.Join(dir, "emu"), filepath.Join(dir, "run"), filepath.Join(dir, "scores")
	data, notes, link := write(t, dir, "d.jsonl", questions), write(t, dir, "notes.txt", "mine"), filepath.Join(dir, "link")
	if err := os.Symlink(model, link); err != nil {
		t.Fatal(err)
	}
	must(t, "emulate", "--model", model, "--plan", "0* 1", "--out", emulator)
	train := []string{"finetune", "--data", data, "--lr", "1e-3", "--steps", "1", "--overwrite", "--model", emulator, "--out"}
	must(t, append(train, run)...)
	must(t, "eval", "--model", model, "--data", data, "--out", scores)
	before := logits(t, model, write(t, dir, "t.json", "[[3,1,4]]"))

	plug := []string{"plug", "--model", model, "--adapter", run, "--overwrite", "--out"}
	for _, out := range []string{model, model + "/.", filepath.Join(model, "..", filepath.Base(model)), link} {
		fails(t, 1, filepath.Clean(out)+": ", append(plug, out)...)
		fails(t, 1, out+": ", "convert", "--model", model, "--overwrite", "--out", out)
		fails(t, 1, out+": ", "emulate", "--model", link, "--plan", "0* 1", "--overwrite", "--out", out)
	}
	for _, out := range []string{run, scores, notes} {
		fails(t, 1, "is not overwritten: choose another", append(plug, out)...)
	}
	for _, out := range []string{model, emulator} {
		fails(t, 1, "holds a model and no run of lamina: choose another --out", append(train, out)...)
		fails(t, 1, "holds a model and no run of lamina: choose another --out", "eval", "--model", model, "--data", data, "--overwrite", "--out", out)
	}
	if !equalLogits(before, logits(t, model, filepath.Join(dir, "t.json"))) {
		t.Error("the model is another one")
	}
	for _, args := range [][]string{
		{"info", "--model", model, "--json", filepath.Join(link, "config.json")},
		{"info", "--model", model, "--plan", "@" + notes, "--json", notes},
		{"eval", "--model", model, "--data", data, "--json", data},
		{"eval", "--model", model, "--data", data, "--json", filepath.Join(dir, "emu", "..", "d.jsonl")},
		{"logits", "--model", model, "--tokens", filepath.Join(dir, "t.json"), "--json", filepath.Join(dir, "t.json")},
	} {
		fails(t, 1, ": name another file", args...)
	}
	for range 2 { // a result of before may be replaced
		must(t, "info", "--model", model, "--json", filepath.Join(scores, "i.json"))
	}
	must(t, "plug", "--model", model, "--adapter", run, "--out", filepath.Join(dir, "tuned"))
	must(t, append(plug, filepath.Join(dir, "tuned"))...)
}
