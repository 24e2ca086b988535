package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/emulate"
	"lamina/crash/exchange"
	"lamina/crash/study"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

// valuesIn reads the F32 tensors of a file, by name.
func valuesIn(t *testing.T, path string) map[string][]float32 {
	t.Helper()
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string][]float32{}
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = make([]float32, e.Elems())
		if e.DType == tensor.F32 {
			tensor.DecodeF32(all[name], data, e.DType)
		}
	}
	return all
}

// repairedHouses is an emulator whose T its owner trained, and what came back of it in both
// forms.
type repairedHouses struct {
	model, emulator, receipt, repaired string
	delta, weights                     string
	distilled                          study.Distilled
}

func repairing(t *testing.T, dir, kind string) (h repairedHouses) {
	t.Helper()
	path := func(name string) string { return filepath.Join(dir, kind+name) }
	h = repairedHouses{model: tinyModel(t), emulator: path("/emulator"), receipt: path("/emulator.receipt.json"), repaired: path("/repaired"), delta: path("-delta"), weights: path("-weights")}
	data := write(t, dir, "d.jsonl", questions)
	said := must(t, distilling(t, h.model, dir, "--train", kind, "--out", path(""), "--json", path(".json"))...)
	for _, want := range []string{"its starred blocks were trained by the model's owner (" + kind, "keep " + h.repaired} {
		if !strings.Contains(said, want) {
			t.Errorf("%s: %q does not say %q", kind, said, want)
		}
	}
	h.distilled = read[study.Distilled](t, path(".json"))
	train := func(out string, more ...string) {
		must(t, append([]string{"finetune", "--model", h.emulator, "--data", data, "--lr", "1e-2", "--steps", "3", "--batch", "2", "--out", out}, more...)...)
	}
	train(h.delta)
	train(h.weights, "--return", "weights")
	return h
}

// TestRepairedBlocksStayBehind: an owner trains T before he sends it. None of his own T is in
// what is sent; what comes back is a change, which he adds to his own; and the two controls,
// the trained weights as they are and the repair by itself, can be plugged in too.
func TestRepairedBlocksStayBehind(t *testing.T) {
	for _, kind := range []string{"trained", "trained-norms"} {
		dir := t.TempDir()
		h := repairing(t, dir, kind)
		own, sent := valuesIn(t, filepath.Join(h.model, "model.safetensors")), valuesIn(t, filepath.Join(h.emulator, "model.safetensors"))
		for name, values := range own {
			for other, given := range sent {
				if (strings.Contains(name, "layers.0.") || strings.Contains(name, "layers.5.")) && !strings.Contains(name, "norm") && slices.Equal(values, given) {
					t.Errorf("%s: %s of the model stands in the emulator, as %s", kind, name, other)
				}
			}
		}
		for name := range sent {
			if place := strings.Contains(name, "layers.0."); place && slices.Equal(own[name], sent[name]) {
				t.Errorf("%s: %s is the model's", kind, name)
			}
		}
		e := h.distilled.Emulator
		if e.Return != "delta" || e.Repaired == nil || e.Repaired.Train != kind || (e.Distilled == nil) != (kind == "trained") || e.Format != 4 || h.distilled.Start > 0.01 || !(h.distilled.Start < 0.01) {
			t.Errorf("%s: %+v", kind, e)
		}
		h.plugs(t, dir, own)
	}
}

