package task

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

var toy = pieces{[]string{" the", "Answer:", " a", "a "}, 1, 2}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		context, continuation string
		rules                 Rules
		wantContext, want     []int32
	}{
		{"x", " the", Rules04, []int32{220}, []int32{1000}},
		{"x", " the", Rules03, []int32{220}, []int32{1000}},
		// White space at the end of the context: 0.4 moves it, 0.3 does not.
		{"x ", "the", Rules04, []int32{220}, []int32{1000}},
		{"x ", "the", Rules03, []int32{220, 132}, []int32{216, 204, 201}},
		// A piece across the seam: 0.4 takes what follows the context's length.
		{"a", " the", Rules04, []int32{197}, []int32{216, 204, 201}},
		{"a", " the", Rules03, []int32{197}, []int32{1000}},
		{"", " the", Rules04, []int32{1}, []int32{1000}},
		{"", " the", Rules03, []int32{2}, []int32{1000}},
		{" \n", "the", Rules04, []int32{1}, []int32{132, 110, 216, 204, 201}},
	} {
		item := Item{Shape: Continuation, Requests: []Request{{c.context, c.continuation}}}
		got, err := Encode(item, toy, c.rules, 100)
		if err != nil || !slices.Equal(got[0].Context, c.wantContext) || !slices.Equal(got[0].Target, c.want) {
			t.Errorf("%v %q %q: %v, %v; want %v %v", c.rules, c.context, c.continuation, got, err, c.wantContext, c.want)
		}
	}
}

