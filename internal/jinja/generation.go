package jinja

import (
	"fmt"

	"lamina/record"
)

// Span is a stretch of a rendered text, in bytes: text[From:To].
type Span struct{ From, To int }

// RenderSpans is [Template.Render] that also says where the text of each generation block
// stands (what the assistant said, in templates that tell it), in order; an empty one is
// left out. A block inside a macro or a captured text has no place of its own and is an
// error.
func (t *Template) RenderSpans(fields record.Object) (string, []Span, error) {
	text, r, err := t.render(fields)
	switch {
	case err != nil:
		return "", nil, err
	case r.lost:
		return "", nil, fmt.Errorf("generation inside a macro or a captured text: its place in the conversation is not known")
	}
	return text, r.spans, nil
}

// render runs the template.
func (t *Template) render(fields record.Object) (string, *run, error) {
	r := newRun(fields, t.options)
	if err := r.statements(t.body); err != nil {
		return "", nil, err
	}
	text, err := r.out.text()
	return text, r, err
}

// Generates reports whether the template has a generation block.
func (t *Template) Generates() bool { return t.generates }

// generated runs the body of a generation block.
func (r *run) generated(body []statement) error {
	from := r.page.b.Len()
	if err := r.inside(body); err != nil {
		return err
	}
	to := r.page.b.Len()
	switch {
	case r.out != r.page:
		r.lost = true
	case to > from:
		return r.mark(Span{from, to})
	}
	return nil
}
