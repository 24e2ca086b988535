package jinja

import (
	"fmt"
	"slices"
	"strings"

	"lamina/record"
)

// toJSON is transformers' filter tojson: json.dumps(v, ensure_ascii=False) of
// Python, with its indent, separators and sort_keys.
func toJSON(r *run, v value, args arguments) (value, error) {
	w := jsonWriter{writer: writer{r: r}, indent: -1, comma: ", ", colon: ": "}
	if ascii, _ := args.get(0, "ensure_ascii"); truth(ascii) {
		return nil, fmt.Errorf("the argument ensure_ascii is not known: it is False")
	}
	if indent, _ := args.get(1, "indent"); indent != nil {
		n, is := number(indent).(int64)
		if !is || n < 0 || n > 64 {
			return nil, fmt.Errorf("an indent of %s, want 0 to 64", repr(indent))
		}
		w.indent, w.comma = int(n), ","
	}
	if marks, _ := args.get(2, "separators"); marks != nil {
		pair, err := r.items(marks)
		if err == nil {
			err = want(pair, 2, 2)
		}
		if err == nil {
			w.comma, err = text(pair, 0)
		}
		if err == nil {
			w.colon, err = text(pair, 1)
		}
		if err != nil {
			return nil, fmt.Errorf("separators: %w", err)
		}
	}
	sorted, _ := args.get(3, "sort_keys")
	w.sorted = truth(sorted)
	if err := w.value(v, 0); err != nil {
		return nil, err
	}
	return w.text()
}

type jsonWriter struct {
	writer
	indent       int // -1: all in one line
	comma, colon string
	sorted       bool
}

func (w *jsonWriter) value(v value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, string, int64, float64:
		if err := w.r.room(6 * textSize(v)); err != nil { // \u0000 for a byte
			return err
		}
		w.add(string(record.AppendPython(nil, v, 0)))
		return w.err
	case list:
		return w.items('[', ']', len(v), depth, func(i int) error { return w.value(v[i], depth+1) })
	case tuple:
		return w.items('[', ']', len(v), depth, func(i int) error { return w.value(v[i], depth+1) })
	case *dict:
		return w.object(*v, depth)
	}
	return fmt.Errorf("%s is no JSON", kindOf(v))
}

func (w *jsonWriter) object(d dict, depth int) error {
	if err := w.r.grow((itemBytes + 2*itemWork) * len(d)); err != nil {
		return err
	}
	names := make([]string, len(d))
	for i, e := range d {
		name, err := w.key(e.key)
		if err != nil {
			return err
		}
		names[i] = name
	}
	at := make([]int, len(d))
	for i := range at {
		at[i] = i
	}
	if w.sorted {
		slices.SortStableFunc(at, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	}
	return w.items('{', '}', len(d), depth, func(i int) error {
		if err := w.value(names[at[i]], depth+1); err != nil {
			return err
		}
		w.add(w.colon)
		return w.value(d[at[i]].value, depth+1)
	})
}

// key writes the key of an object, which JSON has as a text.
func (w *jsonWriter) key(v value) (string, error) {
	switch v := v.(type) {
	case string:
		return v, w.r.spend(len(v))
	case nil, bool, int64, float64:
		return string(record.AppendPython(nil, v, 0)), w.r.spend(0)
	}
	return "", fmt.Errorf("%s is no name in JSON", kindOf(v))
}

func (w *jsonWriter) items(open, shut rune, n, depth int, item func(i int) error) error {
	w.add(string(open))
	for i := range n {
		if i > 0 {
			w.add(w.comma)
		}
		w.line(depth + 1)
		if err := item(i); err != nil {
			return err
		}
	}
	if n > 0 {
		w.line(depth)
	}
	w.add(string(shut))
	return w.err
}

// line begins a line where there are lines.
func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.add("\n")
		w.repeat(" ", w.indent*depth)
	}
}
