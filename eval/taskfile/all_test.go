package taskfile_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"lamina/eval/task"
	"lamina/eval/taskfile"
)

// allCase is a line of what testdata/gen_all.py writes.
type allCase struct {
	Path     string
	Rows     []json.RawMessage
	Requests map[string][][][]*string // by examples: row, request
	Answers  [][]json.RawMessage
	Metrics  map[string][]*float64
}

// TestAllOfHarness holds every task file of lm-eval without Python against lm-eval: its
// prompts byte by byte, its metrics row by row. It needs a file of testdata/gen_all.py.
func TestAllOfHarness(t *testing.T) {
	path := os.Getenv("LAMINA_TASKFILES")
	if path == "" {
		t.Skip("LAMINA_TASKFILES is not set: see testdata/gen_all.py")
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	n, unread, refused := 0, 0, 0
	for lines.Scan() {
		var c allCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		n++
		file, err := taskfile.Read(c.Path)
		if err != nil {
			t.Log(err)
			unread++
			continue
		}
		var rows strings.Builder
		for _, r := range c.Rows {
			rows.Write(append(r, '\n'))
		}
		docs, err := file.Task.Read(strings.NewReader(rows.String()), "rows.jsonl")
		if err != nil { // of a kind that the harness takes and nobody means
			t.Logf("%s: %v", c.Path, err)
			refused++
			continue
		}
		c.compare(t, file.Task, docs)
	}
	t.Logf("%d files with rows: %d are not read, rows of %d are refused", n, unread, refused)
}

func (c *allCase) compare(t *testing.T, of task.Task, docs []task.Document) {
	t.Helper()
	for shots, key := range map[int]string{0: "0", 2: "2"} {
		items, err := of.Items(docs, task.Setting{Shots: shots})
		if err != nil {
			t.Errorf("%s: %v", c.Path, err)
			return
		}
		for i := range items {
			var want, got []string
			for _, r := range c.Requests[key][i] {
				for _, a := range r {
					if a != nil {
						want = append(want, *a)
					}
				}
			}
			for _, r := range requestsOf(&items[i]) {
				switch items[i].Shape {
				case task.Generation, task.Text:
					got = append(got, r[max(0, 1-len(items[i].Until))])
				default:
					got = append(got, r...)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d examples, row %d:\n got %.400q\nwant %.400q", c.Path, shots, i, got, want)
				return
			}
		}
		if shots == 0 {
			c.score(t, of, items)
		}
	}
}

// score compares what made-up answers come to.
func (c *allCase) score(t *testing.T, of task.Task, items []task.Item) {
	t.Helper()
	r := task.Requests{Task: of, Items: items}
	var scores []task.Score
	var texts []string
	for i := range items {
		for _, a := range c.Answers[i] {
			var s task.Score
			var err error
			switch items[i].Shape {
			case task.Generation:
				texts, r.Prompts = append(texts, ""), append(r.Prompts, task.Prompt{})
				err = json.Unmarshal(a, &texts[i])
			case task.Text:
				err = json.Unmarshal(a, &s.LogProb)
			default:
				err = json.Unmarshal(a, &s)
			}
			if err != nil {
				t.Fatal(err)
			}
			if items[i].Shape != task.Generation {
				scores, r.Pairs = append(scores, s), append(r.Pairs, task.Pair{})
			}
		}
		r.Counts = append(r.Counts, len(c.Answers[i]))
	}
	result, err := r.Result(scores, texts)
	if err != nil {
		t.Logf("%s: %v", c.Path, err)
		return
	}
	reported := of.Reported(items[0].Shape, task.Rules04)
	if len(reported) != len(c.Metrics) {
		t.Errorf("%s: %d metrics, want %d", c.Path, len(reported), len(c.Metrics))
	}
	for _, m := range reported {
		got, _ := result.Metric(m.Metric)
		for i, want := range c.Metrics[m.Name+","+m.Filter] {
			if want != nil && (i >= len(got.Values) || got.Values[i].Of != *want) {
				t.Errorf("%s: %s,%s of row %d differs from %v", c.Path, m.Name, m.Filter, i, *want)
			}
		}
	}
}
