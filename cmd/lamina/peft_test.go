package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/transformer/peft"
)

// peftRun trains a kind in an emulator of the tiny model, or in the model itself, and returns
// the run.
func peftRun(t *testing.T, model, out string, more ...string) string {
	t.Helper()
	data := write(t, t.TempDir(), "d.jsonl", questions)
	succeed(t, append([]string{"finetune", "--model", model, "--data", data, "--lr", "0.02", "--steps", "5", "--batch", "4", "--out", out}, more...)...)
	return out
}

// peftFlagsOf are flags that use what each kind takes.
var peftFlagsOf = map[string][]string{
	"lora":    {"--rank", "4", "--alpha", "16", "--lora-dropout", "0.2", "--targets", "q_proj,gate_proj,down_proj", "--rslora"},
	"adapter": {"--adapter-width", "8", "--adapter-dropout", "0.2"},
	"bitfit":  nil,
	"ia3":     nil,
}

// TestPEFTGoesToTheOtherHouseAndBack: each kind is trained in an emulator, comes back in a
// form of its own, and is plugged in; eval reads the base with it beside, and the base is as
// it was. Interrupted and resumed runs, and other numbers of threads, have the same bits.
func TestPEFTGoesToTheOtherHouseAndBack(t *testing.T) {
	for _, k := range peft.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			dir := t.TempDir()
			model, emulator := tinyModel(t), filepath.Join(dir, "emulator")
			succeed(t, "emulate", "--model", model, "--plan", "0* 1 1 5*", "--out", emulator)
			flags := append([]string{"--peft", k.Name}, peftFlagsOf[k.Name]...)
			run := peftRun(t, emulator, filepath.Join(dir, "run"), flags...)
			manifest := read[map[string]any](t, filepath.Join(run, "adapter", "adapter.json"))
			if manifest["form"] != k.Name || manifest["format"] != 3.0 {
				t.Errorf("adapter.json says form %v, format %v", manifest["form"], manifest["format"])
			}
			weights, config := k.Files()
			if got, want := entriesOf(t, filepath.Join(run, "adapter")), []string{"MANIFEST.json", "adapter.json", config, weights}; !slices.Equal(got, sortedCopy(want)) {
				t.Errorf("sent %v, want %v", got, want)
			}
			if config := read[map[string]any](t, filepath.Join(run, "config.json")); config["peft"].(map[string]any)["kind"] != k.Name {
				t.Errorf("config.json: %v", config["peft"])
			}
			for _, threads := range []string{"1", "3"} {
				again := peftRun(t, emulator, filepath.Join(dir, "run"+threads), append(flags, "--threads", threads)...)
				if !slices.Equal(fileOf(t, again, weights), fileOf(t, run, weights)) {
					t.Errorf("%s threads: other bits", threads)
				}
			}
			tokens := write(t, dir, "tokens.json", "[[5, 9, 200, 31, 7, 300]]")
			before := logits(t, model, tokens)
			beside, plugged := filepath.Join(dir, "beside.json"), filepath.Join(dir, "plugged")
			must(t, "logits", "--model", model, "--adapter", run, "--tokens", tokens, "--json", beside)
			with := read[[][][]float32](t, beside)
			if far := logitsApart(with, before); !(far > 1e-3) {
				t.Errorf("training changed the logits by %.2g", far)
			}
			if k.Merges {
				said := must(t, "plug", "--model", model, "--adapter", run, "--out", plugged)
				if far := logitsApart(logits(t, plugged, tokens), with); !(far <= 2e-5) || !strings.Contains(said, "‖Δ‖/‖T₀‖ layer 0 ") {
					t.Errorf("plugged in, logits are %.2g apart: %s", far, said)
				}
			} else {
				fails(t, 1, "cannot be merged", "plug", "--model", model, "--adapter", run, "--out", plugged)
			}
			kept, again := filepath.Join(dir, "kept"), filepath.Join(dir, "again.json")
			must(t, "plug", "--model", model, "--adapter", run, "--keep", "--out", kept)
			must(t, "logits", "--model", model, "--adapter", kept, "--tokens", tokens, "--json", again)
			if far := logitsApart(read[[][][]float32](t, again), with); far != 0 {
				t.Errorf("kept, it gives logits that are %.2g apart", far)
			}
			if after := logits(t, model, tokens); logitsApart(after, before) != 0 {
				t.Error("the base changed")
			}
			if k.Merges {
				fails(t, 1, "made for other weights", "logits", "--model", plugged, "--adapter", run, "--receipt", "none", "--tokens", tokens)
			}
			fails(t, 1, "layer 5 out of range", "logits", "--model", golden("llama-gqa-tied"), "--adapter", run, "--receipt", "none", "--tokens", tokens)
		})
	}
}

