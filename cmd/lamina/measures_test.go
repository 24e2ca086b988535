package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/crash/measure"
	"lamina/crash/study"
)

// TestMeasurements: every command writes a result that a page can show, draws it, and says
// in a table what it found; the same again gives the same file.
func TestMeasurements(t *testing.T) {
	model, other, dir := tinyModel(t), tinyModelOf(t, 2), t.TempDir()
	data, texts := write(t, dir, "d.jsonl", manyQuestions(9)), write(t, dir, "texts.jsonl", strings.Repeat(`{"text":"a cat sat on a mat"}`+"\n", 3)+strings.Repeat(`{"text":"the dog"}`+"\n", 4))
	results := t.TempDir()
	for name, args := range map[string][]string{
		"similarity":  {"similarity", "--model", model, "--data", data, "--metric", "cka-rbf", "--bandwidth", "0.5"},
		"debiased":    {"similarity", "--model", model, "--data", data, "--metric", "cka-debiased", "--stream"},
		"two":         {"similarity", "--model", model, "--with", other, "--data", data},
		"several":     {"similarity", "--model", model, "--model", other, "--data", data},
		"tasks":       {"similarity", "--model", model, "--tasks", data + "," + texts},
		"importance":  {"importance", "--model", model, "--data", data, "--rewind", other},
		"replacement": {"replacement", "--model", model, "--data", data, "--pool", "last"},
		"weights":     {"weights", "--model", model, "--tensors", "mlp"},
		"features":    {"features", "--model", model, "--tasks", data + "," + texts, "--stream"},
	} {
		out := filepath.Join(results, name+".json")
		args = append(args, "--json", out)
		printed := must(t, append(args, "--plot", filepath.Join(dir, name+".png"))...)
		if strings.Count(printed, "\n") < 3 {
			t.Errorf("%s prints %q", name, printed)
		}
		first, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		must(t, append(args, "--threads", "1", "--plot", filepath.Join(dir, name+".svg"))...)
		again, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		without := func(text []byte) string { _, rest, _ := strings.Cut(string(text), `],"`); return rest } // the command
		if without(first) != without(again) || without(first) == "" {
			t.Errorf("%s: by one thread another result", name)
		}
	}
	must(t, "report", results)
	pictures, err := os.ReadDir(filepath.Join(results, "figures"))
	if err != nil || len(pictures) < 2*9 {
		t.Errorf("%d pictures of nine results: %v", len(pictures), err)
	}
	if sim := read[measure.Similarity](t, filepath.Join(results, "similarity.json")); sim.Metric != "cka-rbf" || sim.Bandwidth != 0.5 {
		t.Errorf("%s, %v", sim.Metric, sim.Bandwidth)
	}
	if two := read[study.PairSimilarity](t, filepath.Join(results, "two.json")); two.Names != [2]string{model, other} || two.Model == two.With {
		t.Errorf("%+v", two)
	}
	for _, several := range []string{"two.json", "several.json"} {
		fails(t, exitError, several+": is of several models", "plan", "crash", "--keep", "2", "--trainable", "1", "--similarity", filepath.Join(results, several))
	}
}

// TestSimilarityWithItself has 1 on the diagonal, whole and block by block.
func TestSimilarityWithItself(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, out := write(t, dir, "d.jsonl", manyQuestions(9)), filepath.Join(dir, "two.json")
	for _, more := range [][]string{nil, {"--stream"}} {
		must(t, append([]string{"similarity", "--model", model, "--with", model, "--data", data, "--json", out}, more...)...)
		two := read[measure.Cross](t, out)
		for i, row := range two.Matrix {
			if row[i] < 1-1e-12 || row[i] > 1+1e-12 || slices.Max(row) > row[i]+1e-12 {
				t.Errorf("%v: state %d: %v", more, i, row)
			}
		}
	}
}

