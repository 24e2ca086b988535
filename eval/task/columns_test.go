package task

import (
	"slices"
	"strings"
	"testing"

	"lamina/record"
)

// one reads a document of a task from a row of JSON.
func one(t *testing.T, name, row string) Document {
	t.Helper()
	docs, err := mustNamed(t, name).Read(strings.NewReader(row+"\n"), "rows.jsonl")
	if err != nil || len(docs) != 1 {
		t.Fatalf("%s: %s: %d documents, %v", name, row, len(docs), err)
	}
	return docs[0]
}

// Each data set reads the same from the hub's columns and from its authors' files.
func TestPublishedFormsReadAlike(t *testing.T) {
	for name, rows := range map[string][]string{
		"arc_easy": {
			`{"id":"1","question":"Why?","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`,
			`{"id":"1","question":"Why?","choices":{"text":["a","b"],"label":["1","2"]},"answerKey":"2"}`,
			`{"id":"1","question":{"stem":"Why?","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"answerKey":"B"}`,
			`{"query":"Why?","choices":["a","b"],"gold":1}`,
			`{"query":"Question: Why?\n","choices":["a","b"],"gold":1}`,
		},
		"openbookqa": {
			`{"question_stem":"It is","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`,
			`{"question":{"stem":"It is","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"answerKey":" B"}`,
		},
		"piqa": {
			`{"goal":"open it","sol1":"a","sol2":"b","label":1}`,
			`{"goal":"open it","sol1":"a","sol2":"b","label":"1"}`,
			`{"query":"Question: open it\n","choices":["a","b"],"gold":1}`,
		},
		"hellaswag": {
			`{"activity_label":"Run","ctx_a":"She  runs.","ctx_b":"THE dog","endings":["sat [step] down"," ran"],"label":"1"}`,
			`{"activity_label":"Run","ctx_a":"She  runs.","ctx_b":"THE dog","endings":["sat [step] down"," ran"],"label":1}`,
		},
		"boolq": {
			`{"passage":"It rains.","question":"does it rain","label":1}`,
			`{"passage":"It rains.","question":"does it rain","label":true}`,
			`{"passage":"It rains.","question":"does it rain","answer":true}`,
			`{"query":"Passage: It rains.\nQuestion: does it rain?","choices":["no","yes"],"gold":1}`,
		},
		"webqs": {
			`{"url":"u","question":"where?","answers":["Rome","Italy now"]}`,
			`{"qText":"where?","answers":["Rome","Italy now"]}`,
			`{"url":"u","utterance":"where?","targetValue":"(list (description Rome) (description \"Italy now\"))"}`,
		},
		"triviaqa": {
			`{"question":"Who?","answer":{"value":"Ann","aliases":["Ann","Anna"]}}`,
			`{"Question":"Who?","Answer":{"Value":"Ann","Aliases":["Ann","Anna"]}}`,
		},
		"storycloze": {
			`{"input_sentence_1":"A.","input_sentence_2":"B.","input_sentence_3":"C.","input_sentence_4":"D.","sentence_quiz1":"x","sentence_quiz2":"y","answer_right_ending":2}`,
			`{"InputSentence1":"A.","InputSentence2":"B.","InputSentence3":"C.","InputSentence4":"D.","RandomFifthSentenceQuiz1":"x","RandomFifthSentenceQuiz2":"y","AnswerRightEnding":"2"}`,
		},
		"race": {
			`{"article":"It was.","question":"What?","options":["a","b","c","d"],"answer":"B","example_id":"high1.txt"}`,
			`{"article":"It was.","questions":["What?"],"options":[["a","b","c","d"]],"answers":["B"],"id":"high1.txt"}`,
			`{"article":"It was.","problems":"[{'question': 'What?', 'answer': 'B', 'options': ['a', \"b\", 'c', 'd']}]"}`,
		},
	} {
		for _, rules := range []Rules{Rules04, Rules03} {
			var first Item
			for i, row := range rows {
				item, err := mustNamed(t, name).Item(one(t, name, row), rules)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = item
				}
				if !slices.Equal(item.Requests, first.Requests) || item.Gold != first.Gold || item.Prompt != first.Prompt || !slices.Equal(item.Answers, first.Answers) {
					t.Errorf("%s by %v: %s:\n%q, gold %d; want\n%q, gold %d", name, rules, row, item.Requests, item.Gold, first.Requests, first.Gold)
				}
			}
		}
	}
}

