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
var triviaMatch = Match{Case: true, Punctuation: true}

func (t Task) match() Match {
	if t.own != nil {
		return t.own.Match
	}
	return triviaMatch
}

// judged returns the scores of a text that was generated for an item, one for each
// chain of filters.
func (t Task) judged(item *Item, text string) ([]Score, error) {
	var row []Score
	for i := range t.chains() {
		filtered, err := t.Filtered(i, text, item.Document())
		if err != nil {
			return nil, err
		}
		right, err := t.matches(filtered, item.Answers)
		if err != nil {
			return nil, item.Document().errorf("%w", err)
		}
		row = append(row, Score{Greedy: right})
	}
	return row, nil
}

// matches reports whether a filtered text is one of the answers.
//
// The harness compares arrays of numpy, whose texts have a fixed width, that of the
// longest: a text that grows as it is lowered (İ) is cut to it.
func (t Task) matches(text string, answers []string) (bool, error) {
	m := t.match()
	text, answers, err := m.without(text, answers)
	if err != nil {
		return false, err
	}
	text = m.normalized(text, utf8.RuneCountInString(text))
	width := 0
	for _, a := range answers {
		width = max(width, utf8.RuneCountInString(a))
	}
	return slices.ContainsFunc(answers, func(a string) bool { return m.normalized(a, width) == text }), nil
}

// without takes what Ignore finds out of a text and of answers.
func (m Match) without(text string, answers []string) (string, []string, error) {
	if len(m.Ignore) == 0 {
		return text, answers, nil
	}
	answers = slices.Clone(answers)
	for _, p := range m.Ignore {
		var err error
		if text, err = p.without(text); err != nil {
			return "", nil, err
		}
		for i := range answers {
			if answers[i], err = p.without(answers[i]); err != nil {
				return "", nil, err
			}
		}
	}
	return text, answers, nil
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
