package task

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// questions are documents of ARC; the question of document i is i.
func questions(t *testing.T, name string, n int) []Document {
	t.Helper()
	var rows strings.Builder
	for i := range n {
		fmt.Fprintf(&rows, `{"question":"%d","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"A"}`+"\n", i)
	}
	docs, err := mustNamed(t, name).Read(strings.NewReader(rows.String()), name+".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return docs
}

func queries(items []Item) (out []string) {
	for _, item := range items {
		out = append(out, item.doc.Query)
	}
	return out
}

// A limit takes the first documents of the file, with the examples that they have
// without one. (The harness's 0.3 would take the first after shuffling:
// random.Random(42) makes 3 4 6 7 2 5 0 1 of eight. Its draws are followed.)
func TestLimitTakesTheFirstDocuments(t *testing.T) {
	docs := questions(t, "arc_easy", 8)
	for _, rules := range []Rules{Rules04, Rules03} {
		for _, shots := range []int{0, 2} {
			s := Setting{Rules: rules, Limit: 3, Shots: shots, Pool: questions(t, "arc_easy", 20)}
			items, err := mustNamed(t, "arc_easy").Items(docs, s)
			if err != nil || !slices.Equal(queries(items), []string{"0", "1", "2"}) {
				t.Errorf("%v: %q, %v", rules, queries(items), err)
			}
			s.Limit = 0
			all, err := mustNamed(t, "arc_easy").Items(docs, s)
			if err != nil || len(all) != 8 {
				t.Fatalf("%d documents, %v", len(all), err)
			}
			for i, item := range items {
				if !slices.Equal(item.Requests, all[i].Requests) || item.place != all[i].place {
					t.Errorf("%v: %q, without a limit %q", rules, item.Requests, all[i].Requests)
				}
			}
		}
	}
}

// As many examples are shown as were asked for, where they come from the documents
// themselves and the document is among those drawn.
func TestExamplesOfTheDocumentsThemselves(t *testing.T) {
	docs := questions(t, "arc_easy", 5)
	for _, task := range []Task{{}, mustNamed(t, "arc_easy")} {
		for _, rules := range []Rules{Rules04, Rules03} {
			items, err := task.Items(docs, Setting{Rules: rules, Shots: 4})
			if err != nil {
				t.Fatal(err)
			}
			for i, item := range items {
				context := item.Requests[0].Context
				if n := strings.Count(context, " a\n\n"); n != 4 || strings.Count(context, fmt.Sprint(i)) != 1 {
					t.Errorf("%q by %v: %d examples before document %d: %q", task.name, rules, n, i, context)
				}
			}
			if _, err := task.Items(docs, Setting{Rules: rules, Shots: 5}); err == nil {
				t.Errorf("%q by %v: 5 examples of 5 documents", task.name, rules)
			}
		}
	}
}

// What cannot be an example is said.
func TestBadExamplesAreNamed(t *testing.T) {
	docs := questions(t, "arc_easy", 2)
	story := Document{Shape: Text, Text: "Once."}
	story.Source.At.File, story.Source.At.Line = "story.jsonl", 7
	odd, err := mustNamed(t, "arc_easy").Read(strings.NewReader(
		`{"question":"q","choices":{"text":["a","b"],"label":["B","E"]},"answerKey":"E"}`+"\n"), "odd.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rules Rules
		pool  []Document
		want  string
	}{
		{Rules04, []Document{docs[0], story}, `story.jsonl:7: an example {"text"} for documents {"query","choices","gold"}`},
		{Rules03, odd, `odd.jsonl:1: field "answerKey": by rules 0.3 label "E" is choice 4, and there are 2`},
	} {
		_, err := mustNamed(t, "arc_easy").Items(docs, Setting{Rules: c.rules, Shots: 1, Pool: c.pool})
		if err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := mustNamed(t, "arc_easy").Items(docs, Setting{Shots: 1, Pool: odd}); err != nil {
		t.Error(err)
	}
}
