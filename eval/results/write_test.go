package results_test

import (
	"bufio"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"lamina/eval"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/kernels/cpu"
	"lamina/record"
	"lamina/transformer"
)

const harness = "../task/testdata/lmeval"

// evaluation is what gen_results.py of testdata/lmeval ran with lm-eval 0.4.8: four
// tasks of the model opt with two examples.
func evaluation(t *testing.T) *results.Evaluation {
	t.Helper()
	be := cpu.New(cpu.Options{})
	t.Cleanup(func() { be.Close() })
	ckpt, err := transformer.Open(filepath.Join(harness, "opt"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	decoder, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	tok, err := ckpt.Tokenizer()
	if err != nil {
		t.Fatal(err)
	}
	token := func(id int32, ok bool) results.Token { return results.Token{Text: tok.Token(id), ID: id, Some: ok} }
	e := &results.Evaluation{
		Date: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Took: 2500 * time.Millisecond, Seed: 1234,
		Model: results.Model{Name: "opt", Args: "pretrained=opt,dtype=float32", DType: "torch.float32", Params: ckpt.Config.Params(),
			MaxLength: ckpt.Config.MaxPositions, Pad: token(tok.Pad()), EOS: token(tok.EOS()), BOS: token(tok.BOS())},
	}
	for _, name := range []string{"arc_easy", "lambada_openai", "triviaqa", "wikitext"} {
		of, err := task.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		read := func(file string) []task.Document {
			docs, err := of.ReadFile(filepath.Join(harness, "docs", file))
			if err != nil {
				t.Fatal(err)
			}
			return docs
		}
		docs := read(name + ".jsonl")
		setting := task.Setting{Shots: 2, MaxTokens: 16}
		if name != "lambada_openai" {
			setting.Pool = read(name + ".train.jsonl")
		}
		requests, err := task.EncodeAll(of, docs, tok, setting, ckpt.Config.MaxPositions)
		if err != nil {
			t.Fatal(err)
		}
		result, err := eval.Run(context.Background(), be, decoder, requests, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Tasks = append(e.Tasks, results.Task{Task: of, Result: result, Items: requests.Items, Shots: 2, Documents: len(docs), MaxTokens: 16})
	}
	return e
}

// written returns the files that an evaluation writes: results, and samples by
// task.
func written(t *testing.T, e *results.Evaluation) (text []byte, samples map[string]string) {
	t.Helper()
	paths, err := e.Write(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	samples = map[string]string{}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(path), "_2026-11-26T12-00-00.000000.jsonl")
		if name, is := strings.CutPrefix(base, "samples_"); is {
			samples[name] = string(file)
		} else {
			text = file
		}
	}
	return text, samples
}

// object reads JSON with its fields in order.
func object(t *testing.T, text string) record.Object {
	t.Helper()
	for r, err := range record.Scan(strings.NewReader(strings.ReplaceAll(text, "\n", " ")), "json") {
		if err != nil {
			t.Fatal(err)
		}
		return r.Fields
	}
	t.Fatal("no JSON")
	return nil
}

func names(o record.Object) (list []string) {
	for _, f := range o {
		list = append(list, f.Name)
	}
	return list
}

func TestResultsHaveTheHarnessLayout(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness, "results", "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, string(text))
	mine, _ := written(t, evaluation(t))
	got := object(t, string(mine))
	if g, w := names(got), append(names(want), "lamina"); !slices.Equal(g, w) {
		t.Errorf("keys %q\nwant %q", g, w)
	}
	for _, key := range []string{"results", "n-samples", "config", "higher_is_better", "n-shot", "versions"} {
		g, _ := got.Get(key)
		w, _ := want.Get(key)
		sameKeys(t, key, g, w)
	}
	// What does not depend on the model's numbers is the same to the letter.
	for _, key := range []string{"higher_is_better", "n-shot", "versions", "group_subtasks", "task_hashes", "tokenizer_pad_token",
		"tokenizer_eos_token", "tokenizer_bos_token", "eot_token_id", "max_length", "model_name_sanitized", "total_evaluation_time_seconds"} {
		g, _ := got.Get(key)
		w, _ := want.Get(key)
		if !sameSet(g, w) {
			t.Errorf("%s: %s, want %s", key, record.AppendPython(nil, g, 0), record.AppendPython(nil, w, 0))
		}
	}
	var ours, theirs struct{ Results map[string]map[string]any }
	if err := json.Unmarshal(mine, &ours); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &theirs); err != nil {
		t.Fatal(err)
	}
	for of, metrics := range theirs.Results {
		for name, value := range metrics {
			g, isNumber := ours.Results[of][name].(float64)
			w, wantNumber := value.(float64)
			if isNumber != wantNumber || isNumber && !(math.Abs(g-w) <= 1e-3*math.Abs(w)) || !isNumber && !reflect.DeepEqual(ours.Results[of][name], value) {
				t.Errorf("%s %s: %v, want %v", of, name, ours.Results[of][name], value)
			}
		}
	}
}

// sameKeys holds that two objects have the same fields, and objects in them too.
func sameKeys(t *testing.T, path string, got, want record.Value) {
	t.Helper()
	w, is := want.(record.Object)
	if !is {
		return
	}
	g, is := got.(record.Object)
	if a, b := names(g), names(w); !is || !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
		t.Errorf("%s: fields %q, want %q", path, a, b)
		return
	}
	for _, f := range w {
		v, _ := g.Get(f.Name)
		sameKeys(t, path+"."+f.Name, v, f.Value)
	}
}

