// Package jinja renders the templates of task files: the part of Jinja that they
// use, over the fields of a row, with Python's values and texts of them.
//
//	t, err := jinja.Parse("Question: {{question}}\nAnswer:")
//	text, err := t.Render(row.Fields)
//
// It follows Jinja2 3.1 as lm-evaluation-harness sets it up (utils.py:
// StrictUndefined, keep_trailing_newline, nothing trimmed): expressions with
// their operators, slices, conditions, methods of texts, lists and dicts, filters
// and tests, and the statements if, for, set and raw. It has no macros, no
// namespaces and nothing that reads a file or another template; what it does not
// know it refuses by name when the template is parsed, or, of methods, when they
// are called.
//
// It is our own, and not the library that chat templates run on, because prompts
// must equal the harness's to the byte: there a list prints as Python's repr, an
// index counts characters, a missing field is an error, filters bind tighter than
// operators.
//
// Invariants: the same template and row give the same text. What one rendering may
// do is bounded (maxWork), whatever the template says; a row is never changed.
package jinja
