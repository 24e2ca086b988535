package task

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// isSpace is Python's str.isspace of one character: Go's and the four separators
// of ASCII.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// trimSpace is str.strip().
func trimSpace(s string) string { return strings.TrimFunc(s, isSpace) }

// lowerFirst is s[0].lower() + s[1:].
func lowerFirst(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return cases.Lower(language.Und).String(s[:size]) + s[size:]
}

// capitalize is str.capitalize(): the first character in title case, all others
// in lower case.
func capitalize(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	// The whole is lowered at once, for a final sigma depends on what is before it.
	lower := cases.Lower(language.Und)
	head := lower.String(s[:size])
	return cases.Title(language.Und, cases.NoLower).String(s[:size]) + strings.TrimPrefix(lower.String(s), head)
}

var brackets = regexp.MustCompile(`\[.*?\]`)

// wikihow takes the marks of WikiHow out of HellaSwag's texts, as the harness does
// (hellaswag/utils.py).
func wikihow(text string) string {
	text = strings.ReplaceAll(trimSpace(text), " [title]", ". ")
	return strings.ReplaceAll(brackets.ReplaceAllString(text, ""), "  ", " ")
}