// sameSet compares values whose fields may come in another order.
func sameSet(a, b record.Value) bool {
	x, isX := a.(record.Object)
	y, isY := b.(record.Object)
	if !isX || !isY {
		return string(record.AppendPython(nil, a, 0)) == string(record.AppendPython(nil, b, 0))
	}
	for _, f := range y {
		v, ok := x.Get(f.Name)
		if !ok || !sameSet(v, f.Value) {
			return false
		}
	}
	return len(x) == len(y)
}

// The first samples of each task equal the harness's to the letter, hashes too,
// but for the digits of log-probabilities.
func TestSamplesEqualTheHarness(t *testing.T) {
	_, samples := written(t, evaluation(t))
	for name, text := range samples {
		f, err := os.Open(filepath.Join(harness, "results", "samples_"+name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		mine := strings.Split(text, "\n")
		n := 0
		for in := bufio.NewScanner(f); in.Scan(); n++ {
			want, got := object(t, in.Text()), object(t, mine[n])
			if !slices.Equal(names(got), names(want)) {
				t.Errorf("%s: fields %q, want %q", name, names(got), names(want))
			}
			for _, field := range want {
				v, _ := got.Get(field.Name)
				if !near(v, field.Value) {
					t.Errorf("%s %d: %s is %s, want %s", name, n, field.Name, record.AppendPython(nil, v, 0), record.AppendPython(nil, field.Value, 0))
				}
			}
		}
		if n == 0 {
			t.Errorf("%s: no samples", name)
		}
	}
}

// near compares values, numbers and texts of numbers within 2e-3.
func near(a, b record.Value) bool {
	x, isX := a.(record.List)
	y, isY := b.(record.List)
	if isX && isY {
		return slices.EqualFunc(x, y, near)
	}
	number := func(v record.Value) (float64, bool) {
		var text string
		switch v := v.(type) {
		case record.Number:
			text = string(v)
		case string:
			text = v
		default:
			return 0, false
		}
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	}
	f, isF := number(a)
	g, isG := number(b)
	if isF && isG {
		return math.Abs(f-g) <= 2e-3
	}
	return record.Equal(a, b)
}

func TestTableIsTheHarness(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness, "results", "table.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(string(text), "\n") // the line with the call
	words := func(table string) (rows [][]string) {
		for line := range strings.Lines(table) {
			var cells []string
			for cell := range strings.SplitSeq(strings.TrimSpace(line), "|") {
				cells = append(cells, strings.TrimSpace(cell))
			}
			rows = append(rows, cells)
		}
		return rows
	}
	got, wanted := words(evaluation(t).Markdown()), words(strings.TrimSpace(want))
	if len(got) != len(wanted) {
		t.Fatalf("%d lines, want %d", len(got), len(wanted))
	}
	for i := range got {
		if i == 1 {
			continue // the widths
		}
		for j := range got[i] {
			a, errA := strconv.ParseFloat(got[i][j], 64)
			b, errB := strconv.ParseFloat(wanted[i][j], 64)
			if errA == nil && errB == nil && math.Abs(a-b) <= 1e-3*math.Abs(b)+1e-4 {
				continue
			}
			if got[i][j] != wanted[i][j] {
				t.Errorf("line %d: %q, want %q", i, got[i], wanted[i])
				break
			}
		}
	}
}

// The columns stand as the harness's make_table of lm-eval 0.4.8 puts them.
func TestColumns(t *testing.T) {
	arc, err := task.Named("arc_easy")
	if err != nil {
		t.Fatal(err)
	}
	e := &results.Evaluation{Tasks: []results.Task{{Task: arc, Items: []task.Item{{Shape: task.Choice}}, Result: task.Result{
		Metrics: []task.Metric{{Name: "acc", Value: 0.5375, Stderr: 0.02495}, {Name: "acc_norm", Value: 0.4925, Stderr: 0.025}}}}}}
	want := "| Tasks  |Version|Filter|n-shot| Metric |   |Value |   |Stderr|\n" +
		"|--------|------:|------|-----:|--------|---|-----:|---|------|\n" +
		"|arc_easy|      1|none  |     0|acc     |↑  |0.5375|±  |0.0249|\n" +
		"|        |       |none  |     0|acc_norm|↑  |0.4925|±  |0.0250|\n"
	if got := e.Markdown(); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}

func TestModelNameIsAFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"", ".."} {
		e := &results.Evaluation{Model: results.Model{Name: name}}
		if paths, err := e.Write(dir, false); err == nil || !strings.Contains(err.Error(), "is none for a folder") {
			t.Errorf("%q: %q, %v", name, paths, err)
		}
	}
}
