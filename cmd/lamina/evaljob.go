package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"lamina/eval"
	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/internal/files"
)

// evalJob is a task with its documents encoded.
type evalJob struct {
	task      task.Task
	setting   task.Setting
	requests  *task.Requests
	documents int
	data      []results.File
}

// prepare reads and encodes the documents of task i, in requests of at most length
// tokens.
func (c evalCommand) prepare(m *model, t task.Task, i int, rules task.Rules, length int) (*evalJob, error) {
	docs, files, err := m.Documents(t, m.data(c.Data[i], c.Config, or(c.Split, t.Split())), 0)
	if err != nil {
		return nil, err
	}
	job := &evalJob{task: t, documents: len(docs), data: files, setting: task.Setting{
		Rules: rules, Limit: c.Limit, Shots: t.Shots(), Seed: c.FewshotSeed, MaxTokens: c.MaxGenTokens}}
	if c.Shots != nil {
		job.setting.Shots = *c.Shots
	}
	if job.setting.Shots > 0 && docs[0].Shape != task.Text {
		pool, more, err := c.pool(m, t, i, rules)
		if err != nil {
			return nil, err
		}
		job.setting.Pool, job.data = pool, append(job.data, more...)
	}
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, err
	}
	job.setting.Stop = m.stops()
	job.requests, err = task.EncodeAll(t, docs, e, job.setting, length)
	return job, err
}

// pool reads what examples are drawn from: nil where that is what is scored.
func (c evalCommand) pool(m *model, t task.Task, i int, rules task.Rules) ([]task.Document, []results.File, error) {
	path, split := c.Data[i], t.ShotsSplit(rules)
	switch {
	case c.ShotsData != "":
		path = c.ShotsData
	case split == or(c.Split, t.Split()):
		return nil, nil, nil
	default:
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			if t.Name() == "" {
				return nil, nil, nil
			}
			return nil, nil, fmt.Errorf("%s: is one file, and examples of %s come from the split %q: name its file with --shots-data", path, t.Name(), split)
		}
	}
	return m.Documents(t, m.data(path, c.Config, split), 0)
}

// score runs a job, or takes its finished result from --out.
func (c evalCommand) score(s *session, m *model, job *evalJob, keep bool) (evalResult, error) {
	r := evalResult{Shots: job.setting.Shots, Data: job.data, Truncated: job.requests.Truncated, Tokens: job.requests.Tokens, Precision: s.Precision}
	path := c.taskPath(job.task.Name())
	if keep {
		if done, err := job.finished(path, &r); done || err != nil {
			return r, err
		}
	}
	begin := time.Now()
	bar := s.progress(or(job.task.Name(), "eval"), len(job.requests.Pairs)+len(job.requests.Prompts))
	defer bar.Done()
	var err error
	r.Result, err = eval.Run(s.ctx, m.Backend, m.Decoder, job.requests, func(done, _ int) { bar.Set(done) })
	r.Seconds = time.Since(begin).Seconds()
	if err != nil && keep && s.ctx.Err() != nil {
		return r, interrupted{fmt.Sprintf("interrupted; finished tasks are in %s: the same command goes on there", c.Out)}
	}
	if err != nil || !keep {
		return r, err
	}
	text, err := json.Marshal(keptTask{job.data, job.requests.Digest(), r.Rows, r.Texts, r.Seconds})
	if err != nil {
		return r, err
	}
	return r, files.WriteBytes(path, text)
}

// keptTask is a finished task in --out.
type keptTask struct {
	Data     []results.File `json:"data"`
	Requests string         `json:"requests"` // digest of what was asked
	Rows     [][]task.Score `json:"rows"`
	Texts    []string       `json:"texts,omitempty"`
	Seconds  float64        `json:"seconds"`
}

// finished takes a result from a file, if it is there.
func (job *evalJob) finished(path string, r *evalResult) (bool, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	const remedy = "choose another --out or pass --overwrite"
	var kept keptTask
	text, err := readInput(path)
	if err == nil {
		err = decodeJSON(path, text, &kept)
	}
	if err != nil {
		return false, fmt.Errorf("%w: %s", err, remedy)
	}
	switch n := len(job.requests.Items); {
	case !slices.Equal(kept.Data, job.data):
		return false, fmt.Errorf("%s: was scored on other data: %s", path, remedy)
	case kept.Requests != job.requests.Digest():
		return false, fmt.Errorf("%s: was scored with other prompts: %s", path, remedy)
	case len(kept.Rows) != n || len(kept.Texts) != len(job.requests.Prompts):
		return false, fmt.Errorf("%s: %d rows and %d texts of %d documents: %s", path, len(kept.Rows), len(kept.Texts), n, remedy)
	}
	if len(kept.Texts) > 0 { // compared anew: what an answer must be may have changed
		r.Result, err = job.requests.Result(nil, kept.Texts)
	} else {
		r.Result, err = task.Evaluate(job.task.Name(), job.setting.Rules, job.requests.Items, kept.Rows)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w: %s", path, err, remedy)
	}
	r.Seconds = kept.Seconds
	return true, nil
}

// result is the job's part of results.json.
func (job *evalJob) result(r evalResult) results.Task {
	return results.Task{Task: job.task, Result: r.Result, Items: job.requests.Items, Shots: r.Shots, Documents: job.documents,
		MaxTokens: job.setting.MaxTokens, Data: r.Data, Truncated: r.Truncated, Seconds: r.Seconds}
}

// evalConfig is config.json of --out: what every task there has in common.
type evalConfig struct {
	Command      string `json:"command"`
	Format       int    `json:"format"`
	Model        string `json:"model"`
	Fingerprint  string `json:"fingerprint"`
	Adapter      string `json:"adapter"`
	Rules        string `json:"rules"`
	Shots        *int   `json:"shots"`
	FewshotSeed  *int64 `json:"fewshot_seed"`
	Limit        int    `json:"limit"`
	MaxLength    int    `json:"max_length"`
	MaxGenTokens int    `json:"max_gen_tokens"`
	Precision    string `json:"precision"`
}

// open makes or resumes a directory of results.
func (e evalConfig) open(dir string, overwrite bool) error {
	want, err := indented(e)
	if err != nil {
		return err
	}
	if err := files.CheckSettings(dir, want, overwrite); err != nil {
		return err
	}
	tasks := filepath.Join(dir, "tasks")
	if overwrite {
		if err := os.RemoveAll(tasks); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(tasks, 0o755); err != nil {
		return err
	}
	return files.WriteBytes(filepath.Join(dir, "config.json"), want)
}
