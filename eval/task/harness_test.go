package task

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// harness is testdata/harness.json, made by gen_harness.py with lm-eval 0.4.8.
type harness struct {
	Windows []struct {
		N, Length int
		Pairs     [][2][]int32
	}
	Pages []struct {
		Page, Text   string
		Words, Bytes int
	}
	Answers []struct{ Answers, Kept []string }
	COPA    []struct {
		Record        json.RawMessage
		Context       string
		Continuations []string
	}
	Pieces []string
	Pairs  []struct {
		Request [2]string
		IDs     [2][]int32
	}
	Stderr []struct {
		Values []int
		Stderr float64
	}
}

func readHarness(t *testing.T) (h harness) {
	t.Helper()
	text, err := os.ReadFile("testdata/harness.json")
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pieces is the toy tokenizer of gen_harness.py: the longest piece that fits, else
// one id per byte of a character.
type pieces struct {
	list     []string
	bos, eos int32
}

func (p pieces) BOS() (int32, bool) { return p.bos, p.bos >= 0 }
func (p pieces) EOS() (int32, bool) { return p.eos, p.eos >= 0 }

func (p pieces) Encode(text string, _ bool) (ids []int32) {
	for len(text) > 0 {
		best := -1
		for i, s := range p.list {
			if strings.HasPrefix(text, s) && (best < 0 || len(s) > len(p.list[best])) {
				best = i
			}
		}
		if best < 0 {
			ids = append(ids, 100+int32(text[0]))
			text = text[1:]
			continue
		}
		ids = append(ids, 1000+int32(best))
		text = text[len(p.list[best]):]
	}
	return ids
}

func TestWindowsEqualHarness(t *testing.T) {
	for _, c := range readHarness(t).Windows {
		ids := make([]int32, c.N)
		for i := range ids {
			ids[i] = int32(10 + i)
		}
		got := Windows(ids, 2, c.Length)
		if len(got) != len(c.Pairs) {
			t.Errorf("%d ids, length %d: %d windows, want %d", c.N, c.Length, len(got), len(c.Pairs))
			continue
		}
		for i, p := range got {
			if !slices.Equal(p.Context, c.Pairs[i][0]) || !slices.Equal(p.Target, c.Pairs[i][1]) {
				t.Errorf("%d ids, length %d, window %d: %v, want %v", c.N, c.Length, i, p, c.Pairs[i])
			}
		}
	}
}

func TestDetokenizeEqualsHarness(t *testing.T) {
	wikitext, err := Named("wikitext")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range readHarness(t).Pages {
		if got := Detokenize(c.Page); got != c.Text {
			t.Errorf("%q:\n%q, want\n%q", c.Page, got, c.Text)
		}
		item, err := wikitext.Item(Document{Shape: Text, Text: c.Page}, Rules04)
		if err != nil || item.Words != c.Words || item.Bytes != c.Bytes || item.Requests[0].Continuation != c.Text {
			t.Errorf("%q: %d words, %d bytes, %v; want %d, %d", c.Page, item.Words, item.Bytes, err, c.Words, c.Bytes)
		}
	}
}

func TestAliasesEqualHarness(t *testing.T) {
	for _, c := range readHarness(t).Answers {
		given := slices.Clone(c.Answers)
		if got := aliases(given); !slices.Equal(got, c.Kept) || !slices.Equal(given, c.Answers) {
			t.Errorf("%q: %q, want %q", given, got, c.Kept)
		}
	}
}

func TestCOPAEqualsHarness(t *testing.T) {
	copa, err := Named("copa")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range readHarness(t).COPA {
		docs, err := copa.Read(strings.NewReader(string(c.Record)), "copa.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		item, err := copa.Item(docs[0], Rules04)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range item.Requests {
			if r.Context != c.Context || r.Continuation != " "+c.Continuations[i] { // the harness's delimiter goes before its choice
				t.Errorf("%q, want %q %q", r, c.Context, c.Continuations[i])
			}
		}
	}
}

func TestPairsEqualHarness(t *testing.T) {
	h := readHarness(t)
	e := pieces{h.Pieces, 1, 2}
	for _, c := range h.Pairs {
		item := Item{Shape: Continuation, Requests: []Request{{c.Request[0], c.Request[1]}}}
		got, err := Encode(item, e, Rules04, 1000)
		if len(c.IDs[1]) == 0 { // the harness scores nothing here, which is 0 for any model
			if err == nil {
				t.Errorf("%q: %v: want an error", c.Request, got)
			}
			continue
		}
		if err != nil || !slices.Equal(got[0].Context, c.IDs[0]) || !slices.Equal(got[0].Target, c.IDs[1]) {
			t.Errorf("%q: %v, %v; want %v", c.Request, got, err, c.IDs)
		}
	}
}

func TestStderrEqualsHarness(t *testing.T) {
	for _, c := range readHarness(t).Stderr {
		values := make([]Value, len(c.Values))
		for i, v := range c.Values {
			values[i] = Value{float64(v), 1}
		}
		if _, got := mean(values); !(math.Abs(got-c.Stderr) <= 1e-15) {
			t.Errorf("%v: %v, want %v", c.Values, got, c.Stderr)
		}
	}
}
