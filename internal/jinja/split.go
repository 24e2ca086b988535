package jinja

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// inSet returns what strip takes off: white space, or the characters of its argument.
func (r *run) inSet(args []value) (func(rune) bool, error) {
	text, err := text(args, 0)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 || args[0] == nil {
		return isSpace, nil
	}
	var ascii [utf8.RuneSelf]bool
	var others map[rune]bool
	for _, c := range text {
		if c < utf8.RuneSelf {
			ascii[c] = true
			continue
		}
		if others == nil {
			others = map[rune]bool{}
		}
		if !others[c] {
			if err := r.grow(itemBytes); err != nil {
				return nil, err
			}
			others[c] = true
		}
	}
	return func(c rune) bool {
		if c < utf8.RuneSelf {
			return ascii[c]
		}
		return others[c]
	}, nil
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
	parts := items{r: r, list: []value{}}
	if blank {
		err = splitSpace(&parts, s, most, right)
	} else {
		err = splitAt(&parts, s, sep, most, right)
	}
	if right {
		slices.Reverse(parts.list)
	}
	return list(parts.list), err
}

// splitAt splits at a separator, from the left or from the right, the parts in the order
// they were found.
func splitAt(parts *items, s, sep string, most int, right bool) error {
	for ; most != 0; most-- {
		at := strings.Index(s, sep)
		if right {
			at = strings.LastIndex(s, sep)
		}
		if at < 0 {
			break
		}
		part, rest := s[:at], s[at+len(sep):]
		if right {
			part, rest = rest, part
		}
		if err := parts.add(part); err != nil {
			return err
		}
		s = rest
	}
	return parts.add(s)
}

// splitSpace splits at runs of white space, as splitAt does.
func splitSpace(parts *items, s string, most int, right bool) error {
	notSpace := func(c rune) bool { return !isSpace(c) }
	for ; ; most-- {
		if right {
			s = strings.TrimRightFunc(s, isSpace)
		} else {
			s = strings.TrimLeftFunc(s, isSpace)
		}
		switch {
		case s == "":
			return nil
		case most == 0:
			return parts.add(s)
		}
		var part, rest string
		if right {
			rest = strings.TrimRightFunc(s, notSpace)
			part = s[len(rest):]
		} else {
			rest = strings.TrimLeftFunc(s, notSpace)
			part = s[:len(s)-len(rest)]
		}
		if err := parts.add(part); err != nil {
			return err
		}
		s = rest
	}
}

// lines is s.splitlines().
func lines(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for s != "" {
			at := strings.IndexFunc(s, func(c rune) bool {
				return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029
			})
			if at < 0 {
				yield(s)
				return
			}
			line := s[:at]
			_, n := utf8.DecodeRuneInString(s[at:])
			if strings.HasPrefix(s[at:], "\r\n") {
				n = 2
			}
			if s = s[at+n:]; !yield(line) {
				return
			}
		}
	}
}

// splitLines is s.splitlines().
func splitLines(r *run, s string, _ []value) (value, error) {
	out := items{r: r, list: []value{}}
	for line := range lines(s) {
		if err := out.add(line); err != nil {
			return nil, err
		}
	}
	return list(out.list), nil
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
	return r.replaced(s, old, with, most)
}

func (r *run) join(sep string, of value) (value, error) {
	items, err := r.items(of)
	if err != nil {
		return nil, err
	}
	w := writer{r: r}
	for i, v := range items {
		s, is := v.(string)
		if !is {
			return nil, fmt.Errorf("item %d is %s, want a text", i, kindOf(v))
		}
		if i > 0 {
			w.add(sep)
		}
		if w.add(s); w.err != nil {
			break
		}
	}
	return w.text()
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
