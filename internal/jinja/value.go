package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"lamina/internal/record"
)

// value is one of Python's: nil, bool, int64, float64, string, [list], [tuple],
// *[dict], [method] or [undefined].
type value any

type (
	list  []value
	tuple []value
	dict  []entry // in the order the keys came
	entry struct{ key, value value }
	// method is a method of a value before it is called; of nil: range.
	method struct {
		of   value
		name string
	}
	// undefined is what a field is that is not there: its error.
	undefined struct{ error }
)

// fromRecord returns a field's value as Python has it after it read the JSON.
func fromRecord(v record.Value) value {
	switch v := v.(type) {
	case record.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n
		}
		f, _ := strconv.ParseFloat(string(v), 64)
		return f
	case record.Cell:
		return string(v)
	case []int64:
		out := make(list, len(v))
		for i, n := range v {
			out[i] = n
		}
		return out
	case record.List:
		out := make(list, len(v))
		for i := range v {
			out[i] = fromRecord(v[i])
		}
		return out
	case record.Object:
		out := make(dict, len(v))
		for i, f := range v {
			out[i] = entry{f.Name, fromRecord(f.Value)}
		}
		return &out
	}
	return v
}

// find returns the place of a key, -1 if it is not there.
func (d *dict) find(r *run, key value) int {
	for i := range *d {
		if r.equal((*d)[i].key, key) {
			return i
		}
	}
	return -1
}

func kindOf(v value) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case list:
		return "a list"
	case tuple:
		return "a tuple"
	case *dict:
		return "an object"
	case undefined:
		return "nothing"
	}
	return "a method"
}

// truth is bool(v).
func truth(v value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case list:
		return len(v) > 0
	case tuple:
		return len(v) > 0
	case *dict:
		return len(*v) > 0
	}
	return true
}

