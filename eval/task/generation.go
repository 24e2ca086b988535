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

// triviaMatch is how the harness compares the answers of TriviaQA.
var triviaMatch = Match{TrimLeft: true, Case: true, Punctuation: true}

func (t Task) match() Match {
	if t.own != nil {
		return t.own.Match
	}
	return triviaMatch
}

// Filtered returns a generated text as it is compared: without white space in
// front, if that does not count.
func (t Task) Filtered(text string) string {
	if t.match().TrimLeft {
		return strings.TrimLeftFunc(text, isSpace)
	}
	return text
}

// matches reports whether a generated text is one of the answers.
//
// The harness compares arrays of numpy, whose texts have a fixed width, that of the
// longest: a text that grows as it is lowered (İ) is cut to it.
func (t Task) matches(text string, answers []string) bool {
	m := t.match()
	text = t.Filtered(text)
	text = m.normalized(text, utf8.RuneCountInString(text))
	width := 0
	for _, a := range answers {
		width = max(width, utf8.RuneCountInString(a))
	}
	return slices.ContainsFunc(answers, func(a string) bool { return m.normalized(a, width) == text })
}

// normalized lowers a text, cuts it to a width in characters, and takes characters
// out, as far as they do not count.
func (m Match) normalized(text string, width int) string {
	if m.Case {
		lower := []rune(cases.Lower(language.Und).String(text))
		text = string(lower[:min(width, len(lower))])
	}
	text = strings.TrimRight(text, "\x00")
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