func TestEmptyContextNeedsAToken(t *testing.T) {
	item := Item{Shape: Choice, Requests: []Request{{"", " x"}}, doc: new(at("f", 7))}
	for _, c := range []struct {
		bos, eos int32
		rules    Rules
		want     int32
	}{{1, 2, Rules04, 1}, {-1, 2, Rules04, 2}, {1, -1, Rules04, 1}, {1, 2, Rules03, 2}, {1, -1, Rules03, 1}, {0, 2, Rules04, 0}} {
		got, err := Encode(item, pieces{nil, c.bos, c.eos}, c.rules, 9)
		if err != nil || !slices.Equal(got[0].Context, []int32{c.want}) {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	if _, err := Encode(item, pieces{nil, -1, -1}, Rules04, 9); err == nil || !strings.HasPrefix(err.Error(), "f:7: continuation 0: an empty context") {
		t.Errorf("%v", err)
	}
}

func TestContextIsCutFromTheLeft(t *testing.T) {
	item := Item{Shape: Choice, Requests: []Request{{"abcdef", " xy"}, {"abcdef", " z"}}, doc: new(at("f", 2))}
	e := pieces{nil, 1, 2}
	for _, c := range []struct{ length, keep0, keep1, cut0, cut1 int }{
		{100, 6, 6, 0, 0}, {8, 6, 6, 0, 0}, {7, 5, 6, 1, 0}, {6, 4, 5, 2, 1}, {3, 1, 2, 5, 4},
	} {
		got, err := Encode(item, e, Rules04, c.length)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []struct {
			keep, cut int
			target    string
		}{{c.keep0, c.cut0, " xy"}, {c.keep1, c.cut1, " z"}} {
			p := got[i]
			if !slices.Equal(p.Context, e.Encode("abcdef", false)[6-want.keep:]) || p.Cut != want.cut || !slices.Equal(p.Target, e.Encode(want.target, false)) {
				t.Errorf("length %d, choice %d: %v", c.length, i, p)
			}
		}
	}
	want := "f:2: continuation 0: the target has 3 tokens, more than the 2 the model can take (or --max-length allows)"
	if _, err := Encode(item, e, Rules04, 2); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// The choices of a long context keep their own tokens, not the context's again.
func TestTargetsHoldNoContext(t *testing.T) {
	r := Request{strings.Repeat("abc ", 5000) + ".", " the"}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	got, err := Encode(Item{Shape: Choice, Requests: slices.Repeat([]Request{r}, 100)}, toy, Rules04, 1<<20)
	held := int64(heap() - before)
	if err != nil || len(got) != 100 || held > 1<<20 { // one context has 80 kB
		t.Errorf("%d pairs hold %d bytes, %v", len(got), held, err)
	}
	runtime.KeepAlive(got)
}

// swallow has one token for every text: the whole is no longer than the context.
type swallow struct{ pieces }

func (swallow) Encode(string, bool) []int32 { return []int32{5} }

func TestTargetWithoutTokensIsAnError(t *testing.T) {
	item := Item{Shape: Continuation, Requests: []Request{{"a", "b"}}}
	if _, err := Encode(item, swallow{}, Rules04, 9); err == nil || !strings.Contains(err.Error(), "the target has no tokens") {
		t.Errorf("%v", err)
	}
}

func TestTokensAreTakenAsTheyAre(t *testing.T) {
	item, err := Task{}.Item(Document{Shape: Tokens, ContextIDs: []int32{7, 8, 9}, TargetIDs: []int32{4, 5}}, Rules03)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Encode(item, pieces{nil, 1, 2}, Rules03, 3)
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Context, []int32{8, 9}) || !slices.Equal(got[0].Target, []int32{4, 5}) || got[0].Cut != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// countingEncoder counts how often a context is encoded.
type countingEncoder struct {
	pieces
	contexts *int
}

func (c countingEncoder) Encode(text string, special bool) []int32 {
	if strings.HasSuffix(text, "Answer:") {
		*c.contexts++
	}
	return c.pieces.Encode(text, special)
}

func TestSharedContextIsEncodedOnce(t *testing.T) {
	n := 0
	item, err := mustNamed(t, "arc_easy").Item(Document{Shape: Choice, Query: "q", Options: []string{"a", "b", "c", "d"}}, Rules04)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := Encode(item, countingEncoder{toy, &n}, Rules04, 100)
	if err != nil || n != 1 || &pairs[0].Context[0] != &pairs[3].Context[0] {
		t.Errorf("the context was encoded %d times, %v", n, err)
	}
}

func TestWindowsPredictEachTokenOnce(t *testing.T) {
	for n := range 40 {
		ids := make([]int32, n)
		for i := range ids {
			ids[i] = int32(i)
		}
		for length := 1; length < 12; length++ {
			next := int32(0)
			for _, p := range Windows(ids, -1, length) {
				if len(p.Context)+len(p.Target) > length+1 || p.Context[len(p.Context)-1] != p.Target[0]-1 {
					t.Fatalf("n %d length %d: %v", n, length, p)
				}
				for _, id := range p.Target {
					if id != next {
						t.Fatalf("n %d length %d: %v, want %d next", n, length, p, next)
					}
					next++
				}
			}
			if int(next) != n {
				t.Fatalf("n %d length %d: %d predicted", n, length, next)
			}
		}
	}
}

func TestTextsOfTheOptions(t *testing.T) {
	for _, r := range []Rules{Rules04, Rules03} {
		if back, err := ParseRules(r.String()); err != nil || back != r {
			t.Errorf("%v: %v, %v", r, back, err)
		}
	}
	for _, f := range []Format{FormatScoring, FormatPaper} {
		if back, err := ParseFormat(f.String()); err != nil || back != f {
			t.Errorf("%v: %v, %v", f, back, err)
		}
	}
	if _, err := ParseRules("0.5"); err == nil {
		t.Error("0.5 was taken")
	}
	if _, err := ParseFormat("x"); err == nil {
		t.Error("x was taken")
	}
}

// refusing is an encoder of a stranger's file that cannot get through a text.
type refusing struct{ pieces }

func (f refusing) EncodeChecked(text string, _ bool) ([]int32, error) {
	if strings.Contains(text, "!") {
		return nil, errors.New("a pattern took too long")
	}
	return f.Encode(text, false), nil
}

// TestEncodeReportsEncoder: what the encoder says is the document's error.
func TestEncodeReportsEncoder(t *testing.T) {
	for query, fails := range map[string]bool{"q": false, "q!": true} {
		d := Document{Shape: Choice, Query: query, Options: []string{"a", "b", "c", "d"}}
		for _, format := range []Format{FormatScoring, FormatPaper} {
			pairs, err := mustNamed(t, "arc_easy").Examples(d, refusing{toy}, format, 100)
			if (err != nil) != fails || fails && !strings.Contains(err.Error(), "took too long") {
				t.Errorf("query %q, format %v: %v, %v", query, format, pairs, err)
			}
		}
	}
}
