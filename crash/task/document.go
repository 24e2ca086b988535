package task

import "fmt"

// Shape is the kind of a document, told by the fields it has.
type Shape int

// The six shapes. A file holds documents of one shape.
const (
	Choice        Shape = iota + 1 // {"query","choices","gold"}: one of the choices follows the query
	Continuation                   // {"context","continuation"}: the continuation follows the context
	ContextChoice                  // {"context_options","continuation","gold"}: one of the contexts goes before
	Answers                        // {"query","answers"}: any answer may follow the query
	Text                           // {"text"}: every token is predicted
	Tokens                         // {"context_ids","target_ids"}: token ids as they are
)

var shapes = [...]string{
	Choice:        `{"query","choices","gold"}`,
	Continuation:  `{"context","continuation"}`,
	ContextChoice: `{"context_options","continuation","gold"}`,
	Answers:       `{"query","answers"}`,
	Text:          `{"text"}`,
	Tokens:        `{"context_ids","target_ids"}`,
}

// String returns the fields of the shape as they stand in a file.
func (s Shape) String() string {
	if s < Choice || int(s) >= len(shapes) {
		return fmt.Sprintf("Shape(%d)", int(s))
	}
	return shapes[s]
}

// Document is one line of a file, as it stands there. Which fields are set
// depends on Shape.
type Document struct {
	Shape        Shape
	Query        string   // Choice and Answers: query; Continuation: context
	Options      []string // Choice: choices; ContextChoice: context_options; Answers: answers
	Continuation string   // Continuation and ContextChoice
	Gold         int      // Choice and ContextChoice: index into Options
	Text         string   // Text
	ContextIDs   []int32  // Tokens
	TargetIDs    []int32  // Tokens

	File string // where the document stands, for error messages
	Line int    // from 1
}

// errorf returns an error that begins with the document's file and line.
func (d *Document) errorf(format string, args ...any) error {
	if d.File == "" && d.Line == 0 {
		return fmt.Errorf(format, args...)
	}
	return fmt.Errorf("%s:%d: %w", d.File, d.Line, fmt.Errorf(format, args...))
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
