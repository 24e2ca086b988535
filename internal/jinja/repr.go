package jinja

import (
	"fmt"
	"math"
	"strconv"

	"lamina/record"
)

// Str returns str(v) of Python for the value of a field.
func Str(v record.Value) string {
	if s, is := fromRecord(v).(string); is {
		return s
	}
	return string(appendRepr(nil, fromRecord(v), maxWork))
}

// str is str(v).
func (r *run) str(v value) (string, error) {
	if s, is := v.(string); is {
		return s, r.spend(len(s))
	}
	switch v.(type) {
	case undefined:
		return "", nil
	case method, function, *macro, *loop, *namespace:
		return "", fmt.Errorf("%s that is not called or asked for a field cannot be written", kindOf(v))
	}
	if err := r.shallow(v, 0); err != nil {
		return "", err
	}
	s := string(appendRepr(nil, v, r.limit-r.work))
	return s, r.spend(len(s))
}

// maxLevels bounds lists and objects inside each other where they are written.
const maxLevels = 500

// shallow refuses a value that a loop has put into itself too often to be written.
func (r *run) shallow(v value, level int) error {
	if level > maxLevels {
		return fmt.Errorf("a value nested deeper than %d", maxLevels)
	}
	var items []value
	switch v := v.(type) {
	case list:
		items = v
	case tuple:
		items = v
	case *dict:
		for _, e := range *v {
			if err := r.shallow(e.value, level+1); err != nil {
				return err
			}
			if err := r.shallow(e.key, level+1); err != nil {
				return err
			}
		}
	}
	for _, one := range items {
		if err := r.shallow(one, level+1); err != nil {
			return err
		}
	}
	return r.spend(0)
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
		return append(dst, record.PythonText(v)...)
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
	case undefined:
		return append(dst, "Undefined"...)
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
