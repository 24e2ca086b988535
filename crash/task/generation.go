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

// triviaMatch is how the harness compares the answers of TriviaQA.
var triviaMatch = Match{TrimLeft: true, Case: true, Punctuation: true}

// matches reports whether a generated text is one of the answers.
func (t Task) matches(text string, answers []string) bool {
	m := triviaMatch
	if t.own != nil {
		m = t.own.Match
	}
	if m.TrimLeft {
		text = strings.TrimLeftFunc(text, isSpace)
	}
	text = m.normalized(text)
	return slices.ContainsFunc(answers, func(a string) bool { return m.normalized(a) == text })
}

// normalized lowers a text and takes characters out, as far as they do not count.
func (m Match) normalized(text string) string {
	if m.Case {
		text = cases.Lower(language.Und).String(text)
	}
	drop := ""
	if m.Punctuation {
		drop = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	}
	if m.Digits {
		drop += "0123456789"
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(drop, r) {
			return -1
		}
		return r
	}, text)
}
