package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/record"
)

// Directories in the form of the original releases, with rows of our own.
func TestReleases(t *testing.T) {
	piqa := `{"goal":"Dry a wet shoe","sol1":"Put paper in it","sol2":"Put water in it"}` + "\n" + `{"goal":"Open a jar","sol1":"Shout at it","sol2":"Turn its lid"}` + "\n"
	race := `{"answers": ["B"], "options": [["a cat", "a dog", "a cow", "a hen"]], "questions": ["Who barked?"], "article": "A dog barked.", "id": "high1.txt"}`
	for _, c := range []struct {
		name  string
		files map[string]string
		o     Options
		want  map[string]string // of the last record
		n     int
	}{
		{"ARC", map[string]string{"ARC-Easy/ARC-Easy-Test.jsonl": `{"id":"m1","question":{"stem":"What is wet?","choices":[{"text":"sand","label":"A"},{"text":"rain","label":"B"}]},"answerKey":"B"}` + "\n"},
			Options{Config: "ARC-Easy", Split: "test"}, map[string]string{"question.choices.text": `["sand", "rain"]`, "answerKey": `"B"`}, 1},
		{"OpenBookQA", map[string]string{"Main/test.jsonl": `{"id":"7","question":{"stem":"A plant needs","choices":[{"text":"light","label":"A"}]},"answerKey":"A"}` + "\n", "Additional/test_complete.jsonl": "{}"},
			Options{Config: "Main", Split: "test"}, map[string]string{"question.stem": `"A plant needs"`}, 1},
		{"PIQA", map[string]string{"train.jsonl": piqa, "train-labels.lst": "0\n1\n", "valid.jsonl": piqa, "valid-labels.lst": "1\r\n0", "tests.jsonl": piqa},
			Options{Split: "validation"}, map[string]string{"goal": `"Open a jar"`, "label": `"0"`}, 2},
		{"PIQA without labels", map[string]string{"train.jsonl": piqa, "train-labels.lst": "0\n1\n", "tests.jsonl": piqa},
			Options{Split: "test"}, map[string]string{"goal": `"Open a jar"`}, 2},
		{"SciQ", map[string]string{"SciQ dataset-2 3/train.json": `[]`, "SciQ dataset-2 3/test.json": "[\n {\"question\": \"What melts?\", \"distractor1\": \"stone\", \"correct_answer\": \"ice\", \"support\": \"\"}\n]"},
			Options{Config: "SciQ dataset-2 3", Split: "test"}, map[string]string{"correct_answer": `"ice"`}, 1},
		{"RACE", map[string]string{"RACE/test/high/1.txt": race + "\n", "RACE/test/high/11.txt": strings.Replace(race, "high1", "high11", 1), "RACE/test/middle/2.txt": race, "RACE/train/high/3.txt": race},
			Options{Config: "high", Split: "test"}, map[string]string{"id": `"high11.txt"`, "options": `[["a cat", "a dog", "a cow", "a hen"]]`}, 2},
		{"HellaSwag", map[string]string{"hellaswag_val.jsonl": `{"ind": 24, "ctx": "He sits", "label": 3, "endings": ["a", "b", "c", "d"]}` + "\n"}, Options{}, map[string]string{"label": "3"}, 1},
		{"WebQuestions", map[string]string{"webquestions.examples.test.json": `[{"url": "http://x/y", "targetValue": "(list (description \"Red\") (description Blue))", "utterance": "which colours?"}]`},
			Options{Split: "test"}, map[string]string{"targetValue": `"(list (description \"Red\") (description Blue))"`}, 1},
		{"BoolQ", map[string]string{"train.jsonl": "{}\n", "dev.jsonl": `{"question": "is it so", "title": "T", "answer": true, "passage": "It is."}` + "\n"}, Options{Split: "val"}, map[string]string{"answer": "true"}, 1},
		{"COPA", map[string]string{"COPA/val.jsonl": `{"premise": "It rained.", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": 0}` + "\n", "COPA/test.jsonl": "{}"},
			Options{Config: "COPA", Split: "validation"}, map[string]string{"label": "1"}, 1},
		{"WinoGrande", map[string]string{"train_xl.jsonl": `{"qID": "q-1", "sentence": "_ fell.", "option1": "Ann", "option2": "Bob", "answer": "2"}` + "\n", "train_xl-labels.lst": "2\n", "dev.jsonl": "{}\n", "dev-labels.lst": "1\n"},
			Options{Split: "train"}, map[string]string{"answer": `"2"`, "label": `"2"`}, 1},
		{"StoryCloze", map[string]string{"cloze_test_val__spring2016 - cloze_test_ALL_val.csv": "InputStoryid,InputSentence1,RandomFifthSentenceQuiz1,RandomFifthSentenceQuiz2,AnswerRightEnding\nb9,\"He ran, fast.\",Home.,\"\"\"No,\"\" he said.\",2\n"},
			Options{Split: "validation"}, map[string]string{"InputSentence1": `"He ran, fast."`, "RandomFifthSentenceQuiz2": `"\"No,\" he said."`, "AnswerRightEnding": `"2"`}, 1},
		{"LAMBADA", map[string]string{"lambada_test_en.jsonl": `{"text": "she said hello to the man"}` + "\n"}, Options{Split: "test"}, map[string]string{"text": `"she said hello to the man"`}, 1},
		{"TriviaQA", map[string]string{"unfiltered-web-dev.json": "{\n    \"Data\": [\n        {\n            \"Answer\": {\"Aliases\": [\"Oslo\"], \"Value\": \"Oslo\"},\n            \"Question\": \"Which {city} [is] \\\"it\\\"?\"\n        }\n    ],\n    \"Domain\": \"unfiltered-web\",\n    \"VerifiedEval\": false\n}\n"},
			Options{Split: "validation"}, map[string]string{"Answer.Value": `"Oslo"`, "Question": `"Which {city} [is] \"it\"?"`}, 1},
	} {
		all, _, err := ReadAll(tree(t, c.files), c.o)
		if err != nil || len(all) != c.n {
			t.Errorf("%s: %d records, %v", c.name, len(all), err)
			continue
		}
		for field, want := range c.want {
			v, err := all[len(all)-1].Get(field)
			if err != nil || string(record.AppendPython(nil, v, 0)) != want {
				t.Errorf("%s: %s is %s, want %s, %v", c.name, field, record.AppendPython(nil, v, 0), want, err)
			}
		}
	}
}