// A table of cells, as CSV has them, reads too.
func TestCellsAreDocuments(t *testing.T) {
	row := record.Record{At: record.Location{File: "story.csv", Line: 2}}
	for _, f := range [][2]string{{"InputSentence1", "A."}, {"InputSentence2", "B."}, {"InputSentence3", "C."}, {"InputSentence4", "D."},
		{"RandomFifthSentenceQuiz1", "x"}, {"RandomFifthSentenceQuiz2", "7"}, {"AnswerRightEnding", "2"}} {
		row.Fields = append(row.Fields, record.Field{Name: f[0], Value: record.Cell(f[1])})
	}
	d, err := mustNamed(t, "storycloze").document(row)
	if err != nil || d.Query != "A. B. C. D." || d.Gold != 1 || d.Options[1] != "7" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestRACEGroupsArticles(t *testing.T) {
	docs, err := mustNamed(t, "race").Read(strings.NewReader(
		`{"article":"One.","question":"What?","options":["a","b","c","d"],"answer":"B"}
{"article":"Two.","question":"Who?","options":["a","b","c","d"],"answer":"A"}
{"article":"One.","question":"It is  _  .","options":["e","f","g","h"],"answer":"C"}
{"article":"One.","question":"Why?","options":["i","j","k","l"],"answer":"D"}
`), "race.jsonl")
	if err != nil || len(docs) != 2 {
		t.Fatalf("%d articles, %v", len(docs), err)
	}
	want := "Article: One.\n\nQuestion: What?\nAnswer: b\n _  .g\nWhy?"
	if docs[0].Query != want || docs[0].Gold != 3 || docs[0].Options[3] != "l" {
		t.Errorf("%q, gold %d", docs[0].Query, docs[0].Gold)
	}
	text, err := docs[0].Source.Text("problems")
	if err != nil || !strings.HasPrefix(text, "[{'question': 'What?', 'answer': 'B', 'options': ['a', 'b', 'c', 'd']}, ") {
		t.Errorf("%s, %v", text, err)
	}
}

func TestWikiTextLinesBecomePages(t *testing.T) {
	lines := `{"text":""}
{"text":" = First = \n"}
{"text":""}
{"text":" Words here . \n"}
{"text":" = Second = \n"}
{"text":" More . \n"}
`
	docs, err := mustNamed(t, "wikitext").Read(strings.NewReader(lines), "train.jsonl")
	want := []string{" = First = \n \n Words here . ", " = Second = \n More . \n"}
	if err != nil || len(docs) != 2 || docs[0].Text != want[0] || docs[1].Text != want[1] {
		t.Errorf("%+v, %v", docs, err)
	}
	// Pages are left as they are.
	docs, err = mustNamed(t, "wikitext").Read(strings.NewReader(`{"text":"a\nb"}`+"\n"+`{"text":"c"}`+"\n"), "pages.jsonl")
	if err != nil || len(docs) != 2 {
		t.Errorf("%+v, %v", docs, err)
	}
}

func TestBadRowsAreNamed(t *testing.T) {
	good := `{"id":"1","question":"Why?","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`
	for _, c := range []struct{ task, row, want string }{
		{"arc_easy", strings.Replace(good, `"answerKey":"B"`, `"answerKey":"F"`, 1), `field "answerKey": label "F" is none of ["A" "B"]`},
		{"arc_easy", strings.Replace(good, `"answerKey":"B"`, `"answerKey":2`, 1), `field "answerKey": a number, want a text`},
		{"arc_easy", strings.Replace(good, `["a","b"]`, `["a",2]`, 1), `field "choices.text": item 1 is a number, want a text`},
		{"arc_easy", strings.Replace(good, `["a","b"]`, `[]`, 1), `field "choices": 2 labels of 0 texts`},
		{"arc_easy", strings.Replace(good, `["A","B"]`, `["A","B","C"]`, 1), `field "choices": 3 labels of 2 texts`},
		{"arc_easy", strings.Replace(good, `["a","b"]`, `["a","b","c"]`, 1), `field "choices": 2 labels of 3 texts`},
		{"arc_easy", strings.Replace(good, `"answerKey"`, `"key"`, 1), `or the columns of arc_easy: question, choices.label, answerKey`},
		{"piqa", `{"goal":"g","sol1":"a","sol2":"b","label":-1}`, `field "label": label -1 out of range (0 to 1)`},
		{"piqa", `{"goal":"g","sol1":"a","sol2":"b","label":"x"}`, `field "label": label "x" is none of ["0" "1"]`},
		{"hellaswag", `{"activity_label":"r","ctx_a":"a","ctx_b":"b","endings":["x","y"],"label":""}`, `field "label": label "" is none of`},
		{"hellaswag", `{"activity_label":"r","ctx_a":"a","ctx_b":"b","endings":[],"label":0}`, `field "endings": empty`},
		{"race", `{"article":"a","question":"q","options":["a","b","c"],"answer":"D"}`, `field "answer": label "D" is none of ["A" "B" "C"]`},
		{"piqa", `{"goal":"g","sol1":"a","sol2":"b","label":-9223372036854775808}`, `field "label": label -9223372036854775808 out of range`},
		{"winogrande", `{"sentence":"a _ .","option1":"a","option2":"b","answer":-9223372036854775808}`, `field "answer": label -9223372036854775808 out of range`},
		{"winogrande", `{"sentence":"no blank","option1":"a","option2":"b","answer":"1"}`, `field "sentence": no _ where an option goes`},
		{"winogrande", `{"sentence":"a _ .","option1":"a","option2":"b","answer":""}`, `field "answer": label "" is none of ["1" "2"]`},
		{"webqs", `{"utterance":"q","targetValue":"(description Rome)"}`, `want (list (description …) …)`},
		{"webqs", `{"question":"q","answers":[]}`, `field "answers": empty`},
		{"race", `{"article":"a","question":"q","options":["a","b","c","d"],"answer":"E"}`, `field "answer": label "E" is none of`},
		{"race", `{"article":"a","questions":["q","r"],"options":[["a"]],"answers":["A"]}`, `2 questions, 1 lists of options and 1 answers`},
		{"race", `{"article":"a","problems":"[{'question': 'q'"}`, `byte 18 of a Python literal`},
		{"race", `{"article":"a","problems":"[]"}`, `0 questions`},
		{"copa", `{"premise":"It fell.","choice1":"a","choice2":"b","question":"why","label":0}`, `field "question": label "why" is none of ["cause" "effect"]`},
		{"lambada_openai", `{"text":" "}`, `field "text": empty`},
		{"triviaqa", `{"question":"q","answer":{"value":"v","aliases":[]}}`, `field "answers": empty`},
	} {
		_, err := mustNamed(t, c.task).Read(strings.NewReader("\n"+c.row+"\n"), "rows.jsonl")
		if err == nil || !strings.HasPrefix(err.Error(), "rows.jsonl:2 (byte 1): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s:\n%v, want %q", c.task, c.row, err, c.want)
		}
	}
}

