package taskfile_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"lamina/eval/task"
	"lamina/eval/taskfile"
)

// Every filter and everything that exact_match may ignore, held against lm-eval 0.4.8;
// testdata/gen_filters.py made the golden.
func TestFiltersEqualHarness(t *testing.T) {
	var cases []struct {
		YAML   string
		Doc    json.RawMessage
		Gold   string
		Texts  []string
		Chains []struct {
			Name     string
			Filtered []*string
			Right    []*bool
		}
	}
	data, err := os.ReadFile("testdata/filters.json")
	if err == nil {
		err = json.Unmarshal(data, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	held := 0
	for _, c := range cases {
		f, err := taskfile.Parse([]byte("task: made\noutput_type: generate_until\ndoc_to_text: q\ndoc_to_target: \"{{ '"+c.Gold+"' }}\"\n"+c.YAML), "made.yaml")
		if err != nil {
			t.Fatal(err)
		}
		docs, err := f.Task.Read(strings.NewReader(strings.ReplaceAll(string(c.Doc), "\n", "")), "rows.jsonl")
		if err != nil {
			t.Fatal(err)
		}
		items, err := f.Task.Items(docs, task.Setting{})
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range c.Texts {
			for n, chain := range c.Chains {
				got, err := f.Task.Filtered(n, text, &docs[0])
				want := chain.Filtered[i]
				switch {
				case want == nil:
					if err == nil {
						t.Errorf("%s of %q: %q, want an error", chain.Name, text, got)
					}
					continue
				case err != nil || got != *want:
					t.Errorf("%s of %q: %q, %v, want %q", chain.Name, text, got, err, *want)
				}
				held++
			}
			r := task.Requests{Task: f.Task, Items: items, Prompts: []task.Prompt{{}}}
			result, err := r.Result(nil, []string{text})
			if err != nil {
				continue // a filter that fails was seen above
			}
			for n, m := range f.Task.Reported(task.Generation, task.Rules04) {
				got, ok := result.Metric(m.Metric)
				if want := c.Chains[n].Right[i]; !ok || m.Filter != c.Chains[n].Name || (got.Value == 1) != *want {
					t.Errorf("%s of %q, answer %q: %v, want %v", m.Filter, text, c.Gold, got.Value, *want)
				}
			}
		}
	}
	if held < 500 {
		t.Errorf("%d texts held: want 500 or more", held)
	}
}
