package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/formats/safetensors"
	"lamina/tensor"
)

func TestLogitsEqualGolden(t *testing.T) {
	for _, name := range []string{"opt-prenorm", "llama-gqa-tied", "gpt2-by-layer", "bloom-six"} {
		g := read[struct{ Tokens json.RawMessage }](t, filepath.Join(golden(name), "golden.json"))
		rows := logits(t, golden(name), write(t, t.TempDir(), "tokens.json", string(g.Tokens)))
		file, err := safetensors.Open(filepath.Join(golden(name), "golden.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for i, row := range rows {
			item := "logits." + string(rune('0'+i))
			e, ok := file.Entry(item)
			if !ok || len(row) != e.Shape[0] || len(row[0]) != e.Shape[1] {
				t.Fatalf("%s: row %d is [%d %d], the golden %v", name, i, len(row), len(row[0]), e.Shape)
			}
			data, err := file.Bytes(item)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, e.Elems())
			tensor.DecodeF32(want, data, e.DType)
			for j, v := range slices.Concat(row...) {
				if !(math.Abs(float64(v-want[j])) <= 1e-4) { // the design's bar for logits
					t.Fatalf("%s: row %d, element %d: %v, want %v", name, i, j, v, want[j])
				}
			}
		}
	}
}

func TestThreadsChangeNoBit(t *testing.T) {
	tokens := write(t, t.TempDir(), "t.json", "[[1,2,3,4,5,6,7,8,9,10],[11,12]]")
	text := func(threads string) string {
		return must(t, "logits", "--model", golden("opt-f16"), "--tokens", tokens, "--threads", threads)
	}
	one := text("1")
	for _, threads := range []string{"2", "3", "7"} {
		if text(threads) != one {
			t.Errorf("logits with %s threads differ from those with one", threads)
		}
	}
}

func TestTokenize(t *testing.T) {
	model := tinyModel(t)
	if err := os.Remove(filepath.Join(model, "model.safetensors")); err != nil {
		t.Fatal(err)
	}
	texts := write(t, t.TempDir(), "texts.json", `["a cat", "", "</s>a"]`)
	var rows [][]int32
	if err := json.Unmarshal([]byte(must(t, "tokenize", "--model", model, "--texts", texts)), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 3 || len(rows[0]) == 0 || rows[1] == nil || len(rows[1]) != 0 || rows[2][0] != 2 {
		t.Errorf("ids %v", rows)
	}
}

func TestGenerate(t *testing.T) {
	model, out := tinyModel(t), filepath.Join(t.TempDir(), "g.json")
	stdout := must(t, "generate", "--model", model, "--prompt", "a small", "--max-tokens", "8", "--json", out)
	r := read[generateResult](t, out)
	if len(r.IDs) == 0 || len(r.IDs) > 8 || strings.TrimSuffix(stdout, "\n") != r.Text || r.Rate <= 0 {
		t.Errorf("%+v, printed %q", r, stdout)
	}
	// Greedy text is what the logits say.
	row := slices.Concat(r.PromptIDs, r.IDs)
	data, _ := json.Marshal([][]int32{row[:len(row)-1]})
	rows := logits(t, model, write(t, t.TempDir(), "row.json", string(data)))
	for i, id := range r.IDs {
		at := rows[0][len(r.PromptIDs)-1+i]
		if best := slices.Index(at, slices.Max(at)); int32(best) != id {
			t.Errorf("token %d: %d, the logits say %d", i, id, best)
		}
	}
	a := must(t, "generate", "--model", model, "--prompt", "a", "--temperature", "1.5", "--max-tokens", "20", "--seed", "1")
	b := must(t, "generate", "--model", model, "--prompt", "a", "--temperature", "1.5", "--max-tokens", "20", "--seed", "2")
	if a == b || a != must(t, "generate", "--model", model, "--prompt", "a", "--temperature", "1.5", "--max-tokens", "20", "--seed", "1") {
		t.Errorf("the seed does not decide the text: %q, %q", a, b)
	}
}

func TestEvalShapes(t *testing.T) {
	model := tinyModel(t)
	for _, c := range []struct {
		name, data string
		metrics    []string
		rows       []int // scores of each document
	}{
		{"choices", questions, []string{"acc", "acc_stderr", "acc_norm"}, []int{3, 2, 2, 3}},
		{"continuation", `{"context": "a small", "continuation": "cat"}` + "\n" + `{"context": "b", "continuation": "day"}` + "\n", []string{"acc", "ppl"}, []int{1, 1}},
		{"contexts", `{"context_options": ["a", "the cat"], "continuation": "is", "gold": 0}` + "\n", []string{"acc"}, []int{2}},
		{"answers", `{"query": "who", "answers": ["cat", "dog"]}` + "\n", []string{"acc"}, []int{2}},
		{"text", `{"text": "a small cat is black"}` + "\n", []string{"word_perplexity"}, []int{1}},
		{"tokens", `{"context_ids": [5, 6], "target_ids": [7, 8]}` + "\n", []string{"acc", "ppl"}, []int{1}},
	} {
		dir := t.TempDir()
		out := filepath.Join(dir, "e.json")
		must(t, "eval", "--model", model, "--data", write(t, dir, "d.jsonl", c.data), "--json", out)
		r := read[map[string]any](t, out)
		for _, m := range append(c.metrics, "task", "n", "rules", "rows", "truncated", "precision") {
			if _, ok := r[m]; !ok {
				t.Errorf("%s: no %q in %v", c.name, m, r)
			}
		}
		rows := read[struct{ Rows [][][2]any }](t, out).Rows
		if len(rows) != len(c.rows) {
			t.Fatalf("%s: %d rows", c.name, len(rows))
		}
		for i, n := range c.rows {
			if len(rows[i]) != n {
				t.Errorf("%s: document %d has %d scores, want %d", c.name, i, len(rows[i]), n)
			}
		}
	}
}

// The score of token documents is the log-softmax of the logits command.
func TestEvalEqualsLogits(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "e.json")
	must(t, "eval", "--model", golden("opt-prenorm"), "--json", out,
		"--data", write(t, dir, "d.jsonl", `{"context_ids": [5, 6, 9], "target_ids": [7, 8]}`+"\n"))
	rows := logits(t, golden("opt-prenorm"), write(t, dir, "t.json", "[[5,6,9,7]]"))
	want := 0.0
	for i, id := range []int{7, 8} {
		at, sum := rows[0][2+i], 0.0
		for _, v := range at {
			sum += math.Exp(float64(v))
		}
		want += float64(at[id]) - math.Log(sum)
	}
	got := read[struct {
		PPL  float64
		Rows [][][2]any
	}](t, out)
	if score := got.Rows[0][0][0].(float64); math.Abs(score-want) > 1e-4 || math.Abs(got.PPL-math.Exp(-want)) > 1e-3*got.PPL {
		t.Errorf("log-probability %v and perplexity %v, the logits give %v", score, got.PPL, want)
	}
}

