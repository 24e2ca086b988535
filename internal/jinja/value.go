package jinja

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"lamina/record"
)

// value is one of Python's: nil, bool, int64, float64, string, [list], [tuple],
// *[dict], [method], or what templates have beside: [undefined], [function],
// *[macro], *[namespace], *[loop].
type value any

type (
	list  []value
	tuple []value
	dict  []entry // in the order the keys came
	entry struct{ key, value value }
	// method is a method of a value before it is called.
	method struct {
		of   value
		name string
	}
	// undefined is what a field is that is not there: its error. A soft one counts
	// as false and empty with strict options too.
	undefined struct {
		error
		soft bool
	}
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
	case record.Unread:
		return undefined{error: errors.New(v.Why)}
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

// put gives a key its value.
func (d *dict) put(r *run, key, v value) error {
	at := d.find(r, key)
	if at < 0 {
		at = len(*d)
		*d = append(*d, entry{key: key})
	}
	(*d)[at].value = v
	return r.spend(itemWork)
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
	case *namespace:
		return "a namespace"
	case *loop:
		return "a loop"
	case *macro:
		return "a macro"
	}
	return "a function"
}

// truth is bool(v).
func truth(v value) bool {
	switch v := v.(type) {
	case nil, undefined:
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

// sequence returns the items of what has an order: of a text its characters.
func (r *run) sequence(v value) ([]value, bool) {
	switch v := v.(type) {
	case string:
		if r.spend(itemWork*len(v)) != nil {
			return nil, true // the caller's next step reports it
		}
		out := make([]value, 0, len(v))
		for _, c := range v {
			out = append(out, string(c))
		}
		return out, true
	case list:
		return v, true
	case tuple:
		return v, true
	case undefined:
		return nil, true
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

// isSpace is Python's str.isspace of one character: Go's and the four separators of
// ASCII.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }
