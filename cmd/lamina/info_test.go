package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/transformer"
)

// TestInfoWithoutWeights: a bare config.json, by its own name or its directory's, has the
// sizes of the model it describes.
func TestInfoWithoutWeights(t *testing.T) {
	for _, name := range []string{"llama-gqa-tied", "llama-bf16", "opt-350m-like", "gpt2-tied", "bloom-bf16"} {
		out := filepath.Join(t.TempDir(), "info.json")
		must(t, "info", "--model", golden(name), "--max-length", "16", "--json", out)
		want := read[infoResult](t, out)
		config, err := os.ReadFile(filepath.Join(golden(name), "config.json"))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		file := write(t, dir, "config.json", string(config))
		for _, path := range []string{dir, file} {
			text := must(t, "info", "--model", path, "--max-length", "16", "--json", out)
			got := read[infoResult](t, out)
			if !got.Described || want.Described || !strings.Contains(text, "not here") {
				t.Errorf("%s: %s", path, text)
			}
			for kind, n := range got.DTypes { // buffers and masks of the files are no weights
				if n > want.DTypes[kind] || n < got.Params {
					t.Errorf("%s: %v, the files have %v", name, got.DTypes, want.DTypes)
				}
			}
			if got.Params != want.Params || got.BlockParams != want.BlockParams || got.Memory.Weights != want.Memory.Weights || got.Memory.Training != want.Memory.Training {
				t.Errorf("%s: %+v, the model has %+v", name, got, want)
			}
		}
	}
	if code, _, stderr := lamina(t, "logits", "--model", filepath.Dir(write(t, t.TempDir(), "config.json", tinyConfig)), "--tokens", "x.json"); code == 0 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("logits without weights: %d, %s", code, stderr)
	}
	bad := write(t, t.TempDir(), "config.json", `{"model_type":"llama","sliding_window":512}`)
	if code, _, stderr := lamina(t, "info", "--model", bad); code != exitError || !strings.Contains(stderr, "sliding_window") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("a key that matters: %d, %s", code, stderr)
	}
}

// TestInfoOfPlans: what an emulator of any plan would take is told from sizes alone.
func TestInfoOfPlans(t *testing.T) {
	model, out := tinyModel(t), filepath.Join(t.TempDir(), "info.json")
	info := func(plan string, more ...string) infoResult {
		t.Helper()
		must(t, append([]string{"info", "--model", model, "--plan", plan, "--max-length", "16", "--json", out}, more...)...)
		return read[infoResult](t, out)
	}
	whole, half := info("0* 1 2 3 4 5*"), info("0* 2 5*", "--time")
	for what, c := range map[string]infoResult{"half": half, "ghost": info("0* ~ 2 ~patch 5*"), "svd": info("0* 1:svd0.5 2:svd0.5 3 4x0.5 5*")} {
		if e, f := c.Cost.Emulator, c.Cost.Full; f != whole.Cost.Full || !(e.Weights < f.Weights) || !(e.Forward < f.Forward) || !(e.Training < whole.Cost.Emulator.Training) || e.Blocks >= f.Blocks {
			t.Errorf("%s: %+v beside %+v", what, e, f)
		}
		if what != "svd" && c.Memory.Training >= whole.Memory.Training { // what lies between factors is kept too
			t.Errorf("%s: training takes %d bytes, with all blocks %d", what, c.Memory.Training, whole.Memory.Training)
		}
	}
	if e, f := whole.Cost.Emulator, whole.Cost.Full; e.Weights != whole.Params || e.Forward != f.Forward || e.Training >= f.Training || f.Blocks != 6*whole.BlockParams {
		t.Errorf("all blocks, two of them trained: %+v", whole.Cost)
	}
	if p := half.Pace; p == nil || p.Tokens != 256 || !(p.Step > 0) || !(p.Forward > 0) || whole.Pace != nil {
		t.Errorf("pace %+v", p)
	}
	if code, _, stderr := lamina(t, "info", "--model", model, "--plan", "0* 9"); code != exitError || strings.Count(stderr, "\n") != 1 {
		t.Errorf("a layer that is not there: %d, %s", code, stderr)
	}
}

