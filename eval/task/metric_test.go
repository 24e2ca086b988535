package task

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func value(t *testing.T, r Result, name string) float64 {
	t.Helper()
	m, ok := r.Metric(name)
	if !ok {
		t.Fatalf("no metric %q in %v", name, r.Metrics)
	}
	return m.Value
}

func TestChoiceMetrics(t *testing.T) {
	item := func(gold int, chars ...int) Item {
		return Item{Shape: Choice, Gold: gold, Chars: chars, Requests: make([]Request, len(chars))}
	}
	items := []Item{item(0, 2, 10), item(1, 2, 10), item(0, 4, 4), item(1, 4, 4), item(2, 1, 1, 3)}
	rows := [][]Score{
		{{-4, false}, {-10, false}},           // acc 0, acc_norm 1
		{{-4, false}, {-10, false}},           // the same, gold is the second
		{{-3, false}, {-3, false}},            // a tie: the first counts, and is gold
		{{-3, false}, {-3, false}},            // the same, and is not
		{{-5, true}, {-4, false}, {-6, true}}, // neither acc 1 nor greedy matter; acc_norm 2
	}
	r, err := Evaluate("arc_easy", Rules04, items, rows)
	if err != nil {
		t.Fatal(err)
	}
	if got := value(t, r, "acc"); got != 2./5 {
		t.Errorf("acc %v", got)
	}
	if got := value(t, r, "acc_norm"); got != 3./5 {
		t.Errorf("acc_norm %v", got)
	}
	m, _ := r.Metric("acc")
	if want := math.Sqrt(0.4 * 0.6 / 4); math.Abs(m.Stderr-want) > 1e-15 {
		t.Errorf("stderr %v, want %v", m.Stderr, want)
	}
	if _, ok := r.Metric("ppl"); ok {
		t.Error("choices have a perplexity")
	}
}

// An empty choice has no length to divide by: numpy's argmax takes -Inf as the least
// and NaN, of a probability of 1, as the greatest.
func TestEmptyChoicesAreRankedAsByNumpy(t *testing.T) {
	for want, row := range [][]Score{{{LogProb: -3}, {LogProb: -1}}, {{LogProb: -3}, {LogProb: 0}}} {
		if got := best(row, []int{1, 0}); got != want {
			t.Errorf("%v: choice %d, want %d", row, got, want)
		}
	}
}

// The error of a perplexity near the largest number is none that JSON could hold.
func TestPerplexityTooLargeForItsError(t *testing.T) {
	items := []Item{{Shape: Tokens}, {Shape: Tokens}}
	r, err := Evaluate("", Rules04, items, [][]Score{{{LogProb: -500}}, {{LogProb: -300}}})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := r.Metric("ppl")
	if _, err := json.Marshal(r); err != nil || math.IsInf(m.Value, 0) || !math.IsNaN(m.Stderr) {
		t.Errorf("ppl %v ± %v: %v", m.Value, m.Stderr, err)
	}
}

func TestTextsWithoutBytesHaveNoPerplexity(t *testing.T) {
	blank := Item{Shape: Text, Requests: make([]Request, 1), Words: 1, doc: new(at("f", 3))}
	if _, err := Evaluate("wikitext", Rules04, []Item{blank}, [][]Score{{{}}}); err == nil || !strings.Contains(err.Error(), `task "wikitext": byte_perplexity: the documents are empty`) {
		t.Errorf("%v", err)
	}
}

func TestAnswersCountAnyGreedy(t *testing.T) {
	items := []Item{{Shape: Answers, Requests: make([]Request, 2)}, {Shape: Answers, Requests: make([]Request, 1)}}
	r, err := Evaluate("webqs", Rules03, items, [][]Score{{{-9, false}, {-20, true}}, {{-1, false}}})
	if err != nil || value(t, r, "acc") != 0.5 || len(r.Metrics) != 1 {
		t.Errorf("%v, %v", r, err)
	}
}

