package eval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"

	"lamina/eval/results"
	"lamina/eval/task"
	"lamina/internal/units"
)

// Options are the rules by which tasks are scored. The zero value is what
// lm-evaluation-harness 0.4 does when it is told nothing.
type Options struct {
	Rules     task.Rules
	Shots     *int   // solved examples before each document; nil: as the task says
	Seed      *int64 // of the draw of examples; nil: the harness's
	Limit     int    // documents of each task, the first ones; 0: all
	MaxLength int    // tokens of a request; 0: the model's positions
	MaxTokens int    // tokens of a generated answer; 0: as the task says
}

// check returns an error naming the option that makes no sense for a model of so many
// positions.
func (o Options) check(positions int) error {
	switch {
	case o.Limit < 0:
		return fmt.Errorf("a limit of %d documents: want 1 or more, or 0 for all", o.Limit)
	case o.Shots != nil && *o.Shots < 0:
		return fmt.Errorf("%d examples: want 0 or more", *o.Shots)
	case o.MaxLength < 0 || o.MaxLength > positions:
		return fmt.Errorf("requests of %d tokens: want at most the model's %d positions, or 0 for as many", o.MaxLength, positions)
	case o.MaxTokens < 0:
		return fmt.Errorf("answers of %d tokens: want 1 or more, or 0 for what the task says", o.MaxTokens)
	}
	return nil
}

// Job is a task with its documents encoded for a model.
type Job struct {
	Task      task.Task
	Requests  *task.Requests
	Documents int                // that the data has; a limit takes the first of them
	Files     []results.DataFile // that were read
	Setting   task.Setting
	Warning   string // of what the model asks for and is not done; "" for none
}

// Prepare reads and encodes the documents of a task. from without a split is read
// where the harness scores; shots says what examples are drawn from, where that is
// not the split of from that the harness takes.
func (m *Model) Prepare(t task.Task, from Data, shots *Data, o Options) (*Job, error) {
	if err := o.check(m.Config.MaxPositions); err != nil {
		return nil, err
	}
	if from.Split == "" {
		from.Split = t.Split()
	}
	docs, total, files, err := m.documents(t, from, o.Limit, true)
	if err != nil {
		return nil, err
	}
	job := &Job{Task: t, Documents: total, Files: files, Setting: task.Setting{
		Rules: o.Rules, Limit: o.Limit, Total: total, Shots: t.Shots(), Seed: o.Seed, MaxTokens: o.MaxTokens, Stop: m.StopTokens(),
	}}
	if o.Shots != nil {
		job.Setting.Shots = *o.Shots
	}
	if job.Setting.Shots > 0 && docs[0].Shape != task.Text {
		// Examples are drawn from all that there is to draw from, whatever the limit.
		pool, more, err := m.pool(t, from, shots, o.Rules)
		if err == nil && pool == nil && !t.HasSamples() && len(docs) < total {
			docs, _, err = m.Documents(t, from, 0)
		}
		if err != nil {
			return nil, err
		}
		job.Setting.Pool, job.Files = pool, append(job.Files, more...)
	}
	e, err := m.Encoder(docs[0].Shape)
	if err != nil {
		return nil, err
	}
	job.Requests, err = task.EncodeAll(t, docs, e, job.Setting, cmp.Or(o.MaxLength, m.Config.MaxPositions))
	if err != nil {
		return nil, err
	}
	job.Warning, err = m.SetAnswers(job.Requests)
	return job, err
}

// pool reads what examples are drawn from: nothing where that is what is scored.
func (m *Model) pool(t task.Task, from Data, shots *Data, rules task.Rules) ([]task.Document, []results.DataFile, error) {
	split := t.ShotsSplit(rules)
	switch {
	case shots == nil && t.HasSamples():
		return nil, nil, nil
	case shots != nil:
		from = *shots
		if from.Split != "" {
			split = from.Split
		}
	case split == from.Split:
		return nil, nil, nil
	default:
		if info, err := os.Stat(from.Path); err == nil && !info.IsDir() {
			if t.Name() == "" {
				return nil, nil, nil
			}
			return nil, nil, fmt.Errorf("%s: is one file, and examples of %s come from the split %q: name its file with --shots-data", from.Path, t.Name(), split)
		}
	}
	from.Split = split
	return m.Documents(t, from, 0)
}

// Size is how many requests the job runs.
func (j *Job) Size() int { return len(j.Requests.Pairs) + len(j.Requests.Prompts) }

// Outcome is a task's result with what it cost.
type Outcome struct {
	task.Result
	Shots     int
	Data      []results.DataFile
	Truncated int // documents with a context that was cut
	Tokens    int
	Seconds   float64
	Precision string
}

// Rate is the number of tokens in a second, 0 where no time passed.
func (o *Outcome) Rate() float64 {
	if o.Seconds <= 0 {
		return 0
	}
	return float64(o.Tokens) / o.Seconds
}

// String tells of the documents and what they cost, in a line.
func (o Outcome) String() string {
	return fmt.Sprintf("%s: %s documents, %s with a context that was cut, %.1f s, %.0f tokens/s",
		cmp.Or(o.Task, "verbatim"), units.Count(o.N), units.Count(o.Truncated), o.Seconds, o.Rate())
}

// MarshalJSON adds to the result's fields. A perplexity too large for a number is
// left out: JSON has no infinity.
func (o Outcome) MarshalJSON() ([]byte, error) {
	o.Metrics = slices.DeleteFunc(slices.Clone(o.Metrics), func(m task.Metric) bool { return math.IsInf(m.Value, 0) })
	text, err := json.Marshal(o.Result)
	if err != nil {
		return nil, err
	}
	more, err := json.Marshal(struct {
		Shots     int                `json:"shots"`
		Data      []results.DataFile `json:"data"`
		Truncated int                `json:"truncated"`
		Tokens    int                `json:"tokens"`
		Seconds   float64            `json:"seconds"`
		Rate      float64            `json:"tokens_per_second"`
		Precision string             `json:"precision"`
	}{o.Shots, o.Data, o.Truncated, o.Tokens, o.Seconds, o.Rate(), o.Precision})
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}