// number returns True as 1 and False as 0, and other values as they are.
func number(v value) value {
	if b, is := v.(bool); is {
		if b {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

func float(v value) (float64, bool) {
	switch v := number(v).(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// str is str(v).
func (r *run) str(v value) (string, error) {
	if s, is := v.(string); is {
		return s, r.spend(len(s))
	}
	if _, is := v.(method); is {
		return "", fmt.Errorf("a method that is not called cannot be written")
	}
	s := string(appendRepr(nil, v, maxWork-r.work))
	return s, r.spend(len(s))
}

// repr is repr(v) for messages, the front of it.
func repr(v value) string { return string(appendRepr(nil, v, 200)) }

// appendRepr appends repr(v) and stops where limit is passed: a small program can
// make a value that is long to write.
func appendRepr(dst []byte, v value, limit int) []byte {
	if len(dst) > limit {
		return dst
	}
	switch v := v.(type) {
	case nil:
		return append(dst, "None"...)
	case bool:
		if v {
			return append(dst, "True"...)
		}
		return append(dst, "False"...)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		switch {
		case math.IsNaN(v):
			return append(dst, "nan"...)
		case math.IsInf(v, 1):
			return append(dst, "inf"...)
		case math.IsInf(v, -1):
			return append(dst, "-inf"...)
		}
		return append(dst, record.PythonFloat(v)...)
	case string:
		return append(dst, record.ReprText(v)...)
	case list:
		return append(appendItems(append(dst, '['), v, limit), ']')
	case tuple:
		dst = appendItems(append(dst, '('), v, limit)
		if len(v) == 1 {
			dst = append(dst, ',')
		}
		return append(dst, ')')
	case *dict:
		dst = append(dst, '{')
		for i, e := range *v {
			if len(dst) > limit {
				return dst
			}
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendRepr(dst, e.key, limit), ": "...)
			dst = appendRepr(dst, e.value, limit)
		}
		return append(dst, '}')
	}
	return append(dst, '?')
}

func appendItems(dst []byte, items []value, limit int) []byte {
	for i, v := range items {
		if len(dst) > limit {
			return dst
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendRepr(dst, v, limit)
	}
	return dst
}

// sequence returns the items of what has an order: of a text its characters.
func (r *run) sequence(v value) ([]value, bool) {
	switch v := v.(type) {
	case string:
		out := make([]value, 0, len(v))
		for _, c := range v {
			out = append(out, string(c))
		}
		r.work += itemWork * len(out)
		return out, true
	case list:
		return v, true
	case tuple:
		return v, true
	}
	return nil, false
}

// items returns what a loop runs over: of an object its names.
func (r *run) items(v value) ([]value, error) {
	if items, is := r.sequence(v); is {
		return items, r.spend(len(items))
	}
	d, is := v.(*dict)
	if !is {
		return nil, fmt.Errorf("%s has no items", kindOf(v))
	}
	out := make([]value, len(*d))
	for i, e := range *d {
		out[i] = e.key
	}
	return out, r.spend(len(out))
}

// like returns items as the kind of sequence that v is.
func like(v value, items []value) value {
	switch v.(type) {
	case string:
		var b strings.Builder
		for _, c := range items {
			b.WriteString(c.(string))
		}
		return b.String()
	case tuple:
		return tuple(items)
	}
	return list(items)
}

// equal is a == b.
func (r *run) equal(a, b value) bool {
	r.work++
	a, b = number(a), number(b)
	if x, isX := a.(int64); isX {
		if y, isY := b.(int64); isY {
			return x == y
		}
	}
	if x, isX := float(a); isX {
		y, isY := float(b)
		return isY && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, is := b.(string)
		r.work += min(len(a), len(s))
		return is && a == s
	case list:
		other, is := b.(list)
		return is && r.equalItems(a, other)
	case tuple:
		other, is := b.(tuple)
		return is && r.equalItems(a, other)
	case *dict:
		other, is := b.(*dict)
		if !is || len(*a) != len(*other) {
			return false
		}
		for _, e := range *a {
			if at := other.find(r, e.key); at < 0 || !r.equal(e.value, (*other)[at].value) {
				return false
			}
		}
		return true
	}
	return false
}

func (r *run) equalItems(a, b []value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if r.work > maxWork || !r.equal(a[i], b[i]) { // the caller's next step reports the bound
			return false
		}
	}
	return true
}

// order compares two numbers, texts or lists.
func (r *run) order(a, b value) (int, error) {
	if x, is := a.(string); is {
		if y, is := b.(string); is {
			return strings.Compare(x, y), r.spend(min(len(x), len(y)))
		}
	}
	x, isX := float(a)
	y, isY := float(b)
	if !isX || !isY {
		return 0, fmt.Errorf("%s and %s have no order here", kindOf(a), kindOf(b))
	}
	if i, is := number(a).(int64); is {
		if j, is := number(b).(int64); is {
			switch {
			case i < j:
				return -1, nil
			case i > j:
				return 1, nil
			}
			return 0, nil
		}
	}
	switch {
	case x < y:
		return -1, nil
	case x > y:
		return 1, nil
	}
	return 0, nil
}

// contains is item in v.
func (r *run) contains(v, item value) (bool, error) {
	if text, is := v.(string); is {
		part, is := item.(string)
		if !is {
			return false, fmt.Errorf("%s in a text: want a text", kindOf(item))
		}
		return strings.Contains(text, part), r.spend(len(text))
	}
	items, err := r.items(v)
	if err != nil {
		return false, err
	}
	for _, v := range items {
		if r.equal(v, item) {
			return true, r.spend(0)
		}
		if r.work > maxWork {
			break
		}
	}
	return false, r.spend(0)
}

// isSpace is Python's str.isspace of one character: Go's and the four separators of
// ASCII.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }

// Str returns str(v) of Python for the value of a field.
func Str(v record.Value) string {
	if s, is := fromRecord(v).(string); is {
		return s
	}
	return string(appendRepr(nil, fromRecord(v), maxWork))
}
