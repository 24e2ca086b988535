package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

func lower(s string) string { return cases.Lower(language.Und).String(s) }
func upper(s string) string { return cases.Upper(language.Und).String(s) }

func caseFold(s string) string { return cases.Fold().String(s) }

// capitalize is s.capitalize() of Python: the first character as in titles, the
// others small.
func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return titled(s[:n]) + smallAfter(s, n)
}

// titled is a character as Python has it at the front of a title: what Unicode says
// of it alone.
func titled(c string) string { return cases.Title(language.Und, cases.NoLower).String(c) }

// smallAfter is lower(s)[n:] for a character of n bytes at its front: what a sigma
// becomes depends on what stands before.
func smallAfter(s string, n int) string {
	return strings.TrimPrefix(lower(s), lower(s[:n]))
}

// title is s.title() of Python: each letter that stands after none is big, each
// other one small.
func title(s string) string {
	var b strings.Builder
	after := false
	for _, r := range s {
		if after {
			b.WriteString(lower(string(r)))
		} else {
			b.WriteString(titled(string(r)))
		}
		after = unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r)
	}
	return b.String()
}

// titleWords is the filter title: it begins words at white space, "-" and opening
// brackets, and knows no letters.
func titleWords(s string) string {
	var b strings.Builder
	for s != "" {
		opens := func(r rune) bool { return isSpace(r) || strings.ContainsRune("-({[<", r) }
		at := strings.IndexFunc(s, opens)
		if at == 0 {
			at = strings.IndexFunc(s, func(r rune) bool { return !opens(r) })
		}
		if at < 0 {
			at = len(s)
		}
		_, n := utf8.DecodeRuneInString(s)
		b.WriteString(upper(s[:n]) + lower(s[n:at]))
		s = s[at:]
	}
	return b.String()
}

// swapCase is s.swapcase() of Python.
func swapCase(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsUpper(r):
			b.WriteString(lower(string(r)))
		case unicode.IsLower(r):
			b.WriteString(upper(string(r)))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// isTitle is s.istitle() of Python.
func isTitle(s string) bool {
	some, after := false, false
	for _, r := range s {
		big, small := unicode.IsUpper(r) || unicode.IsTitle(r), unicode.IsLower(r)
		if big && after || small && !after {
			return false
		}
		after = big || small
		some = some || after
	}
	return some
}
