package eval_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lamina/eval"
	"lamina/eval/task"
	"lamina/kernels/cpu"
	"lamina/transformer"
)

// harnessGolden is one evaluation of testdata/lmeval/golden.json, which
// gen_lmeval.py made with lm-eval 0.3.0 and 0.4.8.
type harnessGolden struct {
	Metrics map[string]any
	Rows    [][]json.RawMessage
	Prompts []string
	Hits    map[string]string
}

const harnessDir = "task/testdata/lmeval"

// harnessDocuments reads the split that is scored and the one examples come from.
func harnessDocuments(t *testing.T, of task.Task, rules task.Rules) (docs, pool []task.Document) {
	t.Helper()
	name := of.Name()
	docs, err := of.ReadFile(filepath.Join(harnessDir, "docs", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if split := of.ShotsSplit(rules); split != of.Split() {
		if pool, err = of.ReadFile(filepath.Join(harnessDir, "docs", name+"."+split+".jsonl")); err != nil {
			t.Fatal(err)
		}
	}
	return docs, pool
}

// Every number that the harness reports of nasty documents, by both of its rules:
// the same prompts, log-probabilities within 2e-3, the same greedy flags and
// winners. Ties of the harness are counted and shown.
func TestScoresEqualHarness(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harnessDir, "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var goldens map[string]json.RawMessage
	if err := json.Unmarshal(text, &goldens); err != nil {
		t.Fatal(err)
	}
	be := cpu.New(cpu.Options{})
	defer be.Close()
	var all tally
	for _, model := range []string{"opt", "llama"} {
		ckpt, err := transformer.Open(filepath.Join(harnessDir, model))
		if err != nil {
			t.Fatal(err)
		}
		defer ckpt.Close()
		decoder, err := ckpt.Decoder(be)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := ckpt.Tokenizer()
		if err != nil {
			t.Fatal(err)
		}
		for key, raw := range goldens {
			words := strings.Split(key, "/")
			if words[0] != model {
				continue
			}
			all.evaluations++
			t.Run(key, func(t *testing.T) {
				var g harnessGolden
				if err := json.Unmarshal(raw, &g); err != nil {
					t.Fatal(err)
				}
				of, err := task.Named(words[1])
				if err != nil {
					t.Fatal(err)
				}
				rules, err := task.ParseRules(words[2])
				if err != nil {
					t.Fatal(err)
				}
				// Shots, and for some a limit of documents and of positions.
				numbers := []int{0, 0, ckpt.Config.MaxPositions}
				for i, word := range words[3:] {
					if numbers[i], err = strconv.Atoi(word); err != nil {
						t.Fatal(err)
					}
				}
				docs, pool := harnessDocuments(t, of, rules)
				setting := task.Setting{Rules: rules, Shots: numbers[0], Pool: pool, Limit: numbers[1], MaxTokens: 16}
				if rules == task.Rules03 {
					setting.Limit = 0
				}
				requests, err := task.EncodeAll(of, docs, tok, setting, numbers[2])
				if err != nil {
					t.Fatal(err)
				}
				result, err := eval.Run(context.Background(), be, decoder, requests, nil)
				if err != nil {
					t.Fatal(err)
				}
				if rules == task.Rules03 && numbers[1] > 0 {
					result = harnessLimit(t, requests, result, g)
				}
				checkPrompts(t, requests, g)
				all.checkRows(t, result, requests, g)
				checkMetrics(t, of, result, requests, g)
			})
		}
	}
	t.Logf("%d evaluations, %d scores: log-probabilities differ by %.2g at most, %d ties fell otherwise", all.evaluations, all.scores, all.worst, all.ties)
	if all.evaluations < 120 {
		t.Errorf("only %d evaluations ran", all.evaluations)
	}
}

// tally is what came out over all evaluations.
type tally struct {
	evaluations, scores, ties int
	worst                     float64
}

// order returns the places of a document's continuations in the harness's order:
// its 0.3 asks for yes before no.
func order(r *task.Requests, n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
		if r.Task.Name() == "boolq" && r.Rules == task.Rules03 {
			places[i] = n - 1 - i
		}
	}
	return places
}

// harnessLimit keeps the documents that the harness's 0.3 scores under a limit, the
// first after it shuffled them, where ours are the first of the file.
func harnessLimit(t *testing.T, r *task.Requests, all task.Result, g harnessGolden) task.Result {
	t.Helper()
	var items []task.Item
	var rows [][]task.Score
	for i, item := range r.Items {
		if slices.Contains(g.Prompts, promptHash(r, item)) {
			items, rows = append(items, item), append(rows, all.Rows[i])
		}
	}
	r.Items = items
	result, err := task.Evaluate(r.Task.Name(), r.Rules, items, rows)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// promptHash is what the golden keeps of a document's requests.
func promptHash(r *task.Requests, item task.Item) string {
	h := sha256.New()
	if item.Shape == task.Generation {
		fmt.Fprintf(h, "%s\x00\n", item.Prompt)
	}
	for _, at := range order(r, len(item.Requests)) {
		fmt.Fprintf(h, "%s\x00%s\n", item.Requests[at].Context, item.Requests[at].Continuation)
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16]
}

func checkPrompts(t *testing.T, r *task.Requests, g harnessGolden) {
	t.Helper()
	if len(r.Items) != len(g.Prompts) {
		t.Fatalf("%d documents, want %d", len(r.Items), len(g.Prompts))
	}
	for i, item := range r.Items {
		if promptHash(r, item) != g.Prompts[i] {
			first := item.Prompt
			if len(item.Requests) > 0 {
				first = item.Requests[0].Context + "|" + item.Requests[0].Continuation
			}
			t.Errorf("document %d: another prompt: %q", i, first)
		}
	}
}

func (all *tally) checkRows(t *testing.T, result task.Result, r *task.Requests, g harnessGolden) {
	t.Helper()
	for i, row := range result.Rows {
		if result.Texts != nil {
			var want string
			if err := json.Unmarshal(g.Rows[i][0], &want); err != nil || want != result.Texts[i] {
				t.Errorf("document %d: generated %q, want %q, %v", i, result.Texts[i], want, err)
			}
			continue
		}
		if len(row) != len(g.Rows[i]) {
			t.Errorf("document %d: %d scores, want %d", i, len(row), len(g.Rows[i]))
			continue
		}
		want := make([]task.Score, len(row))
		for j, at := range order(r, len(row)) {
			var one []json.RawMessage
			if err := json.Unmarshal(g.Rows[i][j], &one); err != nil {
				one = []json.RawMessage{g.Rows[i][j]} // a rolling score stands alone
			}
			if err := json.Unmarshal(one[0], &want[at].LogProb); err != nil {
				t.Fatal(err)
			}
			// The golden keeps six digits, of which the last is rounded.
			rounding := 0.5 * math.Pow(10, math.Floor(math.Log10(math.Abs(want[at].LogProb)))-5)
			diff := math.Abs(row[at].LogProb - want[at].LogProb)
			all.scores++
			all.worst = max(all.worst, diff-rounding)
			if !(diff <= 2e-3+rounding) {
				t.Errorf("document %d, continuation %d: %v, want %v", i, at, row[at].LogProb, want[at].LogProb)
			}
			if len(one) < 2 {
				continue
			}
			if err := json.Unmarshal(one[1], &want[at].Greedy); err != nil || want[at].Greedy != row[at].Greedy {
				t.Errorf("document %d, continuation %d: greedy %v, want %v, %v", i, at, row[at].Greedy, want[at].Greedy, err)
			}
		}
		ours, theirs := winner(row), winner(want)
		if ours != theirs {
			if math.Abs(want[ours].LogProb-want[theirs].LogProb) > 1e-5*math.Abs(want[theirs].LogProb) {
				t.Errorf("document %d: choice %d wins, want %d: %v", i, ours, theirs, want)
			}
			all.ties++
		}
	}
}

func winner(row []task.Score) int {
	best := 0
	for i := range row {
		if row[i].LogProb > row[best].LogProb {
			best = i
		}
	}
	return best
}

func checkMetrics(t *testing.T, of task.Task, result task.Result, r *task.Requests, g harnessGolden) {
	t.Helper()
	for _, m := range of.Reported(r.Items[0].Shape, r.Rules) {
		filter := ""
		if r.Rules == task.Rules04 {
			filter = "," + m.Filter
		}
		got, ok := result.Metric(m.Metric)
		want, there := g.Metrics[m.Name+filter].(float64)
		if !ok || !there {
			t.Errorf("metric %s: ours %v, the harness's %v of %v", m.Name, ok, there, g.Metrics)
			continue
		}
		// Six digits are kept; a perplexity moves with its log-probabilities, an
		// accuracy only where a tie falls otherwise.
		if !(math.Abs(got.Value-want) <= 1e-5*math.Max(1, math.Abs(want)*100)) {
			t.Errorf("%s %v, want %v", m.Name, got.Value, want)
		}
		for i, c := range g.Hits[m.Name] {
			if want := float64(c - '0'); got.Values[i].Of != want {
				t.Errorf("%s of document %d: %v, want %v", m.Name, i, got.Values[i].Of, want)
			}
		}
		if stderr, ok := g.Metrics[m.Name+"_stderr"+filter].(float64); ok != !math.IsNaN(got.Stderr) || ok && !(math.Abs(got.Stderr-stderr) <= 1e-3*math.Max(1e-2, stderr)) {
			t.Errorf("%s: standard error %v, want %v", m.Name, got.Stderr, g.Metrics[m.Name+"_stderr"+filter])
		}
	}
}