func TestContinuationMetrics(t *testing.T) {
	for _, shape := range []Shape{Continuation, Tokens} {
		items := []Item{{Shape: shape}, {Shape: shape}, {Shape: shape}}
		if shape == Continuation {
			for i := range items {
				items[i].Requests = make([]Request, 1)
			}
		}
		r, err := Evaluate("", Rules04, items, [][]Score{{{-1, true}}, {{-2, false}}, {{-6, false}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := value(t, r, "ppl"); math.Abs(got-math.Exp(3)) > 1e-12 {
			t.Errorf("ppl %v", got)
		}
		if got := value(t, r, "acc"); got != 1./3 {
			t.Errorf("acc %v", got)
		}
	}
}

func TestTextMetrics(t *testing.T) {
	items := []Item{
		{Shape: Text, Requests: make([]Request, 1), Words: 3, Bytes: 10},
		{Shape: Text, Requests: make([]Request, 1), Words: 2, Bytes: 20},
	}
	rows := [][]Score{
		items[0].Row([]Score{{-4, true}, {-5, false}}),
		items[1].Row([]Score{{-1, true}}),
	}
	r, err := Evaluate("wikitext", Rules04, items, rows)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"word_perplexity": math.Exp(2), "byte_perplexity": math.Exp(1. / 3), "bits_per_byte": 1 / (3 * math.Ln2),
	} {
		if got := value(t, r, name); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s %v, want %v", name, got, want)
		}
	}
	if rows[0][0] != (Score{-9, false}) {
		t.Errorf("row %v", rows[0])
	}
}

func TestResultIsTheContractsJSON(t *testing.T) {
	items := []Item{{Shape: Choice, Chars: []int{1, 1}, Requests: make([]Request, 2)}}
	r, err := Evaluate("piqa", Rules04, items, [][]Score{{{-1.5, true}, {-2, false}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	want := `{"task":"piqa","n":1,"acc":1,"acc_norm":1,"rules":"0.4","rows":[[[-1.5,true],[-2,false]]]}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back struct{ Rows [][]Score }
	if err := json.Unmarshal(text, &back); err != nil || back.Rows[0][0] != (Score{-1.5, true}) {
		t.Errorf("%v, %v", back, err)
	}
	var s Score
	for _, bad := range []string{`[1]`, `[1,true,2]`, `["a",true]`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &s); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestEvaluateRefuses(t *testing.T) {
	doc := at("f", 4)
	item := Item{Shape: Choice, Chars: []int{1, 1}, Requests: make([]Request, 2), doc: &doc}
	other := Item{Shape: Text, Requests: make([]Request, 1), doc: &doc}
	good := []Score{{-1, true}, {-1, true}}
	for _, c := range []struct {
		items []Item
		rows  [][]Score
		want  string
	}{
		{nil, nil, `task "x": no documents`},
		{[]Item{item}, [][]Score{{{-1, true}}}, "f:4: 1 scores for 2 continuations"},
		{[]Item{item}, [][]Score{{{-1, true}, {math.NaN(), true}}}, "f:4: continuation 1: log-probability NaN is not finite"},
		{[]Item{item}, [][]Score{{{math.Inf(-1), true}, {-1, true}}}, "f:4: continuation 0: log-probability -Inf is not finite"},
		{[]Item{item, other}, [][]Score{good, {{-1, true}}}, `f:4: a document {"text"} among documents {"query","choices","gold"}`},
	} {
		if _, err := Evaluate("x", Rules04, c.items, c.rows); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Where contexts are the choices, the harness divides by their lengths.
func TestContextsOfAnOwnTaskHaveLengths(t *testing.T) {
	own := New(Definition{Name: "own", Delimiter: " ", Metrics: []string{"acc", "acc_norm"}})
	item, err := own.Item(Document{Shape: ContextChoice, Options: []string{"Ann", "Bobby"}, Continuation: "won", Gold: 1}, Rules04)
	if err != nil || item.Chars[0] != 3 || item.Chars[1] != 5 {
		t.Errorf("%v, %v", item.Chars, err)
	}
	if list := own.Reported(ContextChoice, Rules04); len(list) != 2 || list[1].Name != "acc_norm" {
		t.Errorf("%v", list)
	}
	for _, other := range []Task{{}, mustNamed(t, "winogrande")} {
		if list := other.Reported(ContextChoice, Rules04); len(list) != 1 || list[0].Name != "acc" {
			t.Errorf("%q: %v", other.Name(), list)
		}
	}
}
