package jinja

import (
	"fmt"

	"lamina/record"
)

// Options say how a template is read and what it has. The zero value is
// lm-evaluation-harness's environment; all of them together are transformers'.
type Options struct {
	// Trim is trim_blocks and lstrip_blocks without keep_trailing_newline: a line
	// that has nothing but a statement or a comment leaves nothing.
	Trim bool
	// Lenient lets what is undefined be printed as nothing and count as false and
	// empty; to ask it for anything, or to calculate with it, is an error.
	Lenient bool
	// Chat adds what transformers adds: the statements break, continue and
	// generation, and the filter tojson.
	Chat bool
	// Functions are functions of one text that the template may call.
	Functions map[string]func(text string) (string, error)
}

// Template is a template that can be rendered any number of times, from several
// goroutines.
type Template struct {
	body      []statement
	generates bool // has a generation block
	options   Options
}

// Parse reads a template. Errors name the line in it.
func Parse(source string, o Options) (*Template, error) {
	pieces, err := lex(source, o.Trim)
	if err != nil {
		return nil, err
	}
	b := builder{pieces: pieces, options: o}
	body, end, err := b.block(0)
	if err == nil && end != "" {
		err = fmt.Errorf("line %d: %q without what it ends", b.tag.peek().line, end)
	}
	if err != nil {
		return nil, err
	}
	return &Template{body, b.generates, o}, nil
}

// Render writes the template over the fields of a row. With strict options a field
// that is not there is an error naming it.
func (t *Template) Render(fields record.Object) (string, error) {
	text, _, err := t.render(fields)
	return text, err
}

// run is one rendering.
type run struct {
	budget
	out     *writer
	spans   []Span  // of the generation blocks
	lost    bool    // one of them stands in a captured text
	page    *writer // of the whole text, whatever out is
	scopes  []map[string]value
	options Options
	depth   int // of expressions that wait for one inside
	calls   int // of macros that wait for one they called
}

func newRun(fields record.Object, o Options) *run {
	r := &run{budget: budgetOf(fields), scopes: []map[string]value{{}}, options: o}
	r.out = &writer{r: r}
	r.page = r.out
	for _, f := range fields {
		r.scopes[0][f.Name] = fromRecord(f.Value)
	}
	return r
}
