package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// golden returns the directory of a tiny checkpoint of package transformer.
func golden(name string) string { return filepath.Join("..", "..", "transformer", "testdata", name) }

// lamina runs one command line.
func lamina(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return laminaContext(t, context.Background(), args...)
}

func laminaContext(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(ctx, args, &out, &err)
	return code, out.String(), err.String()
}

// must runs a command line that has to succeed and returns its standard output.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := lamina(t, args...)
	if code != 0 {
		t.Fatalf("lamina %s: exit %d: %s", strings.Join(args, " "), code, stderr)
	}
	return stdout
}

// tinyConfig has the vocabulary of the tokenizer in transformer/tokenizer/testdata.
const tinyConfig = `{"model_type": "llama", "vocab_size": 420, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 6,
	"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 96, "tie_word_embeddings": true, "eos_token_id": [2],
	"torch_dtype": "float32"}`

// tinyModel writes a random model of six layers with a tokenizer, and returns its
// directory.
func tinyModel(t *testing.T) string {
	t.Helper()
	return tinyModelOf(t, 1)
}

// tinyModelOf writes the one of a seed.
func tinyModelOf(t *testing.T, seed uint64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c, err := transformer.ParseConfig([]byte(tinyConfig))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]tensor.Tensor{}
	var entries []formats.Entry
	for w := range transformer.New(c, nn.Init{Device: ref.New(), Seed: seed, Std: 0.2}).Params() {
		values[w.Name] = w.Value
		entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F32, Shape: w.Value.Shape()})
	}
	err = safetensors.Write(filepath.Join(dir, "model.safetensors"), entries, nil, func(name string, w io.Writer) error {
		_, err := w.Write(values[name].Raw())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := os.ReadFile(filepath.Join("..", "..", "transformer", "tokenizer", "testdata", "byte.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "config.json", tinyConfig)
	write(t, dir, "tokenizer.json", string(tokens))
	write(t, dir, "tokenizer_config.json", `{"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>"}`)
	write(t, dir, "LICENSE", "as you like\n")
	return dir
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// read decodes a JSON file.
func read[T any](t *testing.T, path string) T {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// logits runs the command and returns its numbers.
func logits(t *testing.T, model, tokens string) [][][]float32 {
	t.Helper()
	out := filepath.Join(t.TempDir(), "logits.json")
	must(t, "logits", "--model", model, "--tokens", tokens, "--json", out)
	return read[[][][]float32](t, out)
}

// equalLogits reports whether all numbers have the same bits.
func equalLogits(a, b [][][]float32) bool {
	left, _ := json.Marshal(a)
	right, _ := json.Marshal(b)
	return bytes.Equal(left, right)
}

const questions = `{"query": "a small cat is", "choices": ["black", "white and old", "x"], "gold": 1}
{"query": "the day is", "choices": ["long", "short"], "gold": 0}
{"query": "no, it", "choices": ["is not", "was"], "gold": 1}
{"query": "they say that", "choices": ["one", "two", "three"], "gold": 2}
`

// fails runs a command that must end with a status and a line of error that holds
// some words.
func fails(t *testing.T, code int, want string, args ...string) {
	t.Helper()
	got, _, stderr := lamina(t, args...)
	stderr = unwarned(stderr)
	if got != code || !strings.Contains(stderr, want) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
		t.Errorf("lamina %s: exit %d: %swant %d and %q", strings.Join(args, " "), got, stderr, code, want)
	}
}

// unwarned leaves the warnings out of standard error.
func unwarned(stderr string) string {
	var rest strings.Builder
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "lamina: warning: ") {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// TestQuestionsWithoutATaskWarn, once and by name, in every command that reads them: a
// model that is trained one way and scored another is worse than it need be.
func TestQuestionsWithoutATaskWarn(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	train, test := write(t, dir, "train.jsonl", questions), write(t, dir, "my-arc_easy.jsonl", questions)
	answers := write(t, dir, "answers.jsonl", `{"query": "a small cat is", "answers": ["black"]}`+"\n")
	texts := write(t, dir, "texts.jsonl", strings.Repeat(`{"text": "a small cat is black"}`+"\n", 4))
	pairs := write(t, dir, "pairs.jsonl", `{"context": "a small", "continuation": " cat"}`+"\n")
	finetune := []string{"finetune", "--model", model, "--lr", "1e-3", "--steps", "1"}
	for _, c := range []struct {
		args []string
		want []string // files that are named
		say  string
	}{
		{append(finetune, "--data", train, "--valid", test, "--out", filepath.Join(dir, "a")), []string{train, test}, "--task arc_easy"},
		{append(finetune, "--data", train, "--valid", train, "--out", filepath.Join(dir, "b")), []string{train}, "--task NAME"},
		{append(finetune, "--data", train, "--task", "arc_easy", "--out", filepath.Join(dir, "c")), nil, ""},
		{[]string{"eval", "--model", model, "--data", test}, []string{test}, "--task arc_easy"},
		{[]string{"eval", "--model", model, "--data", answers}, []string{answers}, "--task NAME"},
		{[]string{"eval", "--model", model, "--data", test, "--task", "arc_easy"}, nil, ""},
		{[]string{"eval", "--model", model, "--data", texts}, nil, ""},
		{[]string{"eval", "--model", model, "--data", pairs}, nil, ""},
		{[]string{"similarity", "--model", model, "--data", train}, []string{train}, "every command alike"},
		{[]string{"similarity", "--model", model, "--data", texts}, nil, ""},
		{[]string{"run", "--model", model, "--train", train, "--test", test, "--support", texts, "--valid", train, "--keep", "4", "--trainable", "2",
			"--rows", "zs,uniform", "--lr", "1e-3", "--steps", "1", "--seeds", "1", "--out", filepath.Join(dir, "r")}, []string{train, test}, "verbatim"},
	} {
		code, _, stderr := lamina(t, c.args...)
		var warned []string
		for line := range strings.Lines(stderr) {
			if strings.HasPrefix(line, "lamina: warning: ") && strings.Contains(line, "without a task") {
				path, _, _ := strings.Cut(strings.TrimPrefix(line, "lamina: warning: "), ": ")
				warned = append(warned, path)
			}
		}
		if code != 0 || !slices.Equal(warned, c.want) || !strings.Contains(stderr, c.say) {
			t.Errorf("%v: exit %d, warns of %v, want %v and %q: %s", c.args, code, warned, c.want, c.say, stderr)
		}
	}
}
