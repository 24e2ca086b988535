package task

import (
	"fmt"
	"strings"

	"lamina/record"
)

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

	// Match says when a generated text is an answer. The zero Match: when they are
	// equal.
	Match Match

	// BareTarget has a continuation scored as it is; the delimiter stands in front of
	// it in examples only (loglikelihood in the harness).
	BareTarget bool
	// OneMore has one more example drawn than is shown, for the document may be among
	// them: the harness does where fewshot_split and test_split are the same.
	OneMore bool
	// FirstShots takes the first documents of the pool as examples instead of drawing
	// them (the sampler first_n of the harness).
	FirstShots bool

	// Chains say what is done to a generated text before it is compared, each for a
	// score of its own; nil: nothing, under the name none. Of other tasks the names alone
	// matter, which results have.
	Chains []Chain

	// Examples are drawn from Samples where there are some and a caller brings no others.
	// ShotDocument makes an example of a row in place of Document, if it is not nil.
	Samples      []Document
	ShotDocument func(r record.Record) (Document, error)

	AccOnly bool     // report acc and no acc_norm
	Metrics []string // those reported, by the harness's names; nil: all there are
	Version string

	// Where the rows are, and which of them are scored ("": test) and shown as
	// examples ("": train).
	Path, Config      string
	Split, ShotsSplit string
	Shots             int // examples where a caller does not say
}

// Match says what does not count when a generated text is compared with an answer
// (exact_match of the harness).
type Match struct {
	Ignore      []*Pattern // what they find is taken out first, one after the other
	Case        bool
	Punctuation bool // the characters of Python's string.punctuation
	Digits      bool
}

// New returns the task of a definition.
func New(d Definition) Task {
	if d.MaxTokens == 0 {
		d.MaxTokens = maxGenerated
	}
	return Task{name: d.Name, own: &d, accOnly: d.AccOnly, noTest: d.OneMore, source: Source{Path: d.Path, Config: d.Config, Version: numbered(d.Version, d.Version)}}
}

// CheckName refuses names of tasks that a file had better not have: results stand in
// files called after them.
func CheckName(name string) error {
	const most = 128
	if len(name) > most || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) }) {
		return fmt.Errorf(`task %.128q is no name for files: want at most %d bytes, and none of / \ : * ? " < > |`, name, most)
	}
	return nil
}
