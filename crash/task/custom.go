package task

import "lamina/internal/record"

// Definition is a task of one's own.
type Definition struct {
	Name string
	// Document makes a document of a row, its Query the whole prompt before the
	// choices. Errors name the field; the row is added.
	Document func(r record.Record) (Document, error)

	Delimiter     string // between prompt and choice
	ShotDelimiter string // after each example
	Description   string // before the examples

	// A task with Until generates the answer to a document of Answers: until one of
	// these texts or MaxTokens tokens (0: 256).
	Until     []string
	MaxTokens int

	AccOnly bool // report acc and no acc_norm
	Version string
}

// New returns the task of a definition.
func New(d Definition) Task {
	if d.MaxTokens == 0 {
		d.MaxTokens = maxGenerated
	}
	return Task{name: d.Name, own: &d, accOnly: d.AccOnly, source: Source{Version: numbered(d.Version, d.Version)}}
}
