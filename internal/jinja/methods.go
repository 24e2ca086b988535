package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// The methods that Python's values have. Those that are not in the switch of
// run.method are refused when they are called; their names matter because a field
// of an object with such a name is reached as object["name"] only, as in Jinja.
var (
	textMethods = strings.Fields(`capitalize casefold center count encode endswith expandtabs find format format_map index isalnum isalpha
		isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip maketrans
		partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase
		title translate upper zfill`)
	listMethods  = strings.Fields("append clear copy count extend index insert pop remove reverse sort")
	tupleMethods = strings.Fields("count index")
	dictMethods  = strings.Fields("clear copy fromkeys get items keys pop popitem setdefault update values")
)

func hasMethod(v value, name string) bool {
	switch v.(type) {
	case string:
		return slices.Contains(textMethods, name)
	case list:
		return slices.Contains(listMethods, name)
	case tuple:
		return slices.Contains(tupleMethods, name)
	case *dict:
		return slices.Contains(dictMethods, name)
	case *loop:
		return name == "cycle"
	}
	return false
}

// method calls a method.
func (r *run) method(m method, args []value) (value, error) {
	switch of := m.of.(type) {
	case string:
		return r.textMethod(of, m.name, args)
	case list:
		return r.listMethod(of, m.name, args)
	case tuple:
		return r.listMethod(list(of), m.name, args)
	case *dict:
		return r.dictMethod(of, m.name, args)
	case *loop:
		if len(args) == 0 {
			return nil, fmt.Errorf("no arguments")
		}
		return args[of.at%len(args)], nil
	}
	return nil, fmt.Errorf("is not known")
}

// want checks the number of arguments.
func want(args []value, least, most int) error {
	if len(args) < least || len(args) > most {
		return fmt.Errorf("%d arguments, want %d to %d", len(args), least, most)
	}
	return nil
}

// text returns argument i, a text; "" where it is left out.
func text(args []value, i int) (string, error) {
	if i >= len(args) || args[i] == nil {
		return "", nil
	}
	s, is := args[i].(string)
	if !is {
		return "", fmt.Errorf("argument %d is %s, want a text", i+1, kindOf(args[i]))
	}
	return s, nil
}

// whole returns argument i, a whole number; otherwise where it is left out.
func whole(args []value, i, otherwise int) (int, error) {
	if i >= len(args) {
		return otherwise, nil
	}
	n, is := number(args[i]).(int64)
	if !is {
		return 0, fmt.Errorf("argument %d is %s, want a whole number", i+1, kindOf(args[i]))
	}
	return int(n), nil
}

func (r *run) listMethod(l list, name string, args []value) (value, error) {
	if name != "index" && name != "count" {
		return nil, fmt.Errorf("this method of a list is not known here")
	}
	if err := want(args, 1, 1); err != nil {
		return nil, err
	}
	count := 0
	for i, v := range l {
		if err := r.spend(0); err != nil {
			return nil, err
		}
		if r.equal(v, args[0]) {
			if name == "index" {
				return int64(i), nil
			}
			count++
		}
	}
	if name == "index" {
		return nil, fmt.Errorf("%.64s is none of %.256s", repr(args[0]), repr(l))
	}
	return int64(count), nil
}

func (r *run) dictMethod(d *dict, name string, args []value) (value, error) {
	if name == "get" {
		if err := want(args, 1, 2); err != nil {
			return nil, err
		}
		if at := d.find(r, args[0]); at >= 0 {
			return (*d)[at].value, r.spend(at)
		}
		if len(args) == 2 {
			return args[1], nil
		}
		return nil, nil
	}
	if err := want(args, 0, 0); err != nil {
		return nil, err
	}
	if name == "copy" {
		copied, err := r.copied(*d)
		return &copied, err
	}
	out, err := r.blank(len(*d))
	if err != nil {
		return nil, err
	}
	for i, e := range *d {
		switch name {
		case "keys":
			out[i] = e.key
		case "values":
			out[i] = e.value
		case "items":
			pair, err := r.blank(2)
			if err != nil {
				return nil, err
			}
			pair[0], pair[1] = e.key, e.value
			out[i] = tuple(pair)
		default:
			return nil, fmt.Errorf("this method of an object is not known here")
		}
	}
	return list(out), nil
}