func TestLabels(t *testing.T) {
	docs := "{\"goal\":\"a\"}\n{\"goal\":\"b\"}\n"
	for _, c := range []struct{ docs, labels, want string }{
		{docs, "0\n1\n", `/train: {"goal": "a", "label": "0"} {"goal": "b", "label": "1"}`},
		{docs, "0\n", `/train: {"goal": "a", "label": "0"} error: DIR/train.jsonl:2 (byte 13): has no label: DIR/train-labels.lst has 1 lines`},
		{docs, "0\n1\n1\n", `/train: {"goal": "a", "label": "0"} {"goal": "b", "label": "1"} error: DIR/train-labels.lst has 3 lines, DIR/train.jsonl 2 records`},
		{docs, "0\n\n1\n", "/train: error: DIR/train-labels.lst:2: \"\" is no label"},
		{docs, "\n", "/train: error: DIR/train-labels.lst:1: \"\" is no label"},
		{docs, "", "error: DIR/train-labels.lst: the file is empty"},
		{docs, "0\n" + strings.Repeat("1", 65), "/train: error: DIR/train-labels.lst:2: \"" + strings.Repeat("1", 64) + "\" is no label"},
		{"{\"label\":1}\n", "1\n", `/train: {"label": 1}`},
		{"{\"label\":1}\n", "0\n", `/train: error: DIR/train.jsonl:1: field "label": "1", but DIR/train-labels.lst:1 says "0"`},
	} {
		dir := tree(t, map[string]string{"train.jsonl": c.docs, "train-labels.lst": c.labels})
		got := show(t, dir, Options{})
		if got != c.want {
			t.Errorf("%q:\n%s, want\n%s", c.labels, got, c.want)
		}
	}
	// A file that is named itself has its labels too, and their sum.
	dir := tree(t, map[string]string{"valid.jsonl": docs, "valid-labels.lst": "1\n0\n"})
	all, files, err := ReadAll(filepath.Join(dir, "valid.jsonl"), Options{})
	if err != nil || len(files) != 2 || files[1].Name != "valid-labels.lst" || len(files[1].SHA256) != 64 {
		t.Fatalf("%+v, %v", files, err)
	}
	if n, err := all[0].Int("label"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestRealFiles(t *testing.T) {
	dir := os.Getenv("LAMINA_DATA")
	if dir == "" {
		t.Skip("LAMINA_DATA is not set: no real data sets")
	}
	for path, want := range map[string]int{
		"eval/arc_easy.jsonl": 2376, "eval/arc_challenge.jsonl": 1172, "eval/openbook_qa.jsonl": 500,
		"eval/piqa.jsonl": 1838, "eval/boolq.jsonl": 3270, "train/arc_easy.jsonl": 2251,
		"train/arc_challenge.jsonl": 1119, "train/openbook_qa.jsonl": 4957, "webquestions/test.json": 2032,
	} {
		all, files, err := ReadAll(filepath.Join(dir, path), Options{})
		if err != nil || len(all) != want || len(files) != 1 {
			t.Errorf("%s: %d records, %v; want %d", path, len(all), err, want)
		}
	}
	all, files, err := ReadAll(filepath.Join(dir, "webquestions"), Options{Split: "test"})
	if err != nil || len(all) != 2032 {
		t.Errorf("a directory: %d records of %v, %v", len(all), files, err)
	}
	if _, err := Open(filepath.Join(dir, "eval"), Options{}); err == nil || !strings.Contains(err.Error(), "names tell no split") {
		t.Errorf("five data sets in one directory: %v", err)
	}
}
