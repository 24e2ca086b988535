package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethod is a method of texts and how many arguments it takes here.
type textMethod struct {
	least, most int
	call        func(r *run, s string, args []value) (value, error)
}

// plain is a method without arguments.
func plain[T any](f func(s string) T) textMethod {
	return textMethod{0, 0, func(_ *run, s string, _ []value) (value, error) { return f(s), nil }}
}

// cased is a method without arguments that writes other letters and takes some steps for
// each.
func cased(f func(s string) string, steps int) textMethod {
	return textMethod{0, 0, func(r *run, s string, _ []value) (value, error) { return r.recased(s, f, steps) }}
}

// withText is a method of one text.
func withText(least int, f func(r *run, s, part string, args []value) (value, error)) textMethod {
	return textMethod{least, 1, func(r *run, s string, args []value) (value, error) {
		part, err := text(args, 0)
		if err != nil {
			return nil, err
		}
		return f(r, s, part, args)
	}}
}

// stripping is strip, lstrip or rstrip.
func stripping(trim func(s string, drop func(rune) bool) string) textMethod {
	return textMethod{0, 1, func(r *run, s string, args []value) (value, error) {
		drop, err := r.inSet(args)
		if err != nil {
			return nil, err
		}
		return trim(s, drop), nil
	}}
}

// removing is removeprefix or removesuffix.
func removing(trim func(s, part string) string) textMethod {
	return withText(1, func(_ *run, s, part string, _ []value) (value, error) { return trim(s, part), nil })
}

// splitting is split or rsplit.
func splitting(right bool) textMethod {
	return textMethod{0, 2, func(r *run, s string, args []value) (value, error) {
		sep, err := text(args, 0)
		if err != nil {
			return nil, err
		}
		return r.split(s, sep, args, right)
	}}
}

func partitioning(right bool) textMethod {
	return withText(1, func(_ *run, s, sep string, _ []value) (value, error) { return partition(s, sep, right) })
}

// finding is find, rfind or index: in characters, -1 for nowhere.
func finding(index func(s, part string) int) textMethod {
	return withText(1, func(_ *run, s, part string, _ []value) (value, error) {
		at := index(s, part)
		if at > 0 {
			at = utf8.RuneCountInString(s[:at])
		}
		return int64(at), nil
	})
}

// beginning is startswith or endswith, of one text or of any in a tuple.
func beginning(has func(s, part string) bool) textMethod {
	return textMethod{1, 1, func(r *run, s string, args []value) (value, error) {
		parts, is := args[0].(tuple)
		if !is {
			parts = tuple{args[0]}
		}
		for i, part := range parts {
			part, is := part.(string)
			if !is {
				return nil, fmt.Errorf("text %d is %s, want a text", i+1, kindOf(parts[i]))
			}
			if err := r.spend(min(len(part), len(s))); err != nil {
				return nil, err
			}
			if has(s, part) {
				return true, nil
			}
		}
		return false, nil
	}}
}

// all reports whether s has characters, each of a kind.
func all(is func(rune) bool) textMethod {
	return plain(func(s string) bool { return s != "" && strings.TrimFunc(s, is) == "" })
}

// textCalls are the methods of texts that are known here.
var textCalls = map[string]textMethod{
	"strip": stripping(strings.TrimFunc), "lstrip": stripping(strings.TrimLeftFunc), "rstrip": stripping(strings.TrimRightFunc),
	"removeprefix": removing(strings.TrimPrefix), "removesuffix": removing(strings.TrimSuffix),
	"split": splitting(false), "rsplit": splitting(true), "splitlines": {0, 0, splitLines},
	"partition": partitioning(false), "rpartition": partitioning(true),
	"lower": cased(lower, 0), "casefold": cased(caseFold, 0), "upper": cased(upper, 0), "title": cased(title, itemWork),
	"capitalize": cased(capitalize, 0), "swapcase": cased(swapCase, itemWork),
	"startswith": beginning(strings.HasPrefix), "endswith": beginning(strings.HasSuffix),
	"find": finding(strings.Index), "rfind": finding(strings.LastIndex),
	"index": withText(1, func(_ *run, s, part string, _ []value) (value, error) {
		at := strings.Index(s, part)
		if at < 0 {
			return nil, fmt.Errorf("%.64q is not in the text", part)
		}
		return int64(utf8.RuneCountInString(s[:at])), nil
	}),
	"count":   withText(1, func(_ *run, s, part string, _ []value) (value, error) { return int64(strings.Count(s, part)), nil }),
	"replace": {2, 3, func(r *run, s string, args []value) (value, error) { return r.replaceIn(s, args) }},
	"join":    {1, 1, func(r *run, s string, args []value) (value, error) { return r.join(s, args[0]) }},
	"zfill":   {1, 1, zeroFill},
	"isspace": all(isSpace), "isdigit": all(unicode.IsDigit), "isdecimal": all(unicode.IsDigit),
	"isalpha": all(unicode.IsLetter), "isalnum": all(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
	"isnumeric": all(unicode.IsNumber),
	"islower":   plain(isLower), "isupper": plain(isUpper), "istitle": plain(isTitle),
}

// textMethod calls a method of a text.
func (r *run) textMethod(s, name string, args []value) (value, error) {
	m, known := textCalls[name]
	if !known {
		return nil, fmt.Errorf("this method of a text is not known here")
	}
	if err := want(args, m.least, m.most); err != nil {
		return nil, err
	}
	return m.call(r, s, args)
}

// zeroFill is s.zfill(width).
func zeroFill(r *run, s string, args []value) (value, error) {
	n, err := whole(args, 0, 0)
	if err != nil {
		return nil, err
	}
	missing := n - utf8.RuneCountInString(s)
	if missing <= 0 {
		return s, nil
	}
	sign := 0
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		sign = 1
	}
	w := writer{r: r}
	w.add(s[:sign])
	w.repeat("0", missing)
	w.add(s[sign:])
	return w.text()
}