// plugs holds each way of plugging in against its formula.
func (h repairedHouses) plugs(t *testing.T, dir string, own map[string][]float32) {
	t.Helper()
	after, repaired := valuesIn(t, filepath.Join(h.weights, "adapter/adapter.safetensors")), valuesIn(t, filepath.Join(h.repaired, "adapter.safetensors"))
	if m := read[exchange.Manifest](t, filepath.Join(h.delta, "adapter/adapter.json")); m.Form != "delta" || m.Format != 3 {
		t.Fatalf("form %q format %d: want what the owner asks for", m.Form, m.Format)
	}
	for what, c := range map[string]struct {
		args []string
		want func(own, repaired, after float32) float32
		warn string
	}{
		"delta":   {[]string{"--adapter", h.delta, "--receipt", h.receipt}, func(o, r, a float32) float32 { return float32(float64(o) + float64(a) - float64(r)) }, ""},
		"half":    {[]string{"--adapter", h.delta, "--receipt", h.receipt, "--alpha", "0.5"}, func(o, r, a float32) float32 { return float32(float64(o) + (float64(a)-float64(r))/2) }, ""},
		"none":    {[]string{"--adapter", h.delta, "--receipt", h.receipt, "--alpha", "0:0,5:0"}, func(o, r, a float32) float32 { return o }, ""},
		"weights": {[]string{"--adapter", h.weights, "--receipt", h.receipt}, func(o, r, a float32) float32 { return a }, "a delta leaves it out"},
		"repair":  {[]string{"--adapter", h.repaired, "--receipt", "none"}, func(o, r, a float32) float32 { return r }, "no receipt was held"},
	} {
		out := filepath.Join(dir, what)
		_, warned := succeed(t, append([]string{"plug", "--model", h.model, "--out", out}, c.args...)...)
		if !strings.Contains(warned, c.warn) || c.warn == "" && strings.Contains(warned, "leaves it out") {
			t.Errorf("%s: warned %q, want %q", what, warned, c.warn)
		}
		for name, got := range valuesIn(t, filepath.Join(out, "model.safetensors")) {
			if after[name] == nil {
				if !slices.Equal(got, own[name]) {
					t.Errorf("%s: %s changed", what, name)
				}
				continue
			}
			for i, v := range got {
				want := c.want(own[name][i], repaired[name][i], after[name][i])
				if off := float64(v - want); off > 1e-7 || off < -1e-7 || what != "delta" && what != "half" && off != 0 {
					t.Fatalf("%s: %s %d is %g, want %g", what, name, i, v, want)
				}
			}
		}
	}
	fails(t, 1, "made for other weights", "plug", "--model", h.model, "--adapter", h.delta, "--receipt", "none", "--out", filepath.Join(dir, "no"))
	fails(t, 1, "α of layer 2, which the adapter does not train", "plug", "--model", h.model, "--adapter", h.delta, "--receipt", h.receipt, "--alpha", "2:0.5", "--out", filepath.Join(dir, "no"))
}

