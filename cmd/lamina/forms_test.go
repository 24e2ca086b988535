package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsReadEveryForm: what is done with a model is done with an emulator whose places
// are maps, pairs, scaled and narrow layers, and with what is converted of it; folded it is a
// standard model, and says what is lost.
func TestCommandsReadEveryForm(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data := write(t, dir, "support.jsonl", manyQuestions(30))
	texts := write(t, dir, "texts.json", `["a cat", "the dog"]`)
	tokens := write(t, dir, "tokens.json", `[[5,6,7],[8,9]]`)
	own, converted := filepath.Join(dir, "own"), filepath.Join(dir, "converted")
	said := must(t, "emulate", "--model", model, "--plan", "0* ~ 2x0.5:svd0.5 2:svd0.5 ~patch 4:width0.5 5:heads0.5", "--support", data, "--task", "arc_easy", "--out", own)
	if want := "lamina alone reads it, and transformers refuses it: 6 of its places are no layers"; !strings.Contains(said, want) {
		t.Errorf("%q is not said: %s", want, said)
	}
	if said := must(t, "convert", "--model", own, "--out", converted); !strings.Contains(said, "lamina alone reads it") {
		t.Errorf("convert says %s", said)
	}
	var before map[string]string
	for _, m := range []string{own, converted} {
		got := map[string]string{}
		for _, args := range [][]string{
			{"generate", "--prompt", "a cat", "--max-tokens", "5"}, {"eval", "--data", data, "--task", "arc_easy", "--limit", "4"},
			{"logits", "--tokens", tokens}, {"tokenize", "--texts", texts}, {"similarity", "--data", data},
		} {
			out := filepath.Join(dir, "out.json")
			must(t, append([]string{args[0], "--model", m, "--json", out}, args[1:]...)...)
			if args[0] == "logits" || args[0] == "tokenize" { // others tell the time, or the layers that weights are of
				got[args[0]] = string(contents(t, out))
			}
			if err := os.Remove(out); err != nil {
				t.Fatal(err)
			}
		}
		for command, text := range before {
			if got[command] != text {
				t.Errorf("%s: of the converted emulator other numbers", command)
			}
		}
		before = got
		if said := must(t, "info", "--model", m); !strings.Contains(said, "places") || !strings.Contains(said, "1 a linear map; 2 scaled by 0.5, ") || !strings.Contains(said, "4 a diagonal map") {
			t.Errorf("info says %s", said)
		}
	}
	folded := filepath.Join(dir, "folded")
	fails(t, 1, "--fold: place 1, ~; place 3, ~patch: a map of the stream has no standard form", "emulate", "--model", model, "--plan", "0* ~ 3 ~patch 5", "--support", data, "--task", "arc_easy", "--fold", "--out", folded)
	fails(t, exitUsage, "--fold is for transformers and --compact for lamina alone", "emulate", "--model", model, "--plan", "0* 3", "--fold", "--compact", "--out", folded)
	said = must(t, "emulate", "--model", model, "--plan", "0* 2x0.5:svd0.5 4:width0.5 5:heads0.5", "--support", data, "--task", "arc_easy", "--fold", "--out", folded)
	for _, want := range []string{"low-rank pairs are their products", "(places 2)", "the MLP sees attention scaled (places 1)", "hidden states are "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said: %s", want, said)
		}
	}
	if strings.Contains(said, "lamina alone") || strings.Contains(string(contents(t, filepath.Join(folded, "config.json"))), "LaminaForCausalLM") {
		t.Errorf("what is folded is no standard model: %s", said)
	}
	must(t, "finetune", "--model", folded, "--data", data, "--task", "arc_easy", "--lr", "1e-3", "--steps", "1", "--batch", "4", "--out", filepath.Join(dir, "run"))
	must(t, "plug", "--model", model, "--adapter", filepath.Join(dir, "run"), "--out", filepath.Join(dir, "plugged"))
}
