package jinja

import (
	"fmt"
	"strings"

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
	body    []statement
	options Options
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
	return &Template{body, o}, nil
}

// Render writes the template over the fields of a row. With strict options a field
// that is not there is an error naming it.
func (t *Template) Render(fields record.Object) (string, error) {
	r := &run{out: &strings.Builder{}, scopes: []map[string]value{{}}, options: t.options, limit: maxWork + inputWork*textSize(fields)}
	for _, f := range fields {
		r.scopes[0][f.Name] = fromRecord(f.Value)
	}
	if err := r.statements(t.body); err != nil {
		return "", err
	}
	return r.out.String(), nil
}

// run is one rendering.
type run struct {
	out     *strings.Builder
	scopes  []map[string]value
	options Options
	work    int
	limit   int // of work
	depth   int // of expressions that wait for one inside
	calls   int // of macros that wait for one they called
}

// What a rendering may do: one unit of work for each step and each byte that is
// read or made, itemWork for each item of a list. Long fields are worth some more,
// so that a long conversation can be read some times. At the worst maxWork takes
// about a second and a hundred megabytes.
const (
	maxWork   = 16 << 20
	inputWork = 64 // for each byte of the fields' texts
	itemWork  = 16
	maxNest   = 10_000 // expressions inside each other, over all calls
	maxCalls  = 100    // macros inside macros
)

func (r *run) spend(n int) error {
	if r.work += n + 1; r.work > r.limit {
		return fmt.Errorf("does more than %d steps", r.limit)
	}
	return nil
}

// textSize returns the bytes of the texts in v.
func textSize(v record.Value) (n int) {
	switch v := v.(type) {
	case string:
		return len(v)
	case record.Cell:
		return len(v)
	case record.List:
		for _, one := range v {
			n += textSize(one)
		}
	case record.Object:
		for _, f := range v {
			n += textSize(f.Value)
		}
	}
	return n
}