// TestReturnIsNoMatterOfTraining: a finished run is written in another form without a step,
// and both plug in to the same bytes where T was not repaired.
func TestReturnIsNoMatterOfTraining(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", questions)
	emulator, run := filepath.Join(dir, "emu"), filepath.Join(dir, "run")
	must(t, "emulate", "--model", model, "--plan", "0* 2 2 5*", "--out", emulator)
	var files [][]byte
	for _, form := range []string{"weights", "delta", "weights"} {
		said := must(t, "finetune", "--model", emulator, "--data", data, "--lr", "1e-2", "--steps", "3", "--batch", "2", "--out", run, "--return", form, "--json", filepath.Join(dir, "r.json"))
		if r := read[study.Finetuned](t, filepath.Join(dir, "r.json")); r.Form != form || r.Outcome.Steps != 3 {
			t.Errorf("%s: %s", form, said)
		}
		out := filepath.Join(dir, "tuned")
		must(t, "plug", "--model", model, "--adapter", run, "--out", out, "--overwrite")
		data, err := os.ReadFile(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	if !bytes.Equal(files[0], files[1]) || !bytes.Equal(files[0], files[2]) {
		t.Error("a delta is not the plain plug-in to the bit")
	}
	again := []string{"finetune", "--model", emulator, "--data", data, "--lr", "1e-2", "--steps", "3", "--batch", "2", "--out", run}
	said := must(t, append(again, "--return", "lora", "--rank", "2", "--json", filepath.Join(dir, "r.json"))...)
	if r := read[study.Finetuned](t, filepath.Join(dir, "r.json")); r.Form != "lora" || r.Factored == nil || r.Factored.Rank != 2 || !(r.Factored.Error > 0.01 && r.Factored.Error < 1) || !strings.Contains(said, "as LoRA of rank 2 it is") {
		t.Errorf("%s, %+v", said, r.Factored)
	}
	if said := must(t, "plug", "--model", model, "--adapter", run, "--out", filepath.Join(dir, "tuned"), "--overwrite"); !strings.Contains(said, "added to T₀ what came back as lora") {
		t.Errorf("%s", said)
	}
	other := append(again, "--overwrite")
	fails(t, 1, "is what --peft adapter trains, and every weight was to be", append(other, "--return", "adapter")...)
	fails(t, 1, "rank 4096 is more than layer", append(other, "--return", "lora", "--rank", "4096")...)
	fails(t, 2, "--rank 0: want 1 or more", append(other, "--return", "lora", "--rank", "0")...)
	fails(t, 2, "--rank says nothing without --peft", append(other, "--return", "delta", "--rank", "2")...)
	fails(t, 1, "LoRA has nothing", "finetune", "--model", model, "--data", data, "--lr", "1e-2", "--steps", "3", "--out", filepath.Join(dir, "whole"), "--return", "lora")
	if m := read[emulate.Manifest](t, filepath.Join(emulator, "lamina.json")); m.Format != 3 || m.Return != "" {
		t.Errorf("%+v: want an emulator as before", m)
	}
}

// TestRepairsThatGiveAway T itself are refused.
func TestRepairsThatGiveAway(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	fails(t, 1, "stands frozen at place 1", distilling(t, model, dir, "--train", "trained", "--plan", "0* 0 5*", "--out", filepath.Join(dir, "a"))...)
	fails(t, 2, "--ppd 10", distilling(t, model, dir, "--train", "trained", "--ppd", "10", "--out", filepath.Join(dir, "a"))...)
}

// TestCorrectionsThatDoNotGo together, or cannot be: wrong usage, before anything is read.
func TestCorrectionsThatDoNotGo(t *testing.T) {
	for want, args := range map[string][]string{
		"NaN":                        {"--alpha", "NaN"},
		`"-1"`:                       {"--alpha", "-1"},
		"is no layer":                {"--alpha", "x:1"},
		"layer 5 comes twice":        {"--alpha", "5:1,5:2"},
		"with --valid FILE":          {"--alpha", "auto"},
		"--valid v is for":           {"--alpha", "0.5", "--valid", "v"},
		"with --support FILE":        {"--gradfix"},
		"--support s is for":         {"--support", "s"},
		"needs --gradfix":            {"--gradfix-control", "random-change"},
		"want random-change or":      {"--gradfix", "--support", "s", "--gradfix-control", "other"},
		"--delta-rank -1":            {"--delta-rank", "-1"},
		"neither of which is given":  {"--task", "arc_easy"},
		"--limit 3 counts documents": {"--limit", "3"},
	} {
		fails(t, 2, want, append([]string{"plug", "--model", "m", "--adapter", "a", "--out", "o"}, args...)...)
	}
}

// TestGradFixAndAlphaFromTheCommandLine: all corrections together, each told and recorded.
func TestGradFixAndAlphaFromTheCommandLine(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", questions)
	support := write(t, dir, "s.jsonl", strings.ReplaceAll(questions, "a", "e"))
	run, out, result := filepath.Join(dir, "run"), filepath.Join(dir, "tuned"), filepath.Join(dir, "r.json")
	must(t, "finetune", "--model", model, "--plan", "0* 1 5*", "--data", data, "--lr", "1e-2", "--steps", "3", "--batch", "2", "--out", run)
	plug := []string{"plug", "--model", model, "--adapter", run, "--out", out, "--overwrite", "--json", result}
	said, told := succeed(t, append(plug, "--delta-rank", "4", "--gradfix", "--support", support, "--samples", "2", "--alpha", "auto-blocks", "--valid", data, "--limit", "3")...)
	for _, want := range []string{"α by the loss of the answers of 3 texts", "α 0.25", "dT of each matrix cut to rank 4", "kept where 2 support texts agree", "of layer 5"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	for _, want := range []string{"try 1 of at most 50: α 0: ", "try 9 of at most 50: "} { // 8 for all, 3 rounds of 2 blocks
		if !strings.Contains(told, want) {
			t.Errorf("%q does not say %q", told, want)
		}
	}
	type recorded struct {
		Kind string
		Note exchange.Applied
	}
	c := read[plugResult](t, result).Applied.Corrections
	note := read[recorded](t, filepath.Join(out, ".lamina.json")).Note.Corrections
	for _, c := range []*exchange.Corrections{c, note} {
		if c == nil || c.Rank != 4 || c.Signs == nil || c.Signs.Texts != 2 || len(c.Signs.Data) != 64 || c.Signs.Kept <= 0 || len(c.Blocks) != 2 || c.Chosen == nil || len(c.Chosen.Tried) < 8 || len(c.Chosen.Data) != 64 {
			t.Fatalf("%+v", c)
		}
	}
	_, warned := succeed(t, append(plug, "--delta-rank", "40")...)
	if !strings.Contains(warned, "cuts nothing") {
		t.Errorf("a rank that cuts nothing: %q", warned)
	}
	must(t, append(plug, "--gradfix", "--support", support, "--gradfix-control", "random-change", "--alpha", "0.5")...)
	if c := read[plugResult](t, result).Applied.Corrections; !c.Signs.Random || c.Signs.RandomMask || c.Signs.Seed != 42 || *c.Alpha != 0.5 {
		t.Errorf("%+v", c)
	}
	must(t, append(plug, "--gradfix", "--support", support, "--gradfix-control", "random-mask", "--alpha", "0.5")...)
	if c := read[plugResult](t, result).Applied.Corrections; c.Signs.Random || !c.Signs.RandomMask || c.Signs.Seed != 42 {
		t.Errorf("%+v", c)
	}
}

// TestPlugUndo from the command line: the model's bytes come back, of each of its files; and
// what goes wrong is said.
func TestPlugUndo(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "d.jsonl", questions)
	run, out := filepath.Join(dir, "run"), filepath.Join(dir, "tuned")
	must(t, "finetune", "--model", model, "--plan", "0* 1 5*", "--data", data, "--lr", "1e-2", "--steps", "1", "--batch", "2", "--out", run)
	plug := []string{"plug", "--model", model, "--adapter", run, "--out", out}
	if said := must(t, append(plug, "--delta-rank", "2", "--alpha", "0.5")...); !strings.Contains(said, "lamina plug --undo "+out+" takes it back") {
		t.Errorf("%q", said)
	}
	fails(t, 2, "--undo DIR goes by itself", append(plug, "--undo", out)...)
	if said := must(t, "plug", "--undo", out); !strings.Contains(said, "has the bytes of "+model+" again") {
		t.Errorf("%q", said)
	}
	names, err := os.ReadDir(model)
	back, err2 := os.ReadDir(out)
	if err != nil || err2 != nil || len(names) != len(back) || len(names) < 3 {
		t.Fatalf("%v and %v, %v, %v", names, back, err, err2)
	}
	for _, e := range names {
		want, err := os.ReadFile(filepath.Join(model, e.Name()))
		got, err2 := os.ReadFile(filepath.Join(out, e.Name()))
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %v, or not the model's bytes", e.Name(), err, err2)
		}
	}
	fails(t, 1, "nothing is kept of what it was made from", "plug", "--undo", out)
	fails(t, 2, "missing flag --adapter", "plug", "--model", model, "--out", out)
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	must(t, append(plug, "--no-undo")...)
	if _, err := os.Stat(out + ".undo"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("--no-undo keeps the way back: %v", err)
	}
}
