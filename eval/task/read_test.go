package task

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/record"
)

func TestShapesAreRead(t *testing.T) {
	for text, want := range map[string]Document{
		`{"query":"q","choices":["a","b"],"gold":1}`:               {Shape: Choice, Query: "q", Options: []string{"a", "b"}, Gold: 1},
		`{"context":"c","continuation":"d"}`:                       {Shape: Continuation, Query: "c", Continuation: "d"},
		`{"context_options":["a",""],"continuation":"d","gold":0}`: {Shape: ContextChoice, Options: []string{"a", ""}, Continuation: "d"},
		`{"query":"q","answers":["x","y"]}`:                        {Shape: Answers, Query: "q", Options: []string{"x", "y"}},
		`{"qId":"w1","answers":["x"],"qText":"q"}`:                 {Shape: Answers, Query: "q", Options: []string{"x"}},
		`{"text":"all of it"}`:                                     {Shape: Text, Text: "all of it"},
		`{"context_ids":[2,5],"target_ids":[7]}`:                   {Shape: Tokens, ContextIDs: []int32{2, 5}, TargetIDs: []int32{7}},
		`{"premise":"It rained. ","choice1":"A","choice2":"B","question":"effect","label":1,"idx":3}`: {
			Shape: Choice, Query: "It rained therefore", Options: []string{"A", "B"}, Gold: 1},
		// Order, white space, escapes and foreign fields of any form do not matter.
		"{ \"gold\" : 0 ,\t\"x\":{\"a\":[1.5e3,null,{}],\"b\":true}, \"choices\":[\"\\u00e9\\ud83d\\ude00\\n\"],\"query\":\"é\\\"\\/\" }": {
			Shape: Choice, Query: `é"/`, Options: []string{"é😀\n"}},
	} {
		docs, err := Read(strings.NewReader(text), "f.jsonl")
		if err != nil || len(docs) != 1 {
			t.Errorf("%s: %v, %v", text, docs, err)
			continue
		}
		if docs[0].Source.At.String() != "f.jsonl:1" {
			t.Errorf("%s: at %v", text, docs[0].Source.At)
		}
		docs[0].Source, want.shaped = record.Record{}, docs[0].shaped
		if got := fmt.Sprintf("%#v", docs[0]); got != fmt.Sprintf("%#v", want) {
			t.Errorf("%s:\n%s", text, got)
		}
	}
}

func TestFormsOfAFileAreAccepted(t *testing.T) {
	one, two := `{"text":"a"}`, `{"text":"b"}`
	for name, text := range map[string]string{
		"plain":         one + "\n" + two + "\n",
		"no last end":   one + "\n" + two,
		"CRLF":          one + "\r\n" + two + "\r\n",
		"BOM":           "\ufeff" + one + "\n" + two,
		"blank lines":   "\n \n" + one + "\n\t\r\n\n" + two + "\n\n",
		"array":         "[" + one + "," + two + "]",
		"array, lines":  "\ufeff\n[\n " + one + ",\n " + two + "\n]\n",
		"array, spaced": " [ " + one + " , " + two + " ] \n ",
	} {
		docs, err := Read(strings.NewReader(text), "f")
		if err != nil || len(docs) != 2 || docs[0].Text != "a" || docs[1].Text != "b" {
			t.Errorf("%s: %v, %v", name, docs, err)
		}
	}
	docs, err := Read(strings.NewReader("\n[\n "+one+",\n\n "+two+"\n]"), "f")
	if err != nil || docs[0].Source.At.Line != 3 || docs[1].Source.At.Line != 5 {
		t.Errorf("lines of an array: %v, %v", docs, err)
	}
}

// Every bad file has a message with its place, and (where one edit does it) a
// good twin among the files above.
func TestBadFilesAreNamed(t *testing.T) {
	good := `{"query":"q","choices":["a","b","c","d"],"gold":3}` + "\n"
	for text, want := range map[string]string{
		"":            "f.jsonl: no documents",
		"\n \r\n":     "f.jsonl: no documents",
		"\ufeff":      "f.jsonl: no documents",
		"[]":          "f.jsonl: no documents",
		good + "null": `f.jsonl:2 (byte 51): column 1: found 'n', want '{' (the last line has no line end: is the file cut?)`,
		good + strings.Replace(good, "3", "4", 1):                  `f.jsonl:2 (byte 51): field "gold": 4 out of range (4 choices)`,
		good + strings.Replace(good, "3", "-1", 1):                 `f.jsonl:2 (byte 51): field "gold": -1 out of range (4 choices)`,
		strings.Replace(good, "3", "3.0", 1):                       `f.jsonl:1: field "gold": 3.0: want a whole number`,
		strings.Replace(good, "3", "03", 1):                        `f.jsonl:1: field "gold": column 50: a number with a leading zero`,
		strings.Replace(good, "3", "1e0", 1):                       `f.jsonl:1: field "gold": 1e0: want a whole number`,
		strings.Replace(good, "3", `"3"`, 1):                       `f.jsonl:1: field "gold": a text, want a whole number`,
		strings.Replace(good, "3", "null", 1):                      `f.jsonl:1: field "gold": null, want a whole number`,
		strings.Replace(good, "3", "9e999", 1):                     `f.jsonl:1: field "gold": 9e999: want a whole number`,
		strings.Replace(good, "3", "1"+strings.Repeat("0", 30), 1): `f.jsonl:1: field "gold": 1000000000000000000000000000000 is out of range`,
		strings.Replace(good, `"q"`, "null", 1):                    `f.jsonl:1: field "query": null, want a text`,
		strings.Replace(good, `"q"`, `["q"]`, 1):                   `f.jsonl:1: field "query": a list, want a text`,
		strings.Replace(good, `"a"`, "1", 1):                       `f.jsonl:1: field "choices": item 0 is a number, want a text`,
		strings.Replace(good, `"a"`, `" "`, 1):                     `f.jsonl:1: field "choices": text 0 is empty`,
		strings.Replace(good, `"query"`, `"Query"`, 1):             `f.jsonl:1: field "query" is missing: want {"query","choices","gold"}`,
		strings.Replace(good, `"query"`, `"gold"`, 1):              `f.jsonl:1: field "gold" comes twice`,
		strings.Replace(good, "}", `,"gold":3}`, 1):                `f.jsonl:1: field "gold" comes twice`,
		strings.Replace(good, "}", `,"x":1,"x":1}`, 1):             `f.jsonl:1: field "x" comes twice`,
		strings.Replace(good, "}", `,"\u0067old":3}`, 1):           `f.jsonl:1: field "gold" comes twice`,
		strings.Replace(good, "}", `,"answers":["a"]}`, 1):         `f.jsonl:1: fields of two shapes: {"query","choices","gold"} and {"query","answers"}`,
		strings.Replace(good, "}", "} x", 1):                       `f.jsonl:1: column 52: found 'x', want the end of the line`,
		strings.Replace(good, "}", "}{}", 1):                       `f.jsonl:1: column 51: found '{', want the end of the line`,
		strings.Replace(good, `"q"`, "\"\xff\"", 1):                `f.jsonl:1: invalid UTF-8 at byte 11`,
		strings.Replace(good, `"q"`, `"\ud800"`, 1):                `f.jsonl:1: field "query": column 11: half a surrogate pair: \ud800`,
		strings.Replace(good, `"q"`, `"\ud800\u0041"`, 1):          `f.jsonl:1: field "query": column 11: half a surrogate pair: \ud800`,
		strings.Replace(good, `"q"`, `"\x"`, 1):                    `f.jsonl:1: field "query": column 11: unknown escape \x`,
		strings.Replace(good, `"q"`, `"\u12g4"`, 1):                `f.jsonl:1: field "query": column 11: \u without four hexadecimal digits`,
		strings.Replace(good, `"q"`, "\"a\tb\"", 1):                `f.jsonl:1: field "query": column 12: control character '\t' in a text: write it as \u0009`,
		good + good[:20]:      `f.jsonl:2 (byte 51): column 21: the text ends inside quotes (the last line has no line end: is the file cut?)`,
		good + good[:9]:       `f.jsonl:2 (byte 51): field "query": column 10: the text ends where a value should be (the last line has no line end: is the file cut?)`,
		good + `{"text":"a"}`: `f.jsonl:2 (byte 51): a document {"text"} in a file of {"query","choices","gold"}`,
		`{}` + "\n":           `f.jsonl:1: no fields of a document: want one of {"query","choices","gold"}, {"context","continuation"}`,
		`{"text":""}` + "\n":  `f.jsonl:1: field "text": empty`,
		`{"query":"q","choices":[],"gold":0}` + "\n":                              `f.jsonl:1: field "choices": empty`,
		`{"query":"q","answers":[]}` + "\n":                                       `f.jsonl:1: field "answers": empty`,
		`{"context":"c","continuation":""}` + "\n":                                `f.jsonl:1: field "continuation": empty`,
		`{"context_ids":[],"target_ids":[1]}` + "\n":                              `f.jsonl:1: field "context_ids": empty`,
		`{"context_ids":[1],"target_ids":[]}` + "\n":                              `f.jsonl:1: field "target_ids": empty`,
		`{"context_ids":[1],"target_ids":[3,-1]}` + "\n":                          `f.jsonl:1: field "target_ids": token -1 at 1 is no id`,
		`{"context_ids":[1],"target_ids":[2147483648]}` + "\n":                    `f.jsonl:1: field "target_ids": token 2147483648 at 0 is no id`,
		`{"context_ids":[1],"target_ids":[1.5]}` + "\n":                           `f.jsonl:1: field "target_ids": item 0: 1.5: want a whole number`,
		`{"premise":"A.","choice1":"b","choice2":"c","question":"why","label":0}`: `f.jsonl:1: field "question": label "why" is none of ["cause" "effect"]`,
		`{"text":"a","x":` + strings.Repeat("[", 100) + "\n":                      `f.jsonl:1: field "x": column 117: the text ends where a value should be`,
		`{"text":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}\n":  `f.jsonl:1: field "text": a list, want a text`,
		strings.Replace(good, "3", "NaN", 1):                                      `f.jsonl:1: field "gold": NaN: want a whole number`,
		strings.Replace(good, "3", "-Infinity", 1):                                `f.jsonl:1: field "gold": -Infinity: want a whole number`,
		strings.Replace(good, "3", "Nan", 1):                                      `f.jsonl:1: field "gold": column 49: found 'N', want a value`,
		strings.Replace(good, `"a"`, `"\ud800"`, 1):                               `f.jsonl:1: field "choices": item 0: column 26: half a surrogate pair: \ud800`,
		`{"context_ids":[1],"target_ids":[3,Infinity]}` + "\n":                    `f.jsonl:1: field "target_ids": item 1: Infinity: want a whole number`,
		`{"text":"a",` + "\n":                                                     `f.jsonl:1: column 13: the text ends where a field name in quotes should be`,
		`{"text":"a";}` + "\n":                                                    `f.jsonl:1: column 12: found ';', want ',' or '}'`,
		"[\n{\"text\":\"a\"},\n{\"text\":1}]":                                     `f.jsonl:3 (byte 16): field "text": a number, want a text`,
		"[\n{\"text\":\"a\"},\n":                                                  `f.jsonl:3 (byte 16): the text ends inside the array: is the file cut?`,
		`[{"text":"a"}] 1`:                                                        `f.jsonl:1 (byte 15): found '1' behind the array`,
		`[1]`:                                                                     `f.jsonl:1 (byte 1): found '1', want '{'`,
		"PAR1":                                                                    `f.jsonl:1: column 1: found 'P', want '{'`,
	} {
		docs, err := Read(strings.NewReader(text), "f.jsonl")
		switch {
		case err == nil:
			t.Errorf("%.60q was read: %v", text, docs)
		case !strings.HasPrefix(err.Error(), want):
			t.Errorf("%.60q:\n%v, want\n%s", text, err, want)
		case strings.Contains(err.Error(), "\n") || len(err.Error()) > 400:
			t.Errorf("%.60q: not one short line: %q", text, err)
		}
	}
}

func TestReadFileNamesThePath(t *testing.T) {
	if _, err := ReadFile(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("%v", err)
	}
	missing := filepath.Join(t.TempDir(), "none.jsonl")
	if _, err := ReadFile(missing); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("%v", err)
	}
}

func TestCheckIDs(t *testing.T) {
	docs, err := Read(strings.NewReader(`{"context_ids":[2,5],"target_ids":[7,9]}`), "f.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := docs[0].CheckIDs(10); err != nil {
		t.Error(err)
	}
	want := `f.jsonl:1: field "target_ids": token 9 at 1 out of range (the vocabulary has 9)`
	if err := docs[0].CheckIDs(9); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

// dataFile is a file of the data directory named by LAMINA_DATA.
func dataFile(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("LAMINA_DATA")
	if dir == "" {
		t.Skip("LAMINA_DATA is not set: no real data sets")
	}
	return filepath.Join(dir, path)
}

func TestRealFiles(t *testing.T) {
	for path, want := range map[string]int{
		"eval/arc_easy.jsonl": 2376, "eval/arc_challenge.jsonl": 1172, "eval/openbook_qa.jsonl": 500,
		"eval/piqa.jsonl": 1838, "eval/boolq.jsonl": 3270, "train/arc_easy.jsonl": 2251,
		"train/arc_challenge.jsonl": 1119, "train/openbook_qa.jsonl": 4957, "webquestions/test.json": 2032,
		"webquestions/trainmodel.json": 0, "webquestions/devtest.json": 0, "webquestions/val.json": 0,
	} {
		docs, err := ReadFile(dataFile(t, path))
		if err != nil || want > 0 && len(docs) != want {
			t.Errorf("%s: %d documents, %v; want %d", path, len(docs), err, want)
		}
	}
}

// FuzzDocuments holds that reading any bytes ends in documents that can be used
// or in one line of error.
func FuzzDocuments(f *testing.F) {
	for _, s := range []string{
		"", "\ufeff{\"text\":\"a\"}\r\n", `[{"qText":"q","answers":["a"]}]`, `{"query":"q","choices":["a"],"gold":0}`,
		`{"context_options":["",""],"continuation":" x","gold":1}`, `{"context":"","continuation":"x"}`,
		`{"context_ids":[1,2],"target_ids":[3]}`, `{"text":"\ud83d\ude00\u0000"}`, `{"text":"a","x":[[{"a":-1.5e+3}]]}`,
		`{"premise":"A b.","choice1":"C","choice2":"D","question":"cause","label":1}`, "{\"text\":\"\xff\"}", `{"gold":1e400}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Read(bytes.NewReader(data), "f")
		if err != nil {
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "f:") {
				t.Fatalf("%q", err)
			}
			return
		}
		for _, d := range docs {
			item, err := Task{}.Item(d, Rules04)
			if err != nil {
				t.Fatal(err)
			}
			if item.Gold != 0 && item.Gold >= len(item.Requests) {
				t.Fatalf("gold %d of %d", item.Gold, len(item.Requests))
			}
			if d.Shape == Tokens && (len(item.Pair.Target) == 0 || slices.Min(d.ContextIDs) < 0) {
				t.Fatalf("%v", d)
			}
		}
	})
}