// TestMeasurementsRefuse what they cannot measure, in a line that says what to do.
func TestMeasurementsRefuse(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	data, one := write(t, dir, "d.jsonl", manyQuestions(9)), write(t, dir, "one.jsonl", manyQuestions(1))
	empty, texts := write(t, dir, "empty.jsonl", ""), write(t, dir, "texts.jsonl", `{"text":"a"}`+"\n")
	smaller, apart := filepath.Join(dir, "smaller"), filepath.Join(dir, "apart")
	must(t, "emulate", "--model", model, "--plan", "0* 2 5*", "--out", smaller)
	if err := os.CopyFS(apart, os.DirFS(model)); err != nil {
		t.Fatal(err)
	}
	tokens := read[map[string]any](t, filepath.Join(apart, "tokenizer.json"))
	tokens["model"].(map[string]any)["merges"] = []any{}
	text, err := json.Marshal(tokens)
	if err != nil {
		t.Fatal(err)
	}
	write(t, apart, "tokenizer.json", string(text))
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"similarity --model M", exitUsage, "missing flags: --data"},
		{"similarity --model M --data D --metric cosine", exitUsage, "--metric"},
		{"similarity --model M --data D --bandwidth 2", exitUsage, "metric cka has no bandwidth"},
		{"similarity --model M --data D --metric cka-rbf --bandwidth 0", exitUsage, "--bandwidth 0"},
		{"similarity --model M --data D --metric cka-rbf --bandwidth 1e9", exitUsage, "want 0.001 to 1000"},
		{"similarity --model M --data D --tasks D,D", exitUsage, "--tasks is for one --model"},
		{"similarity --model M --model M --with M --data D", exitUsage, "--with is for one --model, not 2"},
		{"similarity --model M --with APART --data D", exitError, "make different tokens of row 0: their tokenizers differ"},
		{"similarity --model M --data ONE", exitError, "one.jsonl: similarity needs 2 samples or more, got 1"},
		{"similarity --model M --data ONE --with M", exitError, "similarity needs 2 samples or more, got 1"},
		{"similarity --model M --data EMPTY", exitError, "empty.jsonl"},
		{"similarity --model M --tasks D", exitError, "want 2 tasks or more to compare, got 1"},
		{"similarity --model M --tasks D,D", exitUsage, "two tasks called d"},
		{"similarity --model M --tasks arc=D,D", exitUsage, `task "arc" is unknown`},
		{"similarity --model M --tasks D,TEXTS", exitError, "texts.jsonl: similarity needs 2 samples or more, got 1"},
		{"importance --model M --data EMPTY", exitError, "empty.jsonl"},
		{"importance --model M --data D --rewind SMALLER", exitError, "want checkpoints of one model"},
		{"importance --model M --data D --samples 0", exitUsage, "--samples 0"},
		{"importance --model M --data D --plot x.pdf", exitUsage, ".svg or .png"},
		{"replacement --model M --data ONE", exitError, "needs 2 samples or more, got 1"},
		{"weights --model M --tensors qkv", exitError, "no tensor that is asked for"},
		{"features --model M --tasks D", exitError, "want 2 tasks or more to compare, got 1"},
		{"features --model M --tasks D,TEXTS --components 1", exitUsage, "--components 1"},
	} {
		line := strings.NewReplacer("APART", apart, "SMALLER", smaller, "EMPTY", empty, "TEXTS", texts, "ONE", one).Replace(c.args)
		args := strings.Fields(line)
		for i, a := range args {
			args[i] = strings.NewReplacer("=D", "="+data, ",D", ","+data).Replace(a)
			if a == "M" {
				args[i] = model
			}
			if a == "D" || strings.HasPrefix(a, "D,") {
				args[i] = data + args[i][1:]
			}
		}
		code, stdout, stderr := lamina(t, args...)
		stderr = unwarned(stderr)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q, %q, want %q", c.args, code, stdout, stderr, c.want)
		}
	}
}
