// Package record holds rows of data as files have them, before anyone says what
// they mean: fields in their order, with values of JSON's kinds, and the place
// each row came from.
//
//	for r, err := range record.Scan(file, "arc.jsonl") {
//		stem, err := r.Text("question.stem")
//		choices, err := r.Texts("question.choices.text")
//		…
//	}
//
// It knows JSON, read strictly; other kinds of files make the same records
// (package dataset). It knows values as Python writes and prints them too, since data
// sets and the scores that theirs are compared with come from there. It knows no task.
//
// Invariants: a record's fields keep the order of the file and no name comes
// twice; errors begin with file and line; two calls with the same arguments give
// the same result.
package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lamina/internal/strictjson"
)

// Value is what a field holds: nil, bool, string, [Number], [Cell], int64, float64,
// []int64, [List], [Object] or [Unread].
type Value any

// Number is a number as JSON writes it, kept in its own spelling. NaN, Infinity and
// -Infinity are numbers as well: Python writes them.
type Number string

// Unread is a value of the file that has no form here: a text with half a surrogate
// pair, a list in more lists than are read, a column of a type that is not read. Nobody
// is refused for a field that is not used; who asks for this one gets Why.
type Unread struct {
	Text string // as the file spells it, "" where that is no text
	Why  string
}

// Cell is a cell of a table without types (CSV): a text that may be meant as a
// number or a list.
type Cell string

// List is an array. One that holds whole numbers only is []int64 instead.
type List []Value

// Object is a row, or a value with fields of its own.
type Object []Field

// Field is a name and a value.
type Field struct {
	Name  string
	Value Value
}

// Get returns the value of a field.
func (o Object) Get(name string) (Value, bool) {
	for i := range o {
		if o[i].Name == name {
			return o[i].Value, true
		}
	}
	return nil, false
}

// Location is where a record stands.
type Location struct {
	File string
	Line int   // from 1: of a text file; the row of a table of another kind
	Byte int64 // from 0, where the record's line begins; -1: not known
}

// String returns "file:line (byte n)", as far as it is known.
func (p Location) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Byte <= 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d (byte %d)", p.File, p.Line, p.Byte)
}

// Errorf returns an error that begins with the place, if there is one.
func (p Location) Errorf(format string, args ...any) error {
	if p == (Location{}) {
		return fmt.Errorf(format, args...)
	}
	return fmt.Errorf("%v: %w", p, fmt.Errorf(format, args...))
}

// Record is one row.
type Record struct {
	Fields Object
	At     Location
}

// Has reports whether a field is there and not null.
func (r Record) Has(path string) bool {
	v, err := r.get(path)
	return err == nil && v != nil
}

// Get returns the value at a path of field names joined by dots. A name applied to
// a list of objects gives the list of their values: "choices.text" finds the same
// in {"text":[…]} and in [{"text":…},…]. Errors of this and the other methods name
// the field, not the record's place.
func (r Record) Get(path string) (Value, error) {
	v, err := r.get(path)
	if u, is := v.(Unread); is {
		err = fmt.Errorf("field %.128q: %s", path, u.Why)
	}
	return v, err
}

// get is Get, and gives what was not read as it is.
func (r Record) get(path string) (Value, error) {
	var v Value = r.Fields
	for name := range strings.SplitSeq(path, ".") {
		var err error
		if v, err = member(v, name); err != nil {
			return nil, fmt.Errorf("field %.128q: %w", path, err)
		}
	}
	return v, nil
}

func member(v Value, name string) (Value, error) {
	switch v := v.(type) {
	case Object:
		if found, ok := v.Get(name); ok {
			return found, nil
		}
		return nil, fmt.Errorf("is missing")
	case List:
		out := make(List, len(v))
		for i := range v {
			var err error
			if out[i], err = member(v[i], name); err != nil {
				return nil, fmt.Errorf("item %d: %w", i, err)
			}
		}
		return out, nil
	case Unread:
		return v, nil // nor is what is in it
	}
	return nil, fmt.Errorf("%s has no fields", Kind(v))
}

