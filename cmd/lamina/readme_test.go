package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/internal/cases"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// notRun are the lines of README that TestREADME leaves alone, and why.
var notRun = map[string]string{
	"go run ./cmd/lamina demo":            "a step of .ci/run; the packages under crash test its parts",
	"go test ./...":                       "runs this test",
	"CGO_ENABLED=0 go build ./cmd/lamina": "a step of .ci/run; the test runs the command within its own process",
	"PATH=$PWD:$PATH":                     "as above",
	"require lamina v0.0.0":               "a step of .ci/run, which makes a module of these lines: it asks the network",
	"replace lamina => ../lamina":         "as above",
	"go mod tidy":                         "as above",
}

// TestREADME types every command line of README into one session, in order, in a
// directory where the names of the hub that it uses are models and data of our own
// making, as small as they can be: what is a path is not looked for on the hub.
func TestREADME(t *testing.T) {
	ran, left := typeLines(t, "README.md")
	for text := range notRun {
		if !left[text] {
			t.Errorf("%s: listed as not run, and README has it no more", text)
		}
	}
	for _, command := range []string{"doctor", "info", "similarity", "plan", "emulate", "distill", "finetune", "plug", "eval", "compare", "run", "convert", "generate"} {
		if ran[command] == 0 {
			t.Errorf("README shows no %s", command)
		}
	}
	wantMade(t, "cka.json", "plan.json", "emulator/model.safetensors", "tuned/model.safetensors", "table/report.html")
}

// TestTutorial does the same with the tutorial's lines.
func TestTutorial(t *testing.T) {
	if cases.Few() {
		t.Skip("one command after another, as README's: with LAMINA_TESTS=whole")
	}
	typeLines(t, "docs", "tutorial.md")
	wantMade(t, "study/report.html", "study/figures", "table/report.html")
}

// typeLines types the command lines of a document, and returns how often each command ran
// and which lines were left alone.
func typeLines(t *testing.T, document ...string) (ran map[string]int, left map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, document...)...))
	if err != nil {
		t.Fatal(err)
	}
	lines := commandLines(t, string(text))
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	standIns(t, here)
	ran, left = map[string]int{}, map[string]bool{}
	for _, line := range lines {
		text, _, _ := strings.Cut(line, "  #")
		if text = strings.TrimSpace(text); notRun[text] != "" {
			left[text] = true
			continue
		}
		args, err := words(line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if args[0] == "mkdir" && len(args) == 2 {
			if err := os.Mkdir(args[1], 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if args[0] != "lamina" {
			t.Errorf("%s: is neither run nor listed as not run", line)
			continue
		}
		code, stdout, stderr := lamina(t, args[1:]...)
		if code != 0 {
			t.Fatalf("%s\nexit %d: %s", line, code, stderr)
		}
		expected := 0
		for _, small := range []string{"CKA of so few", "an estimate of so few", "may learn them by heart"} { // the stand-ins are small
			expected += strings.Count(stderr, small)
		}
		if strings.Contains(line, "--receipt none") {
			expected += strings.Count(stderr, "no receipt was held against it")
		}
		if strings.Count(stderr, "warning") > expected {
			t.Errorf("%s\nwarns: %s", line, stderr)
		}
		if stdout == "" {
			t.Errorf("%s\nsays nothing", line)
		}
		ran[args[1]]++
	}
	return ran, left
}

// wantMade says what is missing of what the lines were to make.
func wantMade(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
}

// commandLines returns the lines of a document's indented blocks, continued ones whole.
func commandLines(t *testing.T, document string) (lines []string) {
	t.Helper()
	begun := ""
	for line := range strings.Lines(document) {
		code, ok := strings.CutPrefix(line, "    ")
		if !ok {
			if begun != "" {
				t.Errorf("%s: goes on nowhere", begun)
			}
			continue
		}
		begun += strings.TrimSpace(code)
		if more, ok := strings.CutSuffix(begun, `\`); ok {
			begun = more
			continue
		}
		if !strings.HasPrefix(begun, "#") {
			lines = append(lines, begun)
		}
		begun = ""
	}
	if len(lines) < 15 {
		t.Fatalf("found %d lines of commands; does the search still work?", len(lines))
	}
	return lines
}

// words splits a line as a shell does that has nothing to expand: it is an error if it
// had. A comment is left out.
func words(line string) (args []string, err error) {
	word, quote, open := "", rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word += string(r)
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == '#' && !open:
			return args, nil
		case r == ' ':
			if open {
				args, word, open = append(args, word), "", false
			}
		case strings.ContainsRune("|;<>*?`", r):
			return nil, fmt.Errorf("%q stands for itself in no shell: the test does not know what to do with it", r)
		default:
			word, open = word+string(r), true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quotation mark %q is missing", quote)
	}
	if open {
		args = append(args, word)
	}
	return args, nil
}

// standIns makes what the documents' names stand for, in the working directory; source is the
// directory of this package.
func standIns(t *testing.T, source string) {
	t.Helper()
	lmeval := filepath.Join(source, "..", "..", "eval", "task", "testdata", "lmeval")
	tiny := `"hidden_size": 12, "num_hidden_layers": 12, "num_attention_heads": 3, "max_position_embeddings": 512`
	standInModel(t, filepath.Join(lmeval, "opt"), "facebook/opt-125m",
		`{"model_type": "opt", "vocab_size": 400, "ffn_dim": 24, "word_embed_proj_dim": 12, "do_layer_norm_before": true, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1, "dropout": 0.1, `+tiny+`}`)
	standInModel(t, filepath.Join(lmeval, "llama"), "HuggingFaceTB/SmolLM2-135M-Instruct",
		`{"model_type": "llama", "vocab_size": 520, "intermediate_size": 24, "rms_norm_eps": 1e-5, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": true, `+tiny+`}`)
	quantised, err := os.ReadFile(filepath.Join(source, "..", "..", "transformer", "testdata", "gguf", "mixed.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, ".", "model.gguf", string(quantised))
	for dir, files := range map[string]map[string]string{
		"allenai/ai2_arc/ARC-Easy":      {"train": "arc_easy.train.jsonl", "validation": "arc_easy.jsonl", "test": "arc_easy.jsonl"},
		"allenai/ai2_arc/ARC-Challenge": {"train": "arc_challenge.train.jsonl", "validation": "arc_challenge.jsonl", "test": "arc_challenge.jsonl"},
		"Rowan/hellaswag/data":          {"train": "hellaswag.train.jsonl", "validation": "hellaswag.jsonl"},
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for split, name := range files {
			rows, err := os.ReadFile(filepath.Join(lmeval, "docs", name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, split+".jsonl", string(rows))
		}
	}
}

// standInModel writes a new model of a configuration, with the tokenizer of another.
func standInModel(t *testing.T, tokenizer, name, config string) {
	t.Helper()
	c, err := transformer.ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := transformer.New(c, nn.Init{Device: ref.New(), Seed: 1}).Save(name); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if slices.Contains([]string{"config.json", "model.safetensors"}, e.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(tokenizer, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, e.Name(), string(data))
	}
}
