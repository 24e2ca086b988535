package results

import (
	"time"

	"lamina/eval/task"
	"lamina/record"
)

// Evaluation is what one call came to: a model, scored on several tasks.
type Evaluation struct {
	Model  Model
	Rules  task.Rules
	Limit  int // documents a task; 0: all
	Seed   int64
	Date   time.Time
	Took   time.Duration
	Tasks  []Task
	Groups []Group // of tasks, in their order

	// Extra is written beside what the harness has, under "lamina".
	Extra record.Object
}

// Model is what is said of the model.
type Model struct {
	Name, Args, DType string
	Params            int
	MaxLength         int
	Pad, EOS, BOS     Token
}

// Token is a special token of the tokenizer; the zero value stands for none.
type Token struct {
	Text string
	ID   int32
	Some bool
}

// Task is one task's scores.
type Task struct {
	Task      task.Task
	Result    task.Result
	Items     []task.Item
	Shots     int
	Documents int // that there were, of which Items are all or the first
	MaxTokens int // of a generated answer, if it was not the task's own
	Data      []DataFile
	Truncated int
	Seconds   float64
}

// Name is what the harness calls the task.
func (t *Task) Name() string {
	if name := t.Task.Name(); name != "" {
		return name
	}
	return "verbatim"
}

func (t *Task) shape() task.Shape { return t.Items[0].Shape }

func (t *Task) reported() []task.Reported { return t.Task.Reported(t.shape(), t.Result.Rules) }

// DataFile is a file that a score was made from, as it is the same on every machine.
type DataFile struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}
