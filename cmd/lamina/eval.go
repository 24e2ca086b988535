package main

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lamina/crash/emulate"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/eval/taskfile"
	"lamina/hub"
	"lamina/record"
)

// evalCommand scores a model on documents.
type evalCommand struct {
	modelFlag
	Adapter  string   `placeholder:"RUN" help:"Put the weights that finetune trained into the model first."`
	Data     []string `placeholder:"PATH" help:"Documents: a file, a directory of a data set, or its name on the hub; one for each task. Default: the task's own data set on the hub."`
	Task     []string `placeholder:"NAME" help:"Tasks of lm-evaluation-harness (lamina tasks lists them); none: the file verbatim."`
	TaskFile []string `placeholder:"FILE" help:"Tasks of one's own, in YAML as lm-evaluation-harness has them, without Python."`
	dataFlags
	Rules        string `default:"0.4" enum:"0.4,0.3" placeholder:"VERSION" help:"Rules of lm-evaluation-harness: 0.4 (default) or 0.3."`
	Shots        *int   `placeholder:"K" help:"Solved examples before each document, drawn as the harness draws them (default 0, or as a task file says)."`
	ShotsData    string `placeholder:"PATH" help:"What examples are drawn from. Default: the split of --data that the harness takes."`
	FewshotSeed  *int64 `placeholder:"N" help:"Seed of that draw (default: the harness's, 1234 by rules 0.4 and 42 by 0.3)."`
	Limit        int    `placeholder:"N" help:"Only the first N documents of a task."`
	MaxLength    int    `placeholder:"N" help:"Tokens a request may have; contexts are cut from the left. Default: the model's positions."`
	MaxGenTokens int    `placeholder:"N" help:"Tokens of a generated answer (default 256, or as the task has it)."`
	Out          string `placeholder:"DIR" help:"Write results_DATE.json as lm-eval does; finished tasks of an interrupted call are kept there and not scored again."`
	Overwrite    bool   `help:"Start anew in --out."`
	LogSamples   bool   `help:"Write samples_TASK_DATE.jsonl to --out too: every prompt, answer and score."`
	profileFlag
}

// evalResult is a task's result with what it cost.
type evalResult struct {
	task.Result
	Shots     int
	Data      []results.File
	Truncated int
	Tokens    int
	Seconds   float64
	Precision string
}

// MarshalJSON adds to the result's fields. A perplexity too large for a number is
// left out: JSON has no infinity.
func (r evalResult) MarshalJSON() ([]byte, error) {
	r.Metrics = slices.DeleteFunc(slices.Clone(r.Metrics), func(m task.Metric) bool { return math.IsInf(m.Value, 0) })
	text, err := json.Marshal(r.Result)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(struct {
		Shots     int            `json:"shots"`
		Data      []results.File `json:"data"`
		Truncated int            `json:"truncated"`
		Tokens    int            `json:"tokens"`
		Seconds   float64        `json:"seconds"`
		Rate      float64        `json:"tokens_per_second"`
		Precision string         `json:"precision"`
	}{r.Shots, r.Data, r.Truncated, r.Tokens, r.Seconds, r.rate(), r.Precision})
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}

// rate is the number of tokens in a second, 0 where no time passed.
func (r evalResult) rate() float64 {
	if r.Seconds <= 0 {
		return 0
	}
	return float64(r.Tokens) / r.Seconds
}

// Run prepares every task, so that what is wrong with one is said before another
// is scored, then scores them in turn and prints the harness's table.
func (c evalCommand) Run(s *session) error {
	tasks, err := (&c).tasks()
	if err != nil {
		return err
	}
	rules, err := task.ParseRules(c.Rules)
	if err != nil {
		return err
	}
	finish, err := c.start(s)
	if err != nil {
		return err
	}
	m, err := s.openModel(c.Model)
	if err != nil {
		return err
	}
	if c.Adapter != "" {
		if err := m.Plug(c.Adapter); err != nil {
			return err
		}
	}
	length, err := m.maxLength(c.MaxLength)
	if err != nil {
		return err
	}
	e := &results.Evaluation{Rules: rules, Limit: c.Limit, Seed: c.seed(rules)}
	jobs := make([]*evalJob, len(tasks))
	for i, t := range tasks {
		if jobs[i], err = c.prepare(m, t, i, rules, length); err != nil {
			return err
		}
	}
	keep, err := c.openOut(s, m)
	if err != nil {
		return err
	}
	begin := time.Now()
	var all []evalResult
	for _, job := range jobs {
		r, err := c.score(s, m, job, keep)
		if err != nil {
			return err
		}
		all = append(all, r)
		e.Tasks = append(e.Tasks, job.result(r))
	}
	e.Date, e.Took = time.Now(), time.Since(begin)
	e.Model = c.describe(m, length)
	finish()
	return c.report(s, e, all)
}

// report prints the scores and writes them where they are wanted.
func (c evalCommand) report(s *session, e *results.Evaluation, all []evalResult) error {
	c.print(s, e, all)
	if c.Out != "" {
		e.Extra = c.extra(s, all)
		paths, err := e.Write(c.Out, c.LogSamples)
		if err != nil {
			return err
		}
		s.printf("wrote %s\n", strings.Join(paths, " "))
	}
	if len(all) == 1 {
		return s.writeJSON(all[0])
	}
	return s.writeJSON(all)
}

