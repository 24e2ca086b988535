package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A group's file is read with the tasks, tags and groups that it lists; its scores are the
// harness's: means over documents or over tasks, with the pooled standard error.
func TestEvalGroup(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	tasks := filepath.Join(dir, "tasks")
	if err := os.MkdirAll(filepath.Join(tasks, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, tasks, "_base.yaml", "output_type: multiple_choice\ntest_split: test\ndoc_to_text: query\ndoc_to_choice: choices\ndoc_to_target: gold\ntag: some\n")
	write(t, filepath.Join(tasks, "deep"), "one.yaml", "include: ../_base.yaml\ntask: one\n")
	write(t, tasks, "two.yaml", "include: _base.yaml\ntask: two\ndescription: \"Well. \"\n")
	write(t, tasks, "three.yaml", "include: _base.yaml\ntask: three\ntag: none\n")
	write(t, tasks, "broken.yaml", "task: [")
	write(t, tasks, "inner.yaml", "group: inner\ngroup_alias: the inner\ntask: [some]\naggregate_metric_list:\n  - metric: acc\n    weight_by_size: true\nmetadata:\n  version: 2.0\n")
	group := write(t, tasks, "all.yaml", "group: all\ntask:\n  - inner\n  - task: three\n    metric_list: [{metric: acc}]\naggregate_metric_list:\n  - {metric: acc, aggregation: mean, weight_by_size: false}\n  - {metric: acc_norm, weight_by_size: true}\n")
	small, large := write(t, dir, "small.jsonl", manyQuestions(5)), write(t, dir, "large.jsonl", manyQuestions(17))
	out := filepath.Join(dir, "out")
	printed := must(t, "eval", "--model", model, "--task-file", group, "--data", small, "--data", large, "--data", small, "--out", out, "--log-samples")
	paths, _ := filepath.Glob(filepath.Join(out, "*", "results_*.json"))
	if len(paths) != 1 {
		t.Fatalf("%v", paths)
	}
	r := read[struct {
		Results, Groups map[string]map[string]any
		Subtasks        map[string][]string `json:"group_subtasks"`
		Versions        map[string]any
	}](t, paths[0])
	number := func(name, metric string) float64 { v, _ := r.Results[name][metric].(float64); return v }
	a, b, c := number("one", "acc,none"), number("two", "acc,none"), number("three", "acc,none")
	se := func(name string) float64 { return number(name, "acc_stderr,none") }
	pooled := func(names []string, sizes ...float64) float64 {
		sum, all := 0.0, 0.0
		for i, n := range sizes {
			sum, all = sum+(n-1)*se(names[i])*se(names[i])*n, all+n
		}
		return math.Sqrt(sum / (all - float64(len(sizes))) / all)
	}
	for what, c := range map[string]struct{ got, want float64 }{
		"by documents":   {number("inner", "acc,none"), (5*a + 17*b) / 22},
		"its error":      {number("inner", "acc_stderr,none"), pooled([]string{"one", "two"}, 5, 17)},
		"by tasks":       {number("all", "acc,none"), (a + b + c) / 3},
		"error of three": {number("all", "acc_stderr,none"), pooled([]string{"one", "two", "three"}, 5, 17, 5)},
		"where it is":    {number("all", "acc_norm,none"), (5*number("one", "acc_norm,none") + 17*number("two", "acc_norm,none")) / 22},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", what, c.got, c.want)
		}
	}
	if len(r.Groups) != 2 || strings.Join(r.Subtasks["all"], " ") != "inner three" || strings.Join(r.Subtasks["inner"], " ") != "one two" || r.Versions["inner"] != 2.0 || r.Groups["inner"]["alias"] != "the inner" {
		t.Errorf("%v %v %v", r.Groups, r.Subtasks, r.Versions)
	}
	for _, want := range []string{"Groups", "the inner", "|all "} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not printed:\n%s", want, printed)
		}
	}
	for name, want := range map[string]string{
		"task: [nowhere]\n":                        "is in no file below " + tasks + " (1 are not read, the first: ",
		"task: [one, {doc_to_text: x}]\n":          "want names of tasks and groups",
		"group: g\ntask: []\n":                     "lists no tasks",
		"group: all\ntask: [all]\n":                "groups that hold each other",
		"task: [{task: one, output_type: some}]\n": "output_type",
		"task: [one]\naggregate_metric_list: [{metric: acc, aggregation: median}]\n": "a group is summed up by mean",
	} {
		bad := write(t, tasks, "all.yaml", name)
		code, _, stderr := lamina(t, "eval", "--model", model, "--task-file", bad, "--data", small)
		if code == 0 || !strings.Contains(stderr, want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: %q, want one line with %q", name, stderr, want)
		}
	}
}

// Two chains of filters are two scores of the same texts, in the table, in results and in
// samples.
func TestEvalChains(t *testing.T) {
	model, dir := tinyModel(t), t.TempDir()
	file := write(t, dir, "sums.yaml", `task: sums
output_type: generate_until
doc_to_text: "{{query}}"
doc_to_target: "{{gold}}"
generation_kwargs: {until: ["\n"], max_gen_toks: 4, do_sample: false}
filter_list:
  - name: strict
    filter: [{function: regex, regex_pattern: "#### (.*)"}, {function: take_first}]
  - name: any
    filter: [{function: regex, regex_pattern: ".*", fallback: "0"}, {function: map, mapping_dict: {x: 1}, default_value: 0}, {function: take_first}]
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true, regexes_to_ignore: [","], ignore_case: true}
`)
	out := filepath.Join(dir, "out")
	printed := must(t, "eval", "--model", model, "--task-file", file, "--data", write(t, dir, "d.jsonl", manyQuestions(6)), "--out", out, "--log-samples")
	if !strings.Contains(printed, "|any") || !strings.Contains(printed, "|strict") {
		t.Errorf("%s", printed)
	}
	paths, _ := filepath.Glob(filepath.Join(out, "model", "*"))
	if len(paths) != 2 {
		t.Fatalf("%v", paths)
	}
	r := read[struct{ Results map[string]map[string]any }](t, paths[0])
	if got := r.Results["sums"]; got["exact_match,any"] != 1.0/3 || got["exact_match,strict"] != 0.0 {
		t.Errorf("%v", got)
	}
	text, err := os.ReadFile(paths[1])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var filters []string
	for _, line := range lines {
		var sample struct {
			Filter   string
			Filtered []string `json:"filtered_resps"`
		}
		if err := json.Unmarshal([]byte(line), &sample); err != nil {
			t.Fatal(err)
		}
		filters = append(filters, sample.Filter+" "+strings.Join(sample.Filtered, ""))
	}
	if len(filters) != 12 || filters[0] != "strict [invalid]" || filters[11] != "any 0" {
		t.Errorf("%q", filters)
	}
	// What was generated is kept, and scored anew.
	if again := must(t, "eval", "--model", model, "--task-file", file, "--data", filepath.Join(dir, "d.jsonl"), "--out", out); !strings.Contains(again, "0.3333") {
		t.Errorf("%s", again)
	}
}
