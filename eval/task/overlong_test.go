package task

import (
	"fmt"
	"strings"
	"testing"
)

// A target longer than the model is an error, left out, or cut from the left, in all
// shapes and formats; what fits is the same whatever was said.
func TestOverlong(t *testing.T) {
	long := strings.Repeat("x", 20) + "abcdefgh"
	for _, format := range []Format{FormatScoring, FormatPaper} {
		for name, d := range map[string]Document{
			"choice":       {Shape: Choice, Query: "q", Options: []string{"a", long}, Gold: 1},
			"answers":      {Shape: Answers, Query: "q", Options: []string{long}},
			"continuation": {Shape: Continuation, Query: "some context", Continuation: long},
			"tokens":       {Shape: Tokens, ContextIDs: []int32{1, 2}, TargetIDs: []int32{9, 9, 9, 9, 9, 9, 9, 9, 9, 3, 4, 5, 6, 7, 8, 10, 11}},
		} {
			if _, _, err := (Task{}).Fitted(d, toy, format, 8, OverlongError); err == nil || !strings.Contains(err.Error(), "more than the 8 the model can take") {
				t.Errorf("%s: %v", name, err)
			}
			if pairs, skipped, err := (Task{}).Fitted(d, toy, format, 8, OverlongSkip); len(pairs) != 0 || skipped != 1 || err != nil {
				t.Errorf("%s: %v, %d, %v", name, pairs, skipped, err)
			}
			pairs, skipped, err := (Task{}).Fitted(d, toy, format, 8, OverlongCut)
			if len(pairs) != 1 || skipped != 0 || err != nil {
				t.Fatalf("%s: %v, %d, %v", name, pairs, skipped, err)
			}
			p := pairs[0]
			all, _, err := (Task{}).Fitted(d, toy, format, 1000, OverlongError)
			whole := append(append([]int32{}, all[0].Context...), all[0].Target...)
			if got, want := append(append([]int32{}, p.Context...), p.Target...), whole[len(whole)-9:]; err != nil || fmt.Sprint(got) != fmt.Sprint(want) || len(p.Target) != 8 || p.Cut != len(whole)-9 {
				t.Errorf("%s: cut to %v of %v: %d tokens off, %v", name, got, whole, p.Cut, err)
			}
			for _, o := range []Overlong{OverlongSkip, OverlongCut} {
				same, _, err := (Task{}).Fitted(d, toy, format, 1000, o)
				if fmt.Sprint(same) != fmt.Sprint(all) || err != nil {
					t.Errorf("%s: %v, want %v (%v)", name, same, all, err)
				}
			}
		}
	}
	for o := range overlongs {
		if got, err := ParseOverlong(Overlong(o).String()); got != Overlong(o) || err != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
	if _, err := ParseOverlong("drop"); err == nil {
		t.Error("drop is a way")
	}
}

// What stands between a prompt and its continuation: one space, what the caller says,
// or what the row says, in requests, examples and training text.
func TestDelimiters(t *testing.T) {
	for _, c := range []struct {
		say   *string
		row   string
		want  []string // continuations
		shots string
	}{
		{nil, `{"query":"q","choices":["a","b"],"gold":1}`, []string{" a", " b"}, "q b\n\n"},
		{said(""), `{"query":"q","choices":["a","b"],"gold":1}`, []string{"a", "b"}, "qb\n\n"},
		{said("\n"), `{"query":"q","answers":["a"]}`, []string{"\na"}, "q\na\n\n"},
		{nil, `{"query":"q","choices":["a","b"],"gold":1,"target_delimiter":""}`, []string{"a", "b"}, "qb\n\n"},
		{said("|"), `{"query":"q","choices":["a","b"],"gold":1,"target_delimiter":"->"}`, []string{"->a", "->b"}, "q->b\n\n"},
		{said(""), `{"context":"q","continuation":"c"}`, []string{"c"}, "qc\n\n"},
		{nil, `{"context":"q","continuation":"c","target_delimiter":""}`, []string{"c"}, "qc\n\n"},
		{nil, `{"context":"q","continuation":" c","target_delimiter":" "}`, []string{"  c"}, "q  c\n\n"},
		{said(""), `{"context_options":["p","q"],"continuation":"c","gold":1}`, []string{"c", "c"}, "qc\n\n"},
	} {
		var verbatim Task
		if c.say != nil {
			var err error
			if verbatim, err = verbatim.WithDelimiter(*c.say); err != nil {
				t.Fatal(err)
			}
		}
		docs, err := verbatim.Read(strings.NewReader(c.row+"\n"), "f.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		item, err := verbatim.Item(docs[0], Rules04)
		var got []string
		for _, r := range item.Requests {
			got = append(got, r.Continuation)
		}
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
			t.Errorf("%s: %q, %v, want %q", c.row, got, err, c.want)
		}
		if shot := verbatim.shot(&docs[0], Rules04, nil); shot != c.shots {
			t.Errorf("%s: example %q, want %q", c.row, shot, c.shots)
		}
	}
	if _, err := mustNamed(t, "arc_easy").WithDelimiter(""); err == nil || err.Error() != "task arc_easy: says itself what stands before a target" {
		t.Errorf("%v", err)
	}
	if _, err := Read(strings.NewReader(`{"query":"q","choices":["a"],"gold":0,"target_delimiter":1}`), "f.jsonl"); err == nil || !strings.Contains(err.Error(), `f.jsonl:1: field "target_delimiter": a number, want a text`) {
		t.Errorf("%v", err)
	}
}

func said(s string) *string { return &s }
