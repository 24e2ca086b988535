package task

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// cutAt cuts text before the first place of each of the texts that end it.
func cutAt(text string, until []string) (cut string, done bool) {
	for _, end := range until {
		if end == "" {
			continue
		}
		if at := strings.Index(text, end); at >= 0 {
			text, done = text[:at], true
		}
	}
	return text, done
}

// matches reports whether a generated text is one of the answers, by the harness's
// exact_match without case and ASCII punctuation, after its filter
// remove_whitespace took white space off the front.
//
// The harness compares arrays of numpy, whose texts have a fixed width, that of the
// longest: a text that grows as it is lowered (İ) is cut to it.
func matches(text string, answers []string) bool {
	text = strings.TrimLeftFunc(text, IsSpace)
	text = normalized(text, utf8.RuneCountInString(text))
	width := 0
	for _, a := range answers {
		width = max(width, utf8.RuneCountInString(a))
	}
	return slices.ContainsFunc(answers, func(a string) bool { return normalized(a, width) == text })
}

// normalized lowers a text, cuts it to a width in characters, and takes the
// characters of Python's string.punctuation out.
func normalized(text string, width int) string {
	lower := []rune(cases.Lower(language.Und).String(text))
	text = strings.TrimRight(string(lower[:min(width, len(lower))]), "\x00")
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
			return -1
		}
		return r
	}, text)
}
