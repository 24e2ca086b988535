package task

import (
	"slices"
	"strings"

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
func matches(text string, answers []string) bool {
	text = normalized(strings.TrimLeftFunc(text, isSpace))
	return slices.ContainsFunc(answers, func(a string) bool { return normalized(a) == text })
}

// normalized lowers a text and takes the characters of Python's string.punctuation
// out.
func normalized(text string) string {
	text = cases.Lower(language.Und).String(text)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
			return -1
		}
		return r
	}, text)
}
