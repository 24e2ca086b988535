package task

import (
	"slices"
	"strings"
	"testing"
)

func TestExamplesUseTheIDsOfScoring(t *testing.T) {
	doc := Document{Shape: Choice, Query: "Question: Why?\n", Options: []string{"no", "the end"}, Gold: 1}
	for _, name := range []string{"", "arc_easy", "openbookqa", "copa", "boolq"} {
		task := mustNamed(t, name)
		item, err := task.Item(doc, Rules04)
		if err != nil {
			t.Fatal(err)
		}
		scored, err := Encode(item, toy, Rules04, 30)
		if err != nil {
			t.Fatal(err)
		}
		got, err := task.Examples(doc, toy, FormatScoring, 30)
		want := scored[1]
		if err != nil || len(got) != 1 || !slices.Equal(got[0].Context, want.Context) || !slices.Equal(got[0].Target, want.Target) || got[0].Cut != want.Cut {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
}

func TestPaperFormat(t *testing.T) {
	e := pieces{nil, 1, 2}
	choice := Document{shaped: true, Shape: Choice, Query: "why", Options: []string{"x", "ab"}, Gold: 1}
	answers := Document{shaped: true, Shape: Answers, Query: "why", Options: []string{"zz", "ab"}}
	for _, c := range []struct {
		task            string
		doc             Document
		context, target string
	}{
		{"arc_easy", choice, "Question: why\nAnswer:", "ab"},
		{"openbookqa", choice, "why", "ab"},
		{"copa", choice, "why", " ab"},
		{"boolq", choice, "why?\nAnswer:", " ab"},
		{"webqs", answers, "Question: why\nAnswer:", " zz"},
		{"", Document{Shape: Continuation, Query: "why", Continuation: "ab"}, "why", "ab"},
		{"", Document{Shape: ContextChoice, Options: []string{"a", "b"}, Continuation: "won", Gold: 1}, "b", "won"},
	} {
		got, err := mustNamed(t, c.task).Examples(c.doc, e, FormatPaper, 100)
		if err != nil {
			t.Fatal(err)
		}
		if want := append([]int32{1}, e.Encode(c.context, false)...); !slices.Equal(got[0].Context, want) || !slices.Equal(got[0].Target, e.Encode(c.target, false)) {
			t.Errorf("%s %v: %v, want %v and %v", c.task, c.doc.Shape, got, want, e.Encode(c.target, false))
		}
	}
	// The first of several answers is trained, as it stands in the file.
	got, err := mustNamed(t, "webqs").Examples(answers, e, FormatScoring, 100)
	if err != nil || !slices.Equal(got[0].Target, e.Encode(" zz", false)) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestExamplesOfTextAndTokens(t *testing.T) {
	e := pieces{nil, 1, 2}
	got, err := Task{}.Examples(Document{Shape: Text, Text: "abcde"}, e, FormatPaper, 2)
	if err != nil || len(got) != 3 || got[0].Context[0] != 1 || !slices.Equal(got[2].Target, e.Encode("e", false)) {
		t.Errorf("%v, %v", got, err)
	}
	got, err = Task{}.Examples(Document{Shape: Tokens, ContextIDs: []int32{9, 8}, TargetIDs: []int32{7}}, e, FormatPaper, 9)
	if err != nil || len(got) != 1 || !slices.Equal(got[0].Context, []int32{9, 8}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestExamplesCutContextsAndNameErrors(t *testing.T) {
	e := pieces{nil, 1, 2}
	doc := at("train.jsonl", 12)
	doc.Shape, doc.Query, doc.Options = Choice, "abcdef", []string{"xyz"}
	for _, format := range []Format{FormatScoring, FormatPaper} {
		got, err := Task{}.Examples(doc, e, format, 5)
		if err != nil || len(got[0].Context)+len(got[0].Target) != 6 || got[0].Cut == 0 || !strings.HasSuffix("abcdef", text(got[0].Context)) {
			t.Errorf("%v: %v, %v", format, got, err)
		}
		if _, err := (Task{}).Examples(doc, e, format, 2); err == nil || !strings.HasPrefix(err.Error(), "train.jsonl:12: ") {
			t.Errorf("%v: %v", format, err)
		}
	}
	if _, err := (Task{}).Examples(doc, swallow{}, FormatScoring, 5); err == nil || !strings.Contains(err.Error(), "no tokens") {
		t.Errorf("%v", err)
	}
}

// text undoes pieces without pieces.
func text(ids []int32) string {
	b := make([]byte, len(ids))
	for i, id := range ids {
		b[i] = byte(id - 100)
	}
	return string(b)
}

func TestSplit(t *testing.T) {
	for _, n := range []int{3, 10, 11, 99, 2251, 6000} {
		s, err := Split(n, 42, true, true)
		if err != nil {
			t.Fatal(err)
		}
		all := slices.Sorted(slices.Values(slices.Concat(s.Train, s.Valid, s.Support)))
		for i, v := range all {
			if i != v {
				t.Fatalf("%d: parts overlap or miss document %d", n, i)
			}
		}
		tenth := (n + 9) / 10
		if len(all) != n || len(s.Valid) != tenth || len(s.Support) != min(tenth, 512) {
			t.Errorf("%d: %d + %d + %d", n, len(s.Train), len(s.Valid), len(s.Support))
		}
		if !slices.IsSorted(s.Train) || !slices.IsSorted(s.Valid) || !slices.IsSorted(s.Support) {
			t.Errorf("%d: not in file order", n)
		}
		onlyValid, err1 := Split(n, 42, true, false)
		onlySupport, err2 := Split(n, 42, false, true)
		if err1 != nil || err2 != nil || !slices.Equal(onlyValid.Valid, s.Valid) || !slices.Equal(onlySupport.Support, s.Support) {
			t.Errorf("%d: one part depends on the other", n)
		}
		if len(onlyValid.Support) > 0 || len(onlyValid.Train) != n-tenth {
			t.Errorf("%d: %v", n, onlyValid)
		}
	}
	a, _ := Split(200, 1, true, true)
	b, _ := Split(200, 2, true, true)
	if slices.Equal(a.Valid, b.Valid) {
		t.Error("two seeds hold out the same rows")
	}
	for _, n := range []int{-1, 0, 1, 2} {
		if s, err := Split(n, 1, true, true); err == nil {
			t.Errorf("%d documents: %v", n, s)
		}
	}
	if s, err := Split(1, 1, false, false); err != nil || len(s.Train) != 1 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestPages(t *testing.T) {
	raw := " \n = First = \n \n text = = \n = = Section = = \n more\n = Second = \n end \n"
	want := []string{" = First = \n \n text = = \n = = Section = = \n more", " = Second = \n end \n"}
	if got := Pages(raw); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := Pages(""); !slices.Equal(got, []string{""}) {
		t.Errorf("%q", got)
	}
}

func TestRealPages(t *testing.T) {
	docs, err := ReadPages(dataFile(t, "wikitext-2/test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	items, err := mustNamed(t, "wikitext").Items(docs, Setting{})
	if err != nil || len(items) < 60 {
		t.Fatalf("%d pages, %v", len(items), err)
	}
	for i, d := range docs {
		if !strings.HasPrefix(strings.TrimSpace(d.Text), "= ") {
			t.Errorf("page %d at line %d begins %.40q", i, d.Source.At.Line, d.Text)
		}
	}
}
