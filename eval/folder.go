package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/internal/files"
	"lamina/transformer"
)

// folder is a session's directory: config.json, and tasks/NAME.json of each task
// that is finished.
type folder struct {
	path    string
	release func() // of the lock
}

// settings is config.json: what every task there has in common.
type settings struct {
	Command      string     `json:"command"`
	Format       int        `json:"format"`
	Model        string     `json:"model"`
	Fingerprint  string     `json:"fingerprint"`
	Adapter      string     `json:"adapter"`
	Rules        task.Rules `json:"rules"`
	Shots        *int       `json:"shots"`
	FewshotSeed  *int64     `json:"fewshot_seed"`
	Limit        int        `json:"limit"`
	MaxLength    int        `json:"max_length"`
	MaxGenTokens int        `json:"max_gen_tokens"`
	Precision    string     `json:"precision"`
}

// open makes or goes on in the session's directory; nil if there is none.
func (s *Session) open() (*folder, error) {
	if s.Dir == "" {
		return nil, nil
	}
	want, err := json.MarshalIndent(settings{
		Command: "eval", Format: 1, Model: s.Name, Fingerprint: transformer.Fingerprint(s.Model.Decoder.Params()), Adapter: s.Adapter,
		Rules: s.Rules, Shots: s.Shots, FewshotSeed: s.Seed, Limit: s.Limit, MaxLength: s.MaxLength, MaxGenTokens: s.MaxTokens,
		Precision: s.Precision,
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	want = append(want, '\n')
	release, err := files.Begin(s.Dir, want, s.Overwrite)
	if err != nil {
		return nil, err
	}
	f := &folder{filepath.Join(s.Dir, "tasks"), release}
	if err := s.begin(f, want); err != nil {
		release()
		return nil, err
	}
	return f, nil
}

// begin makes what a session keeps its results in, and writes the settings.
func (s *Session) begin(f *folder, settings []byte) error {
	err := files.WriteSettings(s.Dir, settings, s.Overwrite, func() error { return files.Remove(f.path) })
	if err != nil {
		return err
	}
	if err := files.MkdirAll(f.path, 0o755); err != nil {
		return err
	}
	return files.Sweep(f.path, true)
}

// maxFinished bounds tasks/NAME.json, which has a number for each choice.
const maxFinished = 1 << 30

// finishedTask is tasks/NAME.json.
type finishedTask struct {
	Data     []results.DataFile `json:"data"`
	Requests string             `json:"requests"` // digest of what was asked
	Rows     [][]task.Score     `json:"rows"`
	Texts    []string           `json:"texts,omitempty"`
	Seconds  float64            `json:"seconds"`
}

func (f *folder) file(j *Job) string { return filepath.Join(f.path, named(j.Task)+".json") }

// keep writes a finished result.
func (f *folder) keep(j *Job, o *Outcome) error {
	return files.WriteSealed(f.file(j), finishedTask{j.Files, j.Requests.Digest(), o.Rows, o.Texts, o.Seconds})
}

// finished takes a job's result from its file, if it is there. It is believed only
// if the same was asked of the same data.
func (f *folder) finished(j *Job, o *Outcome) (bool, error) {
	path := f.file(j)
	var kept finishedTask
	err := files.ReadSealed(path, maxFinished, &kept)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err == nil:
		if err = j.restore(&kept, o); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err != nil {
		return false, fmt.Errorf("%w: choose another --out or pass --overwrite", err)
	}
	return true, nil
}

// restore takes a result that was kept.
func (j *Job) restore(kept *finishedTask, o *Outcome) error {
	switch n := len(j.Requests.Items); {
	case !slices.Equal(kept.Data, j.Files):
		return errors.New("was scored on other data")
	case kept.Requests != j.Requests.Digest():
		return errors.New("was scored with other prompts")
	case len(kept.Rows) != n || len(kept.Texts) != len(j.Requests.Prompts):
		return fmt.Errorf("%d rows and %d texts of %d documents", len(kept.Rows), len(kept.Texts), n)
	}
	var err error
	if len(kept.Texts) > 0 { // compared anew: what an answer must be may have changed
		o.Result, err = j.Requests.Result(nil, kept.Texts)
	} else {
		o.Result, err = task.Evaluate(j.Task.Name(), j.Setting.Rules, j.Requests.Items, kept.Rows)
	}
	o.Seconds = kept.Seconds
	return err
}