// TestPEFTInSeveralEmulators: what trains beside T trains in every emulator of it, in turn.
func TestPEFTInSeveralEmulators(t *testing.T) {
	dir, model := t.TempDir(), golden("llama-gqa-tied")
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	must(t, "emulate", "--model", model, "--plan", "0* 2", "--out", one)
	must(t, "emulate", "--model", model, "--plan", "0* 1", "--out", two)
	data := write(t, dir, "d.jsonl", `{"context_ids":[5,6,7],"target_ids":[8,9]}`+"\n")
	run := func(name string, more ...string) []byte {
		out := filepath.Join(dir, name)
		must(t, append([]string{"finetune", "--model", one, "--data", data, "--lr", "0.01", "--steps", "4", "--peft", "lora", "--rank", "2", "--out", out}, more...)...)
		return fileOf(t, out, peft.WeightsFile)
	}
	if slices.Equal(run("alone"), run("both", "--also", two)) {
		t.Error("the second emulator changes nothing")
	}
	if !slices.Equal(run("same", "--also", one), run("again")) {
		t.Error("the same emulator twice trains something else than once")
	}
}

func sortedCopy(names []string) []string { return slices.Sorted(slices.Values(names)) }

func entriesOf(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func fileOf(t *testing.T, run, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(run, "adapter", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// logitsApart returns the largest difference in units of the largest number.
func logitsApart(a, b [][][]float32) (most float64) {
	scale := 0.0
	for i := range a {
		for j := range a[i] {
			for k, v := range a[i][j] {
				scale = max(scale, math.Abs(float64(v)))
				most = max(most, math.Abs(float64(v-b[i][j][k])))
			}
		}
	}
	return most / scale
}

// TestWrongPEFTFlags: a line that names the flag, and nothing is written.
func TestWrongPEFTFlags(t *testing.T) {
	model := golden("llama-gqa-tied")
	data := write(t, t.TempDir(), "d.jsonl", `{"prompt": [1], "completion": [2]}`+"\n")
	for want, flags := range map[string][]string{
		"--rank says nothing without --peft":                 {"--rank", "4"},
		"--targets says nothing without --peft":              {"--targets", "q_proj"},
		"--layers says nothing without --peft":               {"--layers", "1"},
		"--rank changes nothing with --peft adapter":         {"--peft", "adapter", "--rank", "4"},
		"--lora-dropout changes nothing with --peft adapter": {"--peft", "adapter", "--lora-dropout", "0.1"},
		"--adapter-width changes nothing with --peft lora":   {"--peft", "lora", "--adapter-width", "4"},
		"--targets changes nothing with --peft bitfit":       {"--peft", "bitfit", "--targets", "q_proj"},
		"--rslora changes nothing with --peft ia3":           {"--peft", "ia3", "--rslora"},
		"--peft lora: rank 0: want 1":                        {"--peft", "lora", "--rank", "0"},
		"--peft lora: alpha NaN: want":                       {"--peft", "lora", "--alpha", "NaN"},
		"--peft lora: dropout 1: want":                       {"--peft", "lora", "--lora-dropout", "1"},
		"dora":                                               {"--peft", "dora"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		args := append([]string{"finetune", "--model", model, "--data", data, "--lr", "1", "--steps", "1", "--out", out}, flags...)
		fails(t, 2, want, args...)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: a run directory was made", flags)
		}
	}
	tiny := tinyModel(t)
	rows := write(t, t.TempDir(), "d.jsonl", questions)
	for want, flags := range map[string][]string{
		"--return weights: with --peft lora what comes back is what that trains":                      {"--peft", "lora", "--return", "weights"},
		"--return ia3: is what --peft ia3 trains, and every weight was to be: add that flag":          {"--return", "ia3"},
		`--peft lora: target "fc1" is no linear layer of these blocks: want some of self_attn.q_proj`: {"--peft", "lora", "--targets", "fc1"},
		"--peft lora: rank 17 is more than layer model.layers.0.self_attn.k_proj [16 32] has":         {"--peft", "lora", "--rank", "17"},
		"--peft ia3: layer 6 is none that is trained: want some of 0, 1, 2, 3, 4, 5":                  {"--peft", "ia3", "--layers", "6"},
		"--peft bitfit: layer 1 is none that is trained: want some of 0, 5":                           {"--peft", "bitfit", "--layers", "1", "--plan", "0* 1 2 5*"},
	} {
		out := filepath.Join(t.TempDir(), "run")
		fails(t, 1, want, append([]string{"finetune", "--model", tiny, "--data", rows, "--lr", "1", "--steps", "1", "--out", out}, flags...)...)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%v: a run directory was made", flags)
		}
	}
	for want, flags := range map[string][]string{
		"--dtype f16 is of a model, and --keep writes an adapter alone":    {"--keep", "--dtype", "f16"},
		"--compact f16 is of a model, and --keep writes an adapter alone":  {"--keep", "--compact", "f16"},
		"--dtype f16 is of all tensors, and --compact leaves most as they": {"--compact", "f16", "--dtype", "f16"},
		`--compact "q4_0": want f16 or q8_0`:                               {"--compact", "q4_0"},
	} {
		fails(t, 2, want, append([]string{"plug", "--model", tiny, "--adapter", tiny, "--out", filepath.Join(t.TempDir(), "out")}, flags...)...)
	}
}