func TestInfo(t *testing.T) {
	out := filepath.Join(t.TempDir(), "i.json")
	model := tinyModel(t)
	text := must(t, "info", "--model", model, "--plan", "0* 2 5*", "--share", "all", "--json", out)
	r := read[infoResult](t, out)
	if r.Layers != 6 || r.Vocab != 420 || r.Tokenizer.Vocab != 420 || r.Plan != "0* 2 2 2 5 5*" || r.DTypes["F32"] != r.Params {
		t.Errorf("%+v", r)
	}
	// Two trained blocks: value, gradient and two moments in F32.
	if r.Memory.Trainable != 2*r.BlockParams || r.Memory.Optimiser != 32*r.BlockParams {
		t.Errorf("memory %+v of blocks of %d", r.Memory, r.BlockParams)
	}
	// Embedding and final norm, and the frozen layers 2 and 5 once each.
	if want := 4 * (420*32 + 32 + 2*r.BlockParams); r.Memory.Held != want {
		t.Errorf("held %d bytes, want %d", r.Memory.Held, want)
	}
	if !strings.Contains(text, "420 ids") {
		t.Errorf("printed %q", text)
	}
	// The exported emulator of a plan needs as much as the plan.
	emulator := filepath.Join(t.TempDir(), "emu")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--share", "all", "--out", emulator)
	must(t, "info", "--model", emulator, "--json", out)
	if e := read[infoResult](t, out); !e.Emulator || e.Plan != r.Plan || e.Memory.Held != r.Memory.Held || e.Memory.Training != r.Memory.Training {
		t.Errorf("emulator %+v, plan %+v", e, r)
	}
}

func TestConvert(t *testing.T) {
	model := tinyModel(t)
	dir := t.TempDir()
	tokens := write(t, dir, "t.json", "[[1,2,3],[400]]")
	same, half := filepath.Join(dir, "same"), filepath.Join(dir, "half")
	must(t, "convert", "--model", model, "--out", same)
	must(t, "convert", "--model", model, "--out", half, "--dtype", "bf16")
	want := logits(t, model, tokens)
	if !equalLogits(want, logits(t, same, tokens)) {
		t.Error("a copy gives other logits")
	}
	if equalLogits(want, logits(t, half, tokens)) {
		t.Error("BF16 changed no logit")
	}
	if c := read[map[string]any](t, filepath.Join(half, "config.json")); c["torch_dtype"] != "bfloat16" {
		t.Errorf("torch_dtype %v", c["torch_dtype"])
	}
	for _, name := range []string{"tokenizer.json", "LICENSE"} {
		if _, err := os.Stat(filepath.Join(same, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSmolLM2FromGGUF(t *testing.T) {
	dir := os.Getenv("LAMINA_MODELS")
	if dir == "" {
		t.Skip("LAMINA_MODELS is not set: no directory of real models")
	}
	out := must(t, "generate", "--model", filepath.Join(dir, "SmolLM2-135M-Instruct.Q4_1.gguf"), "--prompt", "The capital of France is", "--max-tokens", "2")
	if out != " Paris.\n" {
		t.Errorf("generated %q", out)
	}
}
