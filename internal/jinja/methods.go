package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
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
	}
	return false
}

func lower(s string) string { return cases.Lower(language.Und).String(s) }
func upper(s string) string { return cases.Upper(language.Und).String(s) }

// method calls a method.
func (r *run) method(m method, args []value) (value, error) {
	switch of := m.of.(type) {
	case string:
		if err := r.spend(len(of)); err != nil {
			return nil, err
		}
		return r.textMethod(of, m.name, args)
	case list:
		return r.listMethod(of, m.name, args)
	case tuple:
		return r.listMethod(list(of), m.name, args)
	case *dict:
		return r.dictMethod(of, m.name, args)
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

// textArguments is how many arguments each method of texts takes here.
var textArguments = map[string][2]int{
	"strip": {0, 1}, "lstrip": {0, 1}, "rstrip": {0, 1}, "split": {0, 2}, "rsplit": {0, 2}, "splitlines": {0, 0}, "lower": {0, 0}, "upper": {0, 0},
	"replace": {2, 3}, "startswith": {1, 1}, "endswith": {1, 1}, "removeprefix": {1, 1}, "removesuffix": {1, 1},
	"find": {1, 1}, "rfind": {1, 1}, "index": {1, 1}, "count": {1, 1}, "join": {1, 1}, "isdigit": {0, 0}, "isspace": {0, 0}, "zfill": {1, 1},
}

func (r *run) textMethod(s, name string, args []value) (value, error) {
	limits, known := textArguments[name]
	if !known {
		return nil, fmt.Errorf("this method of a text is not known here")
	}
	if err := want(args, limits[0], limits[1]); err != nil {
		return nil, err
	}
	switch name {
	case "join":
		return r.join(s, args[0])
	case "zfill":
		n, err := whole(args, 0, 0)
		if err != nil || n > maxWork {
			return nil, fmt.Errorf("a width of %d: %w", n, err)
		}
		sign := len(s) - len(strings.TrimLeft(s[:min(len(s), 1)]+strings.Repeat("x", max(len(s)-1, 0)), "+-"))
		return s[:sign] + strings.Repeat("0", max(0, n-utf8.RuneCountInString(s))) + s[sign:], r.spend(max(0, n))
	}
	first, err := text(args, 0)
	if err != nil {
		return nil, err
	}
	switch name {
	case "strip":
		return strings.TrimFunc(s, inSet(args, first)), nil
	case "lstrip":
		return strings.TrimLeftFunc(s, inSet(args, first)), nil
	case "rstrip":
		return strings.TrimRightFunc(s, inSet(args, first)), nil
	case "split", "rsplit":
		return r.split(s, first, args, name == "rsplit")
	case "splitlines":
		return lines(s), nil
	case "lower":
		return lower(s), nil
	case "upper":
		return upper(s), nil
	case "replace":
		return r.replace(s, first, args)
	case "startswith":
		return strings.HasPrefix(s, first), nil
	case "endswith":
		return strings.HasSuffix(s, first), nil
	case "removeprefix":
		return strings.TrimPrefix(s, first), nil
	case "removesuffix":
		return strings.TrimSuffix(s, first), nil
	case "count":
		return int64(strings.Count(s, first)), nil
	case "isdigit":
		return s != "" && strings.TrimFunc(s, unicode.IsDigit) == "", nil
	case "isspace":
		return s != "" && strings.TrimFunc(s, isSpace) == "", nil
	}
	at := strings.Index(s, first)
	if name == "rfind" {
		at = strings.LastIndex(s, first)
	}
	if at > 0 {
		at = utf8.RuneCountInString(s[:at])
	}
	if name == "index" && at < 0 {
		return nil, fmt.Errorf("%.64q is not in the text", first)
	}
	return int64(at), nil
}

// inSet returns what strip takes off: white space, or the characters of set.
func inSet(args []value, set string) func(rune) bool {
	if len(args) == 0 || args[0] == nil {
		return isSpace
	}
	return func(c rune) bool { return strings.ContainsRune(set, c) }
}

// split is s.split(sep, most), or rsplit.
func (r *run) split(s, sep string, args []value, right bool) (value, error) {
	most, err := whole(args, 1, -1)
	if err != nil {
		return nil, err
	}
	blank := len(args) == 0 || args[0] == nil
	if !blank && sep == "" {
		return nil, fmt.Errorf("an empty separator")
	}
	var parts []string
	if blank {
		parts = splitSpace(s, most, right)
	} else {
		for most != 0 {
			at := strings.Index(s, sep)
			if right {
				at = strings.LastIndex(s, sep)
			}
			if at < 0 {
				break
			}
			if right {
				parts, s = append(parts, s[at+len(sep):]), s[:at]
			} else {
				parts, s = append(parts, s[:at]), s[at+len(sep):]
			}
			most--
		}
		parts = append(parts, s)
	}
	if right {
		slices.Reverse(parts)
	}
	out := make(list, len(parts))
	for i, p := range parts {
		out[i] = p
	}
	return out, r.spend(itemWork * len(out))
}

// splitSpace splits at runs of white space, from the left or from the right, the
// parts in the order they were found.
func splitSpace(s string, most int, right bool) (parts []string) {
	notSpace := func(c rune) bool { return !isSpace(c) }
	for {
		if right {
			s = strings.TrimRightFunc(s, isSpace)
		} else {
			s = strings.TrimLeftFunc(s, isSpace)
		}
		if s == "" {
			return parts
		}
		rest := ""
		switch {
		case most == 0:
			parts = append(parts, s)
			return parts
		case right:
			rest = strings.TrimRightFunc(s, notSpace)
			parts = append(parts, s[len(rest):])
		default:
			rest = strings.TrimLeftFunc(s, notSpace)
			parts = append(parts, s[:len(s)-len(rest)])
		}
		s = rest
		most--
	}
}

// lines is s.splitlines().
func lines(s string) list {
	out := list{}
	for s != "" {
		at := strings.IndexFunc(s, func(c rune) bool {
			return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
		})
		if at < 0 {
			return append(out, s)
		}
		out = append(out, s[:at])
		_, n := utf8.DecodeRuneInString(s[at:])
		if strings.HasPrefix(s[at:], "\r\n") {
			n = 2
		}
		s = s[at+n:]
	}
	return out
}

func (r *run) replace(s, old string, args []value) (value, error) {
	with, err := text(args, 1)
	if err != nil {
		return nil, err
	}
	most, err := whole(args, 2, -1)
	if err != nil {
		return nil, err
	}
	if err := r.spend(len(s) + strings.Count(s, old)*len(with)); err != nil {
		return nil, err
	}
	return strings.Replace(s, old, with, most), nil
}

func (r *run) join(sep string, of value) (value, error) {
	items, err := r.items(of)
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i, v := range items {
		s, is := v.(string)
		if !is {
			return nil, fmt.Errorf("item %d is %s, want a text", i, kindOf(v))
		}
		parts[i] = s
		if err := r.spend(len(s) + len(sep)); err != nil {
			return nil, err
		}
	}
	return strings.Join(parts, sep), nil
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
	out := make(list, len(*d))
	for i, e := range *d {
		switch name {
		case "keys":
			out[i] = e.key
		case "values":
			out[i] = e.value
		case "items":
			out[i] = tuple{e.key, e.value}
		default:
			return nil, fmt.Errorf("this method of an object is not known here")
		}
	}
	return out, r.spend(len(out))
}