// Kind names what a value is, for messages.
func Kind(v Value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string, Cell:
		return "a text"
	case Number, int64, float64:
		return "a number"
	case List, []int64:
		return "a list"
	case Object:
		return "an object"
	case Unread:
		return "a value that is not read"
	}
	return fmt.Sprintf("a %T", v)
}

// Text returns a string.
func (r Record) Text(path string) (string, error) {
	v, err := r.Get(path)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case Cell:
		return string(v), nil
	}
	return "", fmt.Errorf("field %.128q: %s, want a text", path, Kind(v))
}

// Texts returns a list of strings. A [Cell] holds one as a JSON array.
func (r Record) Texts(path string) ([]string, error) {
	v, err := r.list(path)
	if err != nil {
		return nil, err
	}
	list, ok := v.(List)
	if ints, is := v.([]int64); is && len(ints) > 0 || !is && !ok {
		return nil, fmt.Errorf("field %.128q: %s, want a list of texts", path, Kind(v))
	}
	out := make([]string, len(list))
	for i := range list {
		switch s := list[i].(type) {
		case string:
			out[i] = s
		case Unread:
			return nil, fmt.Errorf("field %.128q: item %d: %s", path, i, s.Why)
		default:
			return nil, fmt.Errorf("field %.128q: item %d is %s, want a text", path, i, Kind(list[i]))
		}
	}
	return out, nil
}

// list returns the value at path, an array in a cell as a list.
func (r Record) list(path string) (Value, error) {
	v, err := r.Get(path)
	cell, is := v.(Cell)
	if err != nil || !is {
		return v, err
	}
	s := strictjson.New([]byte(cell), cellRules)
	if v, err = readValue(s); err == nil {
		err = s.End()
	}
	if err != nil {
		return nil, fmt.Errorf("field %.128q: want a JSON array: %w", path, err)
	}
	return v, nil
}

// Int returns a whole number.
func (r Record) Int(path string) (int, error) {
	v, err := r.Get(path)
	if err != nil {
		return 0, err
	}
	i, err := integer(v)
	if err != nil {
		return 0, fmt.Errorf("field %.128q: %w", path, err)
	}
	return i, nil
}

func integer(v Value) (int, error) {
	var text string
	switch v := v.(type) {
	case int64:
		return int(v), nil
	case Number:
		text = string(v)
	case Cell:
		text = strings.TrimSpace(string(v))
	default:
		return 0, fmt.Errorf("%s, want a whole number", Kind(v))
	}
	i, err := strconv.Atoi(text)
	if err == nil {
		return i, nil
	}
	if strings.Trim(text, "-0123456789") == "" && text != "" {
		return 0, fmt.Errorf("%.32s is out of range", text)
	}
	return 0, fmt.Errorf("%.32s: want a whole number", text)
}

// Ints returns a list of whole numbers.
func (r Record) Ints(path string) ([]int64, error) {
	v, err := r.list(path)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case []int64:
		return v, nil
	case List:
		if len(v) == 0 {
			return nil, nil
		}
		for i := range v {
			if _, err := integer(v[i]); err != nil {
				return nil, fmt.Errorf("field %.128q: item %d: %w", path, i, err)
			}
		}
	}
	return nil, fmt.Errorf("field %.128q: %s, want a list of whole numbers", path, Kind(v))
}

// Equal reports whether two values are the same, spellings of numbers and the
// order of fields included.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case List:
		other, ok := b.(List)
		return ok && slices.EqualFunc(a, other, Equal)
	case []int64:
		other, ok := b.([]int64)
		return ok && slices.Equal(a, other)
	case Object:
		other, ok := b.(Object)
		return ok && slices.EqualFunc(a, other, func(x, y Field) bool { return x.Name == y.Name && Equal(x.Value, y.Value) })
	}
	switch b.(type) {
	case List, []int64, Object:
		return false
	}
	return a == b
}
