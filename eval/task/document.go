package task

import (
	"fmt"

	"lamina/record"
)

// Shape is the kind of a document, told by the fields it has.
type Shape int

// The six shapes that a file can hold, one in a file, and one that a prompt makes
// of Answers.
const (
	Choice        Shape = iota + 1 // {"query","choices","gold"}: one of the choices follows the query
	Continuation                   // {"context","continuation"}: the continuation follows the context
	ContextChoice                  // {"context_options","continuation","gold"}: one of the contexts goes before
	Answers                        // {"query","answers"}: any answer may follow the query
	Text                           // {"text"}: every token is predicted
	Tokens                         // {"context_ids","target_ids"}: token ids as they are
	Generation                     // a text is generated after the query and compared with the answers
)

var shapes = [...]string{
	Choice:        `{"query","choices","gold"}`,
	Continuation:  `{"context","continuation"}`,
	ContextChoice: `{"context_options","continuation","gold"}`,
	Answers:       `{"query","answers"}`,
	Text:          `{"text"}`,
	Tokens:        `{"context_ids","target_ids"}`,
	Generation:    "generation",
}

// String returns the fields of the shape as they stand in a file.
func (s Shape) String() string {
	if s < Choice || int(s) >= len(shapes) {
		return fmt.Sprintf("Shape(%d)", int(s))
	}
	return shapes[s]
}

// Document is one question of a data set. Which fields are set depends on Shape.
type Document struct {
	Shape        Shape
	Query        string    // Choice and Answers: query; Continuation: context
	Passage      string    // of published columns that have one: what the question is about
	Options      []string  // Choice: choices; ContextChoice: context_options; Answers: answers
	Canonical    string    // Answers, ContextChoice: what examples show; "": the first, the continuation
	Continuation string    // Continuation and ContextChoice
	Gold         int       // Choice and ContextChoice: index into Options
	Text         string    // Text
	ContextIDs   []int32   // Tokens
	TargetIDs    []int32   // Tokens
	Problems     []Problem // RACE

	// Target is what is logged as the right answer of a task of one's own, as Python
	// writes it; "": what the shape has.
	Target string

	// Source is the row of the file, or what the harness has as one document where
	// that is made of several rows.
	Source record.Record

	// Prefix is how the answer begins, which stands in the prompt already, of a task of
	// one's own (gen_prefix of the harness); nil: it does not.
	Prefix *string

	// Delimiter stands between prompt and continuation of a row that says so; nil: what
	// the task has.
	Delimiter *string

	letter string // label of the right choice, of data sets that label choices
	shaped bool   // read from the fields of a shape, not from published columns
}

// Problem is one question of RACE about the article they share; the last one is
// scored.
type Problem struct {
	Question string
	Options  []string
	Gold     int
}

// errorf returns an error that begins with the document's file and line.
func (d *Document) errorf(format string, args ...any) error {
	return d.Source.At.Errorf(format, args...)
}

// CheckIDs returns an error naming the place of a token id of a Tokens document
// that is not below the vocabulary's size. Other shapes have no ids.
func (d *Document) CheckIDs(vocabulary int) error {
	for _, f := range []struct {
		name string
		ids  []int32
	}{{"context_ids", d.ContextIDs}, {"target_ids", d.TargetIDs}} {
		for i, id := range f.ids {
			if id < 0 || int(id) >= vocabulary {
				return d.errorf("field %q: token %d at %d out of range (the vocabulary has %d)", f.name, id, i, vocabulary)
			}
		}
	}
	return nil
}
