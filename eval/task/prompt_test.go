package task

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"lamina/record"
)

func mustNamed(t *testing.T, name string) Task {
	t.Helper()
	task, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func TestPrompts(t *testing.T) {
	for _, c := range []struct{ task, query, context string }{
		{"arc_easy", "Why?", "Question: Why?\nAnswer:"},
		{"arc_easy", "Question: Why?", "Question: Why?\nAnswer:"},
		{"arc_challenge", "Question: Why? \n", "Question: Why?\nAnswer:"},
		{"piqa", "Question: dresser\n", "Question: dresser\nAnswer:"},
		{"piqa", "dresser", "Question: dresser\nAnswer:"},
		{"openbookqa", "Predators eat", "Predators eat"},
		{"openbook_qa", "Question: Predators eat ", "Predators eat"},
		{"boolq", "Passage: It rains.\nQuestion: does it rain?", "It rains.\nQuestion: does it rain?\nAnswer:"},
		{"boolq", "It rains.\nQuestion: does it rain", "It rains.\nQuestion: does it rain?\nAnswer:"},
		{"copa", "It rained, therefore ", "It rained, therefore"},
		{"", "Question: Why? \n", "Question: Why? \n"},
	} {
		task := mustNamed(t, c.task)
		doc, err := task.document(record.Record{Fields: record.Object{
			{Name: "query", Value: c.query}, {Name: "choices", Value: record.List{"Été là", "no"}}, {Name: "gold", Value: int64(1)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		item, err := task.Item(doc, Rules04)
		if err != nil {
			t.Fatal(err)
		}
		want := []Request{{c.context, " Été là"}, {c.context, " no"}}
		if c.task == "copa" { // whose choices begin with a space of their own
			want = []Request{{c.context, "  été là"}, {c.context, "  no"}}
		}
		if !slices.Equal(item.Requests, want) || item.Gold != 1 || !slices.Equal(item.Chars, []int{6, 2}) {
			t.Errorf("%s of %q: %q, gold %d, %v", c.task, c.query, item.Requests, item.Gold, item.Chars)
		}
	}
}

func TestWebQuestionsPrompt(t *testing.T) {
	doc := Document{Shape: Answers, Query: "where is rome?", Options: []string{"Rome", "Italy", "Italy, Europe"}}
	item, err := mustNamed(t, "webqs").Item(doc, Rules04)
	want := []Request{{"Question: where is rome?\nAnswer:", " Italy"}, {"Question: where is rome?\nAnswer:", " Rome"}}
	if err != nil || !slices.Equal(item.Requests, want) {
		t.Errorf("%q, %v", item.Requests, err)
	}
	item, err = Task{}.Item(doc, Rules04) // verbatim: all of them, as they come
	if err != nil || len(item.Requests) != 3 || item.Requests[0] != (Request{"where is rome?", " Rome"}) {
		t.Errorf("%q, %v", item.Requests, err)
	}
}

func TestVerbatimShapes(t *testing.T) {
	for _, c := range []struct {
		doc  Document
		want []Request
	}{
		{Document{Shape: Continuation, Query: "the last ", Continuation: "word"}, []Request{{"the last ", " word"}}},
		{Document{Shape: Continuation, Query: "the last", Continuation: "\nword"}, []Request{{"the last", "\nword"}}},
		{Document{Shape: ContextChoice, Options: []string{"Ann", "Bob"}, Continuation: "won."}, []Request{{"Ann", " won."}, {"Bob", " won."}}},
		{Document{Shape: Text, Text: " all\nof it"}, []Request{{"", " all\nof it"}}},
		{Document{Shape: Choice, Query: "q", Options: []string{" a"}}, []Request{{"q", "  a"}}},
	} {
		item, err := Task{}.Item(c.doc, Rules04)
		if err != nil || !slices.Equal(item.Requests, c.want) {
			t.Errorf("%v: %q, %v; want %q", c.doc.Shape, item.Requests, err, c.want)
		}
	}
}

func TestTasksRefuseOtherShapes(t *testing.T) {
	doc := at("f.jsonl", 3)
	doc.Shape, doc.Text = Text, "a"
	_, err := mustNamed(t, "arc_easy").Items([]Document{doc}, Setting{})
	want := `f.jsonl:3: task arc_easy takes documents {"query","choices","gold"}, not {"text"}`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if _, err := Named("arc"); err == nil || !strings.Contains(err.Error(), "arc_easy, arc_challenge") {
		t.Errorf("%v", err)
	}
	if _, err := (Task{}).Item(Document{}, Rules04); err == nil {
		t.Error("a document of no shape was taken")
	}
}

// On the real files a task must not depend on the form of the row: the scored
// files have a prefix and the training files have none.
func TestRealPromptsHaveOneForm(t *testing.T) {
	for path, name := range map[string]string{
		"eval/arc_easy.jsonl": "arc_easy", "train/arc_easy.jsonl": "arc_easy", "eval/arc_challenge.jsonl": "arc_challenge",
		"train/arc_challenge.jsonl": "arc_challenge", "eval/piqa.jsonl": "piqa", "webquestions/test.json": "webqs",
		"eval/boolq.jsonl": "boolq", "eval/openbook_qa.jsonl": "openbookqa", "train/openbook_qa.jsonl": "openbookqa",
	} {
		docs, err := mustNamed(t, name).ReadFile(dataFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		items, err := mustNamed(t, name).Items(docs, Setting{})
		if err != nil {
			t.Fatal(err)
		}
		for i, item := range items {
			c := item.Requests[0].Context
			prompted := strings.HasSuffix(c, "\nAnswer:")
			bare := strings.TrimSuffix(c, "\nAnswer:")
			switch {
			case prompted == (name == "openbookqa"),
				name == "boolq" && (strings.HasPrefix(c, "Passage: ") || !strings.HasSuffix(bare, "?")),
				name != "boolq" && name != "openbookqa" && !strings.HasPrefix(c, "Question: "),
				strings.Contains(c, "Question: Question: "),
				bare != strings.TrimRightFunc(bare, unicode.IsSpace):
				t.Fatalf("%s: document %d: %q", path, i, c)
			}
		}
	}
}

// at is a document that stands at a line of a file.
func at(file string, line int) Document {
	return Document{Source: record.Record{At: record.Location{File: file, Line: line}}}
}
