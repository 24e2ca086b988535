package task

import (
	"fmt"
	"strings"
	"testing"

	"lamina/record"
)

// rowsOfTasks has a row of each form in which a data set comes.
var rowsOfTasks = map[string][]string{
	"arc_easy": {`{"question":"Why?","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`,
		`{"question":{"stem":"Why?","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"answerKey":"B"}`},
	"openbookqa": {`{"question_stem":"It is","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}`},
	"piqa":       {`{"goal":"open it","sol1":"a","sol2":"b","label":1}`},
	"sciq":       {`{"support":"s","question":"q","distractor1":"x","distractor2":"y","distractor3":"z","correct_answer":"c"}`},
	"race": {`{"article":"It was.","question":"What?","options":["a","b","c","d"],"answer":"B"}`,
		`{"article":"It was.","questions":["What?"],"options":[["a","b","c","d"]],"answers":["B"]}`,
		`{"article":"It was.","problems":"[{'question': 'What?', 'answer': 'B', 'options': ['a', 'b', 'c', 'd']}]"}`},
	"hellaswag":      {`{"activity_label":"Run","ctx_a":"She runs.","ctx_b":"THE dog","endings":["sat"," ran"],"label":"1"}`},
	"boolq":          {`{"passage":"It rains.","question":"does it","label":1}`},
	"copa":           {`{"premise":"It fell.","choice1":"a","choice2":"b","question":"cause","label":0}`},
	"winogrande":     {`{"sentence":"The _ was.","option1":"a","option2":"b","answer":"1"}`},
	"webqs":          {`{"question":"where?","answers":["Rome","Italy"]}`, `{"utterance":"where?","targetValue":"(list (description Rome))"}`},
	"triviaqa":       {`{"question":"Who?","answer":{"value":"Ann","aliases":["Ann","Anna"]}}`},
	"storycloze":     {`{"input_sentence_1":"A.","input_sentence_2":"B.","input_sentence_3":"C.","input_sentence_4":"D.","sentence_quiz1":"x","sentence_quiz2":"y","answer_right_ending":2}`},
	"lambada_openai": {`{"text":"the last word"}`},
	"wikitext":       {`{"page":" = A = \n"}`},
	"": {`{"query":"q","choices":["a","b"],"gold":1}`, `{"query":"q","answers":["a","b"]}`, `{"context_options":["a","b"],"continuation":"c","gold":1}`,
		`{"context":"a","continuation":"c"}`, `{"text":"a"}`, `{"context_ids":[1],"target_ids":[2]}`},
}

// spoiled calls with every row that has one value, at any depth, replaced.
func spoiled(v record.Value, with record.Value, each func(record.Value)) {
	each(with)
	switch v := v.(type) {
	case record.Object:
		for i := range v {
			spoiled(v[i].Value, with, func(x record.Value) {
				row := append(record.Object{}, v...)
				row[i].Value = x
				each(row)
			})
		}
	case record.List:
		for i := range v {
			spoiled(v[i], with, func(x record.Value) {
				list := append(record.List{}, v...)
				list[i] = x
				each(list)
			})
		}
	}
}

// A row with anything in place of a value is an error with its place, or a document
// that can be asked for, shown as an example, logged and learnt from.
func TestSpoiledRowsAreErrorsOrDocuments(t *testing.T) {
	values := []record.Value{nil, true, "", " ", "x", "1", "E", "[]", "[{'question': 'q', 'answer': 'A', 'options': []}]", "(list", "_", record.Number("0"), record.Number("-1"), record.Number("7"),
		record.Number("-9223372036854775808"), record.Number("1e999"), record.List{}, record.List{""}, record.List{"C", "E"}, record.List{nil}, []int64{1}, record.Object{}}
	read := 0
	for name, rows := range rowsOfTasks {
		for _, row := range rows {
			whole, err := record.Parse([]byte(row), record.Location{})
			if err != nil {
				t.Fatal(err)
			}
			for _, value := range values {
				spoiled(whole.Fields, value, func(v record.Value) {
					fields, ok := v.(record.Object)
					if !ok {
						return
					}
					r := record.Record{Fields: fields, At: record.Location{File: "f", Line: 3}}
					docs, err := mustNamed(t, name).Documents(func(yield func(record.Record, error) bool) { yield(r, nil) })
					if err != nil {
						if !strings.HasPrefix(err.Error(), "f:3: ") || strings.Contains(err.Error(), "\n") {
							t.Errorf("%s: %s: %v", name, record.AppendPython(nil, fields, 0), err)
						}
						return
					}
					read++
					use(t, mustNamed(t, name), docs)
				})
			}
		}
	}
	t.Logf("%d rows were documents all the same", read)
	if read < 100 {
		t.Errorf("only %d rows were documents", read)
	}
}

// use does with documents all that is done with them.
func use(t *testing.T, task Task, docs []Document) {
	t.Helper()
	e := decoding{pieces{nil, 1, 2}}
	for _, rules := range []Rules{Rules04, Rules03} {
		for _, shots := range []int{0, 1} {
			r, err := EncodeAll(task, docs, e, Setting{Rules: rules, Shots: shots, Pool: append(docs[:1:1], docs[0]), MaxTokens: 4}, 400)
			if err != nil {
				continue
			}
			for i := range r.Items {
				if text := PythonText(task.Target(&r.Items[i])); r.Items[i].Shape == Generation && text == "" {
					t.Errorf("%s: no target", task.name)
				}
			}
			if _, err := r.Result(make([]Score, len(r.Pairs)), make([]string, len(r.Prompts))); err != nil && !strings.Contains(err.Error(), "empty") {
				t.Errorf("%s: %v", task.name, err)
			}
		}
	}
	for _, format := range []Format{FormatScoring, FormatPaper} {
		for _, d := range docs {
			if pairs, err := task.Examples(d, e, format, 400); err == nil && len(pairs) == 0 {
				t.Errorf("%s: no example of %v", task.name, d.Source.Fields)
			}
		}
	}
}

// decoding is a toy tokenizer that writes ids as numbers.
type decoding struct{ pieces }

func (decoding) Decode(ids []int32, _ bool) string { return fmt.Sprint(ids) }
