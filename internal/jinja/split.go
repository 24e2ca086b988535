package jinja

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

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

// replaceIn is s.replace(old, with, most).
func (r *run) replaceIn(s string, args []value) (value, error) {
	old, err := text(args, 0)
	if err != nil {
		return nil, err
	}
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

// partition is s.partition(sep), or rpartition: what stands before, sep, and what
// stands after.
func partition(s, sep string, right bool) (value, error) {
	if sep == "" {
		return nil, fmt.Errorf("an empty separator")
	}
	at := strings.Index(s, sep)
	if right {
		at = strings.LastIndex(s, sep)
	}
	switch {
	case at >= 0:
		return tuple{s[:at], sep, s[at+len(sep):]}, nil
	case right:
		return tuple{"", "", s}, nil
	}
	return tuple{s, "", ""}, nil
}