// tasks returns the tasks that are asked for; none is the verbatim one for each
// file.
func (c *evalCommand) tasks() ([]task.Task, error) {
	var tasks []task.Task
	for _, name := range c.Task {
		t, err := namedTask(name)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, t)
	}
	for _, path := range c.TaskFile {
		f, err := taskfile.Read(path)
		if err != nil {
			return nil, err
		}
		if err := checkTaskName(f.Task.Name()); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		tasks = append(tasks, f.Task)
	}
	if len(tasks) == 0 {
		tasks = make([]task.Task, len(c.Data))
	}
	if len(c.Data) == 0 {
		for _, t := range tasks {
			data := or(t.Source().Repo, t.Source().Path)
			if !strings.Contains(data, "/") { // not the name of one on the hub
				return nil, usagef("task %q has no data set on the hub: give --data PATH", t.Name())
			}
			c.Data = append(c.Data, data)
		}
	}
	switch {
	case len(tasks) == 0:
		return nil, usagef("nothing to score: give --task NAME, --data PATH, or both")
	case len(c.Data) != len(tasks):
		return nil, usagef("%d tasks and %d paths of --data: give one path for each task, in their order", len(tasks), len(c.Data))
	case c.Limit < 0:
		return nil, usagef("a limit of %d documents: want 1 or more", c.Limit)
	case c.Shots != nil && *c.Shots < 0:
		return nil, usagef("--shots %d: want 0 or more", *c.Shots)
	case c.ShotsData != "" && len(tasks) > 1:
		return nil, usagef("--shots-data with %d tasks: want one task", len(tasks))
	case c.MaxGenTokens < 0:
		return nil, usagef("--max-gen-tokens %d: want 1 or more", c.MaxGenTokens)
	case c.LogSamples && c.Out == "":
		return nil, usagef("--log-samples needs --out")
	}
	names := map[string]bool{}
	for i, t := range tasks {
		if names[t.Name()] && (t.Name() != "" || c.Out != "") {
			return nil, usagef("task %q is asked for twice", or(t.Name(), c.Data[i]))
		}
		names[t.Name()] = true
	}
	return tasks, nil
}

func (c evalCommand) seed(rules task.Rules) int64 {
	if c.FewshotSeed != nil {
		return *c.FewshotSeed
	}
	return task.ShotsSeed(rules)
}

// describe is what results say of the model, which takes length tokens.
func (c evalCommand) describe(m *model, length int) results.Model {
	d := results.Model{Name: hub.NameOf(m.Path), Args: "pretrained=" + c.Model, DType: "float32", Params: m.Config.Params(), MaxLength: length}
	if t, err := m.Tokenizer(); err == nil {
		token := func(id int32, ok bool) results.Token { return results.Token{Text: t.Token(id), ID: id, Some: ok} }
		d.Pad, d.EOS, d.BOS = token(t.Pad()), token(t.EOS()), token(t.BOS())
	}
	return d
}

// extra is what Lamina says beside the harness.
func (c evalCommand) extra(s *session, all []evalResult) record.Object {
	field := func(name string, v record.Value) record.Field { return record.Field{Name: name, Value: v} }
	tasks := record.Object{}
	for _, r := range all {
		files := record.List{}
		for _, f := range r.Data {
			files = append(files, record.Object{field("name", f.Name), field("bytes", f.Bytes), field("sha256", f.SHA256)})
		}
		tasks = append(tasks, field(or(r.Task, "verbatim"), record.Object{
			field("data", files), field("truncated", int64(r.Truncated)), field("tokens", int64(r.Tokens)), field("seconds", r.Seconds)}))
	}
	return record.Object{field("rules", c.Rules), field("precision", s.Precision), field("adapter", c.Adapter), field("tasks", tasks)}
}

// print shows the harness's table, and what it does not have.
func (c evalCommand) print(s *session, e *results.Evaluation, all []evalResult) {
	limit := "None"
	if c.Limit > 0 {
		limit = fmt.Sprint(c.Limit)
	}
	shots := "None"
	if c.Shots != nil {
		shots = fmt.Sprint(*c.Shots)
	}
	s.printf("lamina (%s), rules %s, limit: %s, num_fewshot: %s, precision %s\n", e.Model.Args, e.Rules, limit, shots, s.Precision)
	s.printf("%s", e.Markdown())
	for _, r := range all {
		s.printf("%s: %s documents, %s with a context that was cut, %.1f s, %.0f tokens/s\n",
			or(r.Task, "verbatim"), countText(r.N), countText(r.Truncated), r.Seconds, r.rate())
	}
}

// taskPath is where --out keeps a finished task.
func (c evalCommand) taskPath(name string) string {
	return filepath.Join(c.Out, "tasks", or(name, "verbatim")+".json")
}

// checkTaskName refuses names that a file had better not have.
func checkTaskName(name string) error {
	const most = 128
	if len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) }) {
		return fmt.Errorf(`task %.128q is no name for files: want at most %d bytes, and none of / \ : * ? " < > |`, name, most)
	}
	return nil
}

// openOut makes or resumes --out and returns whether finished tasks are kept.
func (c evalCommand) openOut(s *session, m *model) (bool, error) {
	if c.Out == "" {
		return false, nil
	}
	config := evalConfig{
		Command: "eval", Format: 1, Model: hub.NameOf(m.Path), Fingerprint: emulate.Fingerprint(m.Decoder.Params()), Adapter: c.Adapter, Rules: c.Rules,
		Shots: c.Shots, FewshotSeed: c.FewshotSeed, Limit: c.Limit, MaxLength: c.MaxLength, MaxGenTokens: c.MaxGenTokens, Precision: s.Precision,
	}
	return true, config.open(c.Out, c.Overwrite)
}