// TestInfoFromTheHubFetchesNoWeights: of safetensors the headers are read, of other forms
// nothing.
func TestInfoFromTheHubFetchesNoWeights(t *testing.T) {
	models := absolute(t, filepath.Dir(golden("llama-mha")))
	for _, name := range []string{"llama-gqa-tied", "llama-bf16", "bloom-bf16", "llama-mha"} {
		dir, out := filepath.Join(models, name), filepath.Join(t.TempDir(), "info.json")
		must(t, "info", "--model", dir, "--max-length", "16", "--json", out)
		want := read[infoResult](t, out)
		h, cache := serve(t, "tiny/"+name, readDir(t, dir))
		text := must(t, "info", "--model", "tiny/"+name, "--max-length", "16", "--json", out)
		got := read[infoResult](t, out)
		if !got.Described || !strings.Contains(text, "tiny/"+name) {
			t.Errorf("%s: %s", name, text)
		}
		got.Described, got.Model, want.Tokenizer, got.Tokenizer = false, want.Model, transformer.TokenizerDescription{}, transformer.TokenizerDescription{}
		for kind, n := range want.DTypes {
			if got.DTypes[kind] != n && name != "llama-mha" { // .bin files have the type that config.json states
				t.Errorf("%s: %v, the files have %v", name, got.DTypes, want.DTypes)
			}
		}
		if got.Params != want.Params || got.Memory.Weights != want.Memory.Weights || got.Memory.Training != want.Memory.Training {
			t.Errorf("%s: %+v, the model has %+v", name, got, want)
		}
		for _, line := range h.Log() {
			if strings.Contains(line, "content ") && !strings.Contains(line, "bytes=0-") {
				t.Errorf("%s: weights were asked for: %s", name, line)
			}
		}
		var kept int64
		filepath.Walk(cache, func(path string, info os.FileInfo, err error) error {
			if err == nil && (strings.HasSuffix(path, ".safetensors") || strings.HasSuffix(path, ".bin")) {
				kept += info.Size()
			}
			return nil
		})
		if kept != 0 {
			t.Errorf("%s: %d bytes of weights are in the cache", name, kept)
		}
		// Offline the description is enough.
		t.Setenv("HF_HUB_OFFLINE", "1")
		must(t, "info", "--model", "tiny/"+name, "--max-length", "16", "--json", out)
		if again := read[infoResult](t, out); again.Params != want.Params {
			t.Errorf("%s offline: %+v", name, again)
		}
	}
}

// TestInfoOfShortModels: the length of examples that stands where none is asked for is no
// more than the model has positions.
func TestInfoOfShortModels(t *testing.T) {
	out := filepath.Join(t.TempDir(), "i.json")
	must(t, "info", "--model", golden("llama-dynamic"), "--json", out) // 16 positions
	if r := read[infoResult](t, out); r.Memory.TokensBatch != 16*16 || r.Memory.Training == 0 {
		t.Errorf("%+v", r.Memory)
	}
	must(t, "info", "--model", tinyModel(t), "--json", out) // 96
	if r := read[infoResult](t, out); r.Memory.TokensBatch != 16*64 {
		t.Errorf("%+v", r.Memory)
	}
	fails(t, exitError, "--max-length 17", "info", "--model", golden("llama-dynamic"), "--max-length", "17")
}

// TestInfoOfImpossibleSizes: of a config.json whose sizes are each possible, but not all
// together, info says so.
func TestInfoOfImpossibleSizes(t *testing.T) {
	for sizes, want := range map[string]string{
		`"hidden_size": 16777216, "num_attention_heads": 16777216, "num_hidden_layers": 1024`:                                     "parameters by its sizes",
		`"hidden_size": 16, "num_attention_heads": 16777216, "head_dim": 16777216, "num_hidden_layers": 1`:                        "are more than 16777216 wide",
		`"hidden_size": 16777216, "num_attention_heads": 1, "head_dim": 2, "intermediate_size": 16777216, "num_hidden_layers": 3`: "parameters by its sizes",
	} {
		dir := t.TempDir()
		write(t, dir, "config.json", `{"model_type": "llama", "vocab_size": 420, "max_position_embeddings": 96, "intermediate_size": 48, `+sizes+`}`)
		if strings.Contains(sizes, "intermediate_size") {
			write(t, dir, "config.json", `{"model_type": "llama", "vocab_size": 420, "max_position_embeddings": 96, `+sizes+`}`)
		}
		fails(t, exitError, want, "info", "--model", dir)
	}
	dir := t.TempDir() // the largest there is, and some
	write(t, dir, "config.json", `{"model_type": "llama", "vocab_size": 256000, "max_position_embeddings": 131072, "hidden_size": 32768, "intermediate_size": 131072,
		"num_attention_heads": 128, "num_hidden_layers": 256}`)
	must(t, "info", "--model", dir)
}
