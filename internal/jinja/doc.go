// Package jinja renders the templates of task files and chat templates: the part of
// Jinja that they use, over records, with Python's values and texts of them.
//
//	t, err := jinja.Parse("Question: {{question}}\nAnswer:", jinja.Options{})
//	text, err := t.Render(row.Fields)
//
// It follows Jinja2 3.1, with no options as lm-evaluation-harness sets it up
// (utils.py: StrictUndefined, keep_trailing_newline, nothing trimmed), with all as
// transformers does (chat_template_utils.py): expressions with their operators,
// slices, conditions, methods of texts, lists and dicts, filters and tests, and the
// statements if, for, set, macro and raw. It has nothing that reads a file or another
// template, and no blocks, caller, recursive loops or nested targets; what it does
// not know it refuses by name when the template is parsed, or, of methods, when they
// are called. The filter safe does nothing: what is added to its text stays as it is.
//
// It is our own because texts must equal Python's to the byte: a list prints as its
// repr, an index counts characters, none is not undefined, filters bind tighter than
// operators (docs/decisions/006-one-jinja.md).
//
// Invariants: the same template and fields give the same text. What one rendering
// may do is bounded (budget.go), whatever the template says; fields are never
// changed.
package jinja
