package jinja

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"lamina/record"
)

// Str returns str(v) of Python for the value of a field.
func Str(v record.Value) string {
	if s, is := fromRecord(v).(string); is {
		return s
	}
	p := printer{room: math.MaxInt}
	p.value(fromRecord(v))
	return p.out.String()
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
	p := printer{room: r.byteMost - r.bytes}
	if p.value(v); p.over {
		return "", r.room(r.byteMost + 1)
	}
	return p.out.String(), r.grow(p.out.Len())
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
func repr(v value) string {
	p := printer{room: 200}
	p.value(v)
	return p.out.String()
}

// printer writes repr of values and stops where room is used up: a small program can make
// a value that is long to write.
type printer struct {
	out  strings.Builder
	room int
	over bool // room was used up
}

func (p *printer) add(s string) {
	if p.over = p.over || p.out.Len()+len(s) > p.room; !p.over {
		p.out.WriteString(s)
	}
}

func (p *printer) value(v value) {
	switch v := v.(type) {
	case nil:
		p.add("None")
	case bool:
		p.add(map[bool]string{true: "True", false: "False"}[v])
	case int64:
		p.add(strconv.FormatInt(v, 10))
	case float64:
		p.add(floatText(v))
	case string:
		p.quoted(v)
	case list:
		p.add("[")
		p.items(v)
		p.add("]")
	case tuple:
		p.add("(")
		if p.items(v); len(v) == 1 {
			p.add(",")
		}
		p.add(")")
	case *dict:
		p.add("{")
		for i, e := range *v {
			if p.over {
				return
			}
			if i > 0 {
				p.add(", ")
			}
			p.value(e.key)
			p.add(": ")
			p.value(e.value)
		}
		p.add("}")
	case undefined:
		p.add("Undefined")
	default:
		p.add("?")
	}
}

// quoted writes a text, of a long one the front that there is room for.
func (p *printer) quoted(s string) {
	if cut := p.room - p.out.Len(); len(s) > cut {
		p.add(record.PythonText(strings.ToValidUTF8(s[:max(cut-8, 0)], "")))
		p.over = true
		return
	}
	p.add(record.PythonText(s))
}

func (p *printer) items(items []value) {
	for i, v := range items {
		if p.over {
			return
		}
		if i > 0 {
			p.add(", ")
		}
		p.value(v)
	}
}

func floatText(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 1):
		return "inf"
	case math.IsInf(v, -1):
		return "-inf"
	}
	return record.PythonFloat(v)
}