// The training text of the paper, task by task (the authors' task_utils.py): what
// stands before the target, and the target.
func TestPaperText(t *testing.T) {
	e := pieces{nil, 1, 2}
	for name, c := range map[string]struct{ row, context, target string }{
		"piqa":       {`{"goal":"open it","sol1":"a","sol2":"b","label":1}`, "Question: open it\nAnswer:", "b"},
		"openbookqa": {`{"question_stem":"It is","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`, "It is", "b"},
		"arc_easy":   {`{"question":"Why?","choices":{"text":["a","b"],"label":["1","2"]},"answerKey":"2"}`, "Question: Why?\nAnswer:", "b"},
		"hellaswag":  {`{"activity_label":"Run","ctx_a":"She runs.","ctx_b":"THE dog","endings":["sat [step] down"," ran"],"label":"0"}`, "Run: She runs. The dog", "sat down"},
		"sciq": {`{"support":" Ice is cold. ","question":"What is?","distractor1":"x","distractor2":"y","distractor3":"z","correct_answer":"ice"}`,
			" Ice is cold. \nQuestion: What is?\nAnswer:", "ice"},
		"webqs":    {`{"question":"where?","answers":["Rome","Italy"]}`, "Question: where?\nAnswer:", " Rome"},
		"triviaqa": {`{"question":"Who?","answer":{"value":"Ann","aliases":["Anna"]}}`, "Question: Who?\nAnswer:", " Ann"},
		"boolq":    {`{"passage":"It rains.","question":"does it rain","label":0}`, "It rains.\nQuestion: does it rain?\nAnswer:", " no"},
		"copa":     {`{"premise":"It fell. ","choice1":"He ran.","choice2":"b","question":"cause","label":0}`, "It fell because", " he ran."},
		"storycloze": {`{"input_sentence_1":"A.","input_sentence_2":"B.","input_sentence_3":"C.","input_sentence_4":"D.","sentence_quiz1":"x","sentence_quiz2":"y","answer_right_ending":2}`,
			"A. B. C. D.", " y"},
	} {
		got, err := mustNamed(t, name).Examples(one(t, name, c.row), e, FormatPaper, 1000)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: %v, %v", name, got, err)
			continue
		}
		if want := append([]int32{1}, e.Encode(c.context, false)...); !slices.Equal(got[0].Context, want) || !slices.Equal(got[0].Target, e.Encode(c.target, false)) {
			t.Errorf("%s: %q after %q, want %q after %q", name, text(got[0].Target), text(got[0].Context[1:]), c.target, c.context)
		}
	}
	race := one(t, "race", `{"article":"It was.","questions":["What?","Why?"],"options":[["a","b","c","d"],["e","f","g","h"]],"answers":["B","C"]}`)
	got, err := mustNamed(t, "race").Examples(race, e, FormatPaper, 1000)
	if err != nil || len(got) != 2 || text(got[0].Context[1:]) != "Article: It was.\n\nQuestion: What?\n\nAnswer:" || text(got[1].Target) != "g" {
		t.Errorf("race: %v, %v", got, err)
	}
}
