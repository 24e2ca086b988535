package jinja

import (
	"errors"
	"fmt"
	"strconv"
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
		if err := r.grow(2 * itemBytes); err != nil {
			return err
		}
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

// ordered returns the items of a list or a tuple.
func ordered(v value) (items []value, is bool) {
	switch v := v.(type) {
	case list:
		return v, true
	case tuple:
		return v, true
	case undefined:
		return nil, true
	}
	return nil, false
}

// items returns what a loop runs over: of a text its characters, of an object its names.
func (r *run) items(v value) ([]value, error) {
	if items, is := ordered(v); is {
		return items, r.spend(len(items))
	}
	out := items{r: r}
	switch v := v.(type) {
	case string:
		for _, c := range v {
			if err := out.add(string(c)); err != nil {
				return nil, err
			}
		}
	case *dict:
		for _, e := range *v {
			if err := out.add(e.key); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("%s has no items", kindOf(v))
	}
	return out.list, nil
}

// like returns items as the kind of sequence that v is, a list or a tuple.
func like(v value, items []value) value {
	if _, is := v.(tuple); is {
		return tuple(items)
	}
	return list(items)
}

// isSpace is Python's str.isspace of one character: Go's and the four separators of
// ASCII.
func isSpace(c rune) bool { return unicode.IsSpace(c) || c >= 0x1c && c <= 0x1f }
