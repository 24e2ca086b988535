package taskfile_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"lamina/eval/task"
	"lamina/eval/taskfile"
	"lamina/record"
)

func Example() {
	f, err := taskfile.Parse([]byte(`
task: weather
output_type: multiple_choice
doc_to_text: "Question: {question}\nAnswer:"
choices: "{choices.text}"
gold: label
`), "weather.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	docs, err := f.Task.Read(strings.NewReader(`{"question":"What falls?","choices":{"text":["rain","hills"]},"label":0}`), "weather.jsonl")
	if err != nil {
		fmt.Println(err)
		return
	}
	items, _ := f.Task.Items(docs, task.Setting{})
	fmt.Printf("%q gold %d\n", items[0].Requests, items[0].Gold)
	_, err = f.Task.Read(strings.NewReader(`{"question":"What falls?"}`), "weather.jsonl")
	fmt.Println(err)
	// Output:
	// [{"Question: What falls?\nAnswer:" " rain"} {"Question: What falls?\nAnswer:" " hills"}] gold 0
	// weather.jsonl:1: gold (weather.yaml:6:1): field "label" is missing; if it is no field but the text itself, write "{{ 'label' }}"
}

// golden is testdata/taskfile.json, made by gen_taskfile.py with lm-eval 0.4.8.
type golden struct {
	Tasks []struct {
		Task, YAML string
		Rows       []json.RawMessage
		Requests   [][][][]string // examples, row, request
		Gold       []json.RawMessage
		Targets    []string
	}
}

func TestTasksEqualHarness(t *testing.T) {
	var g golden
	text, err := os.ReadFile("testdata/taskfile.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Tasks {
		t.Run(c.Task, func(t *testing.T) {
			path := filepath.Join("testdata", c.Task+".yaml")
			if c.Task == "above" {
				path = filepath.Join("testdata", "sub", "above.yaml")
			}
			f, err := taskfile.Read(path)
			if c.YAML != "" {
				f, err = taskfile.Parse([]byte(c.YAML), c.Task+".yaml")
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.Name != c.Task || f.Task.Name() != c.Task {
				t.Errorf("name %q", f.Name)
			}
			var rows strings.Builder
			for _, r := range c.Rows {
				rows.WriteString(strings.ReplaceAll(string(r), "\n", " ") + "\n")
			}
			docs, err := f.Task.Read(strings.NewReader(rows.String()), "rows.jsonl")
			if err != nil {
				t.Fatal(err)
			}
			for i, shots := range []int{0, 2} {
				items, err := f.Task.Items(docs, task.Setting{Shots: shots})
				if err != nil {
					t.Fatal(err)
				}
				for row := range items {
					if got, want := requestsOf(&items[row]), c.Requests[i][row]; !slices.EqualFunc(got, want, slices.Equal) {
						t.Errorf("%d examples, row %d:\n got %q\nwant %q", shots, row, got, want)
					}
					checkGold(t, row, &items[row], c.Gold[row])
					if got := task.PythonText(f.Task.Target(&items[row])); got != c.Targets[row] {
						t.Errorf("row %d: target %q, want %q", row, got, c.Targets[row])
					}
				}
			}
		})
	}
}

// requestsOf returns what gen_taskfile.py writes of an item.
func requestsOf(item *task.Item) (out [][]string) {
	if item.Shape == task.Generation {
		return [][]string{append([]string{item.Prompt}, item.Until...)}
	}
	for _, r := range item.Requests {
		out = append(out, []string{r.Context, r.Continuation})
	}
	return out
}

func checkGold(t *testing.T, row int, item *task.Item, gold json.RawMessage) {
	t.Helper()
	got, err := json.Marshal(item.Gold)
	switch {
	case item.Shape == task.Generation:
		got, err = json.Marshal(item.Answers)
	case string(gold) == "null":
		return
	}
	var a, b any
	if err != nil || json.Unmarshal(got, &a) != nil || json.Unmarshal(gold, &b) != nil || fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("row %d: gold %s, want %s", row, got, gold)
	}
}

func TestReadFile(t *testing.T) {
	f, err := taskfile.Read("testdata/colours.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if f.Alias != "Colours, by name" || f.Shots != 2 || f.TestSplit != "test" || f.FewshotSplit != "test" || f.Output != "multiple_choice" || !slices.Equal(f.Metrics, []string{"acc"}) {
		t.Errorf("%+v", f)
	}
	if f, err = taskfile.Read("testdata/truth.yaml"); err != nil || f.Version != "2" || f.TrainingSplit != "train" || !slices.Equal(f.Metrics, []string{"acc", "acc_norm"}) {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = taskfile.Read("testdata/weather.yaml"); err != nil || f.Version != "1.5" {
		t.Errorf("%+v, %v", f, err)
	}
	capitals, err := taskfile.Read("testdata/capitals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := capitals.Task.Read(strings.NewReader(`{"country":"France","names":["Paris!"]}`), "rows.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	items, err := capitals.Task.Items(docs, task.Setting{})
	if err != nil || items[0].MaxTokens != 12 || !slices.Equal(items[0].Answers, []string{"Paris!"}) {
		t.Errorf("%+v, %v", items, err)
	}
}

const choice = "output_type: multiple_choice\ndoc_to_text: '{q}'\ndoc_to_choice: [a, b]\ndoc_to_target: 0\n"

const filterHead = "doc_to_text: x\ngold: y\nfilter_list:\n  - name: a\n    filter:\n"

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "documents"},
		{"no mapping", "- a\n", "a list, want keys"},
		{"no YAML", choice + "x: [1\n", "f.yaml:5"},
		{"a key twice", choice + "doc_to_text: x\n", "doc_to_text"},
		{"unknown key", choice + "doc_to_txt: x\n", `f.yaml:5:1: the key "doc_to_txt" is not known: is it "doc_to_text"?`},
		{"unknown key near our own", choice + "choice: x\n", `is it "choices"?`},
		{"both names", choice + "gold: 1\n", "f.yaml:5:1: doc_to_target and gold say the same"},
		{"python", choice + "doc_to_decontamination_query: !function utils.f\n", `f.yaml:5:31: "!function": Python code is not run`},
		{"python object", choice + "metadata: !!python/object:os.system x\n", "f.yaml:5:11: the tag"},
		{"process_docs", choice + "process_docs: x\n", "f.yaml:5:1: process_docs: rows are used as they are"},
		{"an anchor", "task: &a x\n" + choice, "f.yaml:1:"},
		{"output type", "output_type: choice\ndoc_to_text: x\n", `f.yaml:1:1: output_type: "choice": want one of`},
		{"no text", "output_type: multiple_choice\nchoices: [a]\ngold: 0\n", `"doc_to_text" is missing`},
		{"no choices", "output_type: multiple_choice\ndoc_to_text: x\ngold: 0\n", `"doc_to_choice" is missing`},
		{"no target", "output_type: loglikelihood\ndoc_to_text: x\n", `"doc_to_target" is missing`},
		{"choices of another type", "output_type: loglikelihood\ndoc_to_text: x\ngold: y\nchoices: [a]\n", "f.yaml:4:1: choices: loglikelihood has no choices"},
		{"a template", "output_type: loglikelihood\ndoc_to_text: '{{x'\ngold: y\n", "f.yaml:2:1: doc_to_text: the template: line 1: "},
		{"a filter", "output_type: loglikelihood\ndoc_to_text: '{{x|nosuch}}'\ngold: y\n", `"nosuch" is not known`},
		{"include in a template", "output_type: loglikelihood\ndoc_to_text: \"{% include '/etc/hostname' %}\"\ngold: y\n", `"include" is not known`},
		{"choices true", "output_type: multiple_choice\ndoc_to_text: x\nchoices: [no, yes]\ngold: 0\n", "f.yaml:3:11: no without quotes"},
		{"choices of numbers", "output_type: multiple_choice\ndoc_to_text: x\nchoices: [1, 2]\ngold: 0\n", "f.yaml:3:11: choices: item 0 is a number"},
		{"text a list", "output_type: loglikelihood\ndoc_to_text: [x]\ngold: y\n", "f.yaml:2:1: doc_to_text: a list"},
		{"metric", choice + "metric_list:\n  - metric: f1\n", `f.yaml:6:5: metric_list: "f1" is not known of multiple_choice`},
		{"aggregation", choice + "metric_list:\n  - metric: acc\n    aggregation: median\n", "f.yaml:7:5: aggregation: acc is summed up by mean"},
		{"metric without name", choice + "metric_list:\n  - aggregation: mean\n", "without the key"},
		{"shots", choice + "num_fewshot: -1\n", "f.yaml:5:1: num_fewshot: -1"},
		{"repeats", choice + "repeats: 3\n", "f.yaml:5:1: repeats"},
		{"sampler", choice + "fewshot_config:\n  sampler: other\n", "f.yaml:6:3: fewshot_config"},
		{"version", choice + "metadata:\n  version: new\n", "f.yaml:6:3: version: a text, want a number"},
		{"description", choice + "description: 'About {{q}}'\n", `f.yaml:5:1: description: line 1: field "q" is missing`},
		{"generation of choices", choice + "generation_kwargs:\n  until: x\n", "f.yaml:5:1: generation_kwargs"},
		{"sampling", "doc_to_text: x\ngold: y\ngeneration_kwargs:\n  temperature: 0.7\n", "f.yaml:3:1: generation_kwargs: texts are generated greedily"},
		{"until", "doc_to_text: x\ngold: y\ngeneration_kwargs:\n  until: []\n", "f.yaml:4:3: until"},
		{"filter", "doc_to_text: x\ngold: y\nfilter_list:\n  - name: a\n    filter:\n      - function: custom\n", `f.yaml:6:17: the filter "custom" is not known: want one of take_first, `},
		{"a filter's pattern", filterHead + "      - function: regex\n        regex_pattern: '(a'\n", `regex: the pattern "(a": `},
		{"a filter's key", filterHead + "      - function: regex\n        pattern: a\n", `the filter regex: the key "pattern" is not known`},
		{"a filter's number", filterHead + "      - function: regex\n        group_select: first\n", `f.yaml:7:9: group_select: a text, want a whole number`},
		{"a chain without a name", "doc_to_text: x\ngold: y\nfilter_list:\n  - filter:\n      - function: take_first\n", `filter_list: want "name" and "filter"`},
		{"two chains of a name", filterHead + "      - function: take_first\n  - name: a\n    filter:\n      - function: take_first\n", `f.yaml:7:9: filter_list: the name "a" comes twice`},
		{"a map without a default", filterHead + "      - function: map\n        mapping_dict: {A: 0}\n", "map: default_value is missing"},
		{"several of one", filterHead + "      - function: take_first_k\n        k: 8\n", "take_first_k: 8 of one text"},
		{"a filter of choices", choice + "filter_list:\n  - name: a\n    filter:\n      - function: lowercase\n", "the filter lowercase is for generated texts: multiple_choice has none"},
		{"what to ignore", "doc_to_text: x\ngold: y\nmetric_list:\n  - metric: exact_match\n    regexes_to_ignore: ['[']\n", `f.yaml:5:5: regexes_to_ignore: the pattern "["`},
		{"samples", choice + "fewshot_config:\n  samples: [a]\n", "f.yaml:6:13: samples: a text, want a row"},
		{"a sample", choice + "fewshot_config:\n  samples:\n    - {p: 1}\n", "f.yaml:7:7: samples: doc_to_text (f.yaml:2:1): line 1: field \"q\" is missing"},
		{"examples by place", choice + "fewshot_config:\n  fewshot_indices: [1]\n", "fewshot_indices are not known"},

		{"include", "include: other.yaml\n", "include: there is no directory"},
		{"no UTF-8", "task: \xff\n", "UTF-8"},
		{"large", "task: " + strings.Repeat("x", 1<<19), "more than"},
		{"deep", "task: " + strings.Repeat("[", 1<<12), "deeper"},
		{"deep lists", strings.Repeat("- ", 1<<12) + "x", "deeper"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := taskfile.Parse([]byte(c.file), "f.yaml")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f.yaml") {
				t.Errorf("%v; want an error with %q", err, c.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.yaml": "include: b.yaml\n", "b.yaml": "include: a.yaml\n", "up.yaml": "include: ../a.yaml\n", "abs.yaml": "include: /a.yaml\n", "gone.yaml": "include: x.yaml\n", "self.yaml": "include: [self.yaml]\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a.yaml": "include each other", "up.yaml": "no such file", "abs.yaml": "want the path of a file from this one's directory", "gone.yaml": "no such file", "self.yaml": "include each other", "none.yaml": "no such file", ".": "want a task file"} {
		if _, err := taskfile.Read(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// What a row lacks is said with the row, the key and its line.
func TestRowsRefused(t *testing.T) {
	mc := func(text, choices, gold string) string {
		return fmt.Sprintf("output_type: multiple_choice\ndoc_to_text: %q\nchoices: %q\ngold: %q\n", text, choices, gold)
	}
	generate := func(gold string) string { return "doc_to_text: x y\ngold: " + gold + "\n" }
	for _, c := range []struct{ name, file, row, want string }{
		{"a missing field", mc("{q}", "{{['a','b']}}", "{{0}}"), `{"p":1}`, `rows.jsonl:1: doc_to_text (f.yaml:2:1): line 1: field "q" is missing`},
		{"a missing word", mc("question", "{{['a','b']}}", "{{0}}"), `{"p":1}`, `field "question" is missing`},
		{"choices no list", mc("x y", "{p}", "{{0}}"), `{"p":"a, b"}`, "choices (f.yaml:3:1): \"a, b\" is no list"},
		{"an empty choice", mc("x y", "p", "{{0}}"), `{"p":["a",""]}`, "item 1 is a text, want a text that is not empty"},
		{"a choice that is a number", mc("x y", "p", "{{0}}"), `{"p":["a",1]}`, "item 1 is a number"},
		{"no choices", mc("x y", "p", "{{0}}"), `{"p":[]}`, "want a list"},
		{"gold out of range", mc("x y", "p", "{{2}}"), `{"p":["a","b"]}`, "gold (f.yaml:4:1): index 2 out of range (2 choices)"},
		{"gold no choice", mc("x y", "p", "{{'c'}}"), `{"p":["a","b"]}`, `"c" is none of the choices`},
		{"gold a list", mc("x y", "p", "q"), `{"p":["a","b"],"q":[0,1]}`, "several right choices"},
		{"gold null", mc("x y", "p", "q"), `{"p":["a","b"],"q":null}`, "null, want the index"},
		{"gold a leading zero", mc("x y", "p", "{{'01'}}"), `{"p":["a","b"]}`, "Python literal"},
		{"text null", mc("q", "p", "{{0}}"), `{"p":["a","b"],"q":null}`, "doc_to_text (f.yaml:2:1): null, want a text"},
		{"text an index out of range", mc("{{7}}", "p", "x y"), `{"p":["a","b"]}`, "index 7 out of range"},
		{"answers empty", generate("p"), `{"p":[]}`, "an empty list"},
		{"answers of numbers", generate("p"), `{"p":["x",1.5]}`, "item 1 is a number"},
		{"target a number", "output_type: loglikelihood\ndoc_to_text: x y\ngold: p\n", `{"p":5}`, "want a text: a template makes one"},
		{"target empty", "output_type: loglikelihood_rolling\ngold: '{{p}}'\n", `{"p":""}`, "an empty text"},
		{"without end", mc("{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", "p", "{{0}}"), `{"p":["a"]}`, "does more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := taskfile.Parse([]byte(c.file), "f.yaml")
			if err != nil {
				t.Fatal(err)
			}
			docs, err := f.Task.Read(strings.NewReader(c.row), "rows.jsonl")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "rows.jsonl:1: ") {
				t.Errorf("%v, %v; want an error with %q", docs, err, c.want)
			}
		})
	}
}

// bytesOf is a tokenizer with one token per byte.
type bytesOf struct{}

func (bytesOf) BOS() (int32, bool) { return 1, true }
func (bytesOf) EOS() (int32, bool) { return 2, true }
func (bytesOf) Encode(text string, _ bool) (ids []int32) {
	for _, b := range []byte(text) {
		ids = append(ids, int32(b))
	}
	return ids
}

// A task of a file can be trained on; a target without text is an error.
func TestExamplesOfFiles(t *testing.T) {
	const file = "output_type: multiple_choice\ndoc_to_text: '{{0}}'\nchoices: [a, b]\ngold: '{{t}}'\ntarget_delimiter: ''\n"
	f, err := taskfile.Parse([]byte(file), "f.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []task.Format{task.FormatScoring, task.FormatPaper} {
		docs, err := f.Task.Read(strings.NewReader(`{"t":"x"}`+"\n"+`{"t":""}`), "rows.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		pairs, err := f.Task.Examples(docs[0], bytesOf{}, format, 16)
		if err != nil || len(pairs) != 1 || !slices.Equal(pairs[0].Target, []int32{'x'}) {
			t.Errorf("%v: %v, %v", format, pairs, err)
		}
		if _, err := f.Task.Examples(docs[1], bytesOf{}, format, 16); err == nil || !strings.HasPrefix(err.Error(), "rows.jsonl:2") {
			t.Errorf("%v: nothing to learn: %v", format, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(choice))
	row := record.Record{Fields: record.Object{{Name: "q", Value: "x"}, {Name: "l", Value: record.List{"a", "b"}}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		var file *taskfile.File
		var err error
		takes(t, len(data), func() { file, err = taskfile.Parse(data, "f.yaml") })
		if err != nil {
			if !strings.HasPrefix(err.Error(), "f.yaml") {
				t.Errorf("%v names no file", err)
			}
			return
		}
		if docs, err := file.Task.Documents(func(yield func(record.Record, error) bool) { yield(row, nil) }); err == nil && len(docs) != 1 {
			t.Errorf("%d documents of a row", len(docs))
		}
	})
}

// Results stand in files called after their tasks.
func TestNamesAreNamesOfFiles(t *testing.T) {
	for _, name := range []string{"a/b", "../../own", `a\\b`, "a\\nb", strings.Repeat("a", 200)} {
		_, err := taskfile.Parse([]byte("task: \""+name+"\"\noutput_type: loglikelihood\ntest_split: train\ndoc_to_text: \"{q}\"\ndoc_to_target: \"{a}\"\n"), "own.yaml")
		if err == nil || !strings.HasPrefix(err.Error(), "own.yaml: task ") || !strings.Contains(err.Error(), "is no name for files") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
