package task

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Chain is what is done to a generated text before it is compared, under the name that
// results have it by (a filter of the harness, filters/*.py).
type Chain struct {
	Name    string
	Filters []Filter
}

// Filter is one step of a chain. It is given the responses to a document, of which there
// is one here, or, behind a filter that takes one of them, that text: to a filter that
// goes through responses its characters are responses then, as they are in Python.
type Filter interface {
	filter(r responses, d *Document) (responses, error)
}

// responses are several texts, or one taken of them.
type responses struct {
	texts []string
	one   bool
}

// each applies a function to every response.
func (r responses) each(apply func(text string) (string, error)) (responses, error) {
	texts := r.texts
	if r.one {
		texts = strings.Split(r.texts[0], "")
	}
	out := make([]string, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = apply(text); err != nil {
			return r, err
		}
	}
	return responses{texts: out}, nil
}

// TakeFirst takes the first response.
type TakeFirst struct{}

func (TakeFirst) filter(r responses, _ *Document) (responses, error) {
	texts := r.texts
	if r.one {
		texts = strings.Split(r.texts[0], "")
	}
	if len(texts) == 0 {
		return r, fmt.Errorf("take_first of an empty text")
	}
	return responses{texts[:1], true}, nil
}

// MajorityVote keeps the response that comes most often, the first of equal ones.
type MajorityVote struct{}

func (MajorityVote) filter(r responses, d *Document) (responses, error) {
	all, err := r.each(func(text string) (string, error) { return text, nil })
	if err != nil || len(all.texts) == 0 {
		return r, err
	}
	best, most := "", 0
	for _, text := range all.texts {
		n := 0
		for _, other := range all.texts {
			if other == text {
				n++
			}
		}
		if n > most {
			best, most = text, n
		}
	}
	return responses{texts: []string{best}}, nil
}

// RemoveWhitespace takes white space off the front.
type RemoveWhitespace struct{}

func (RemoveWhitespace) filter(r responses, _ *Document) (responses, error) {
	return r.each(func(text string) (string, error) { return strings.TrimLeftFunc(text, isSpace), nil })
}

// Lowercase and Uppercase change the case.
type (
	Lowercase struct{}
	Uppercase struct{}
)

func (Lowercase) filter(r responses, _ *Document) (responses, error) {
	return r.each(func(text string) (string, error) { return lower(text), nil })
}

func (Uppercase) filter(r responses, _ *Document) (responses, error) {
	return r.each(func(text string) (string, error) { return cases.Upper(language.Und).String(text), nil })
}

func lower(text string) string { return cases.Lower(language.Und).String(text) }

// Map replaces a response by what it stands for, and one that stands for nothing by
// Default.
type Map struct {
	To      map[string]string
	Default string
}

func (m Map) filter(r responses, _ *Document) (responses, error) {
	return r.each(func(text string) (string, error) {
		if to, ok := m.To[text]; ok {
			return to, nil
		}
		return m.Default, nil
	})
}

// Regex takes what a pattern finds: its match of number Select, from 0 or, negative,
// from the end; of a match with several groups the first that is not empty. White space
// around it is taken off. Where nothing is found there is Fallback.
type Regex struct {
	Pattern  *Pattern
	Select   int
	Fallback string
}

func (x Regex) filter(r responses, _ *Document) (responses, error) {
	return r.each(func(text string) (string, error) {
		found, ok, err := x.find(x.Pattern, text)
		if err == nil && !ok {
			found = x.Fallback
		}
		return found, err
	})
}

// find returns the match that is selected; ok is false where there is none, or only
// empty groups.
func (x Regex) find(p *Pattern, text string) (found string, ok bool, err error) {
	all, err := p.all(text)
	if err != nil || len(all) == 0 {
		return "", false, err
	}
	at := x.Select
	if at < 0 {
		at += len(all)
	}
	if at < 0 || at >= len(all) {
		return "", false, fmt.Errorf("regex: group_select %d of %d matches of %.128q", x.Select, len(all), p.text)
	}
	for _, text := range all[at] {
		if text != "" || len(all[at]) == 1 {
			return trimSpace(text), true, nil
		}
	}
	return trimSpace(x.Fallback), true, nil
}

// MultiChoice is Regex for answers with letters: where the pattern finds nothing, the
// text of one of the document's field "choices" is looked for, and then a letter behind a
// colon; either gives the letter in parentheses.
type MultiChoice struct {
	Regex
	IgnoreCase, IgnorePunctuation bool
	Ignore                        []*Pattern
}

func (x MultiChoice) filter(r responses, d *Document) (responses, error) {
	choices, err := d.Source.Texts("choices")
	if err != nil {
		return r, fmt.Errorf("multi_choice_regex: %w", err)
	}
	var texts, letters []string
	letterOf := map[string]string{}
	for i, c := range choices {
		text, err := x.ignored(trimSpace(c))
		if err != nil {
			return r, err
		}
		letter := string(rune('A' + i))
		texts, letters = append(texts, escaped(text)), append(letters, escaped(letter))
		letterOf[text] = "(" + letter + ")"
	}
	byText, err := NewPattern(strings.Join(texts, "|"))
	if err != nil {
		return r, err
	}
	byLetter, err := NewPattern(`:[\s]*(` + strings.Join(letters, "|") + ")")
	if err != nil {
		return r, err
	}
	return r.each(func(text string) (string, error) {
		found, _, err := x.find(x.Pattern, text)
		if err != nil || found != "" {
			return found, err
		}
		bare, err := x.ignored(text)
		if err == nil {
			found, _, err = x.find(byText, bare)
		}
		if letter, ok := letterOf[found]; ok && found != "" {
			found = letter
		}
		if err != nil || found != "" {
			return found, err
		}
		if found, _, err = x.find(byLetter, text); err != nil || found != "" {
			return "(" + found + ")", err
		}
		return x.Fallback, nil
	})
}

// ignored takes out of a text what does not count.
func (x MultiChoice) ignored(text string) (string, error) {
	for _, p := range x.Ignore {
		var err error
		if text, err = p.without(text); err != nil {
			return "", err
		}
	}
	if x.IgnoreCase {
		text = lower(text)
	}
	if x.IgnorePunctuation {
		text = strings.Map(func(r rune) rune {
			if unicode.IsPunct(r) {
				return -1
			}
			return r
		}, text)
	}
	return text, nil
}

// escaped is re.escape.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// chains are those of a task, at least one.
func (t Task) chains() []Chain {
	if t.own != nil && len(t.own.Chains) > 0 {
		return t.own.Chains
	}
	if t.own == nil { // TriviaQA
		return []Chain{{"remove_whitespace", []Filter{RemoveWhitespace{}, TakeFirst{}}}}
	}
	return []Chain{{"none", []Filter{TakeFirst{}}}}
}

// FilterNames are the names of what is done to a generated text before it is compared,
// one for each score of it.
func (t Task) FilterNames() []string {
	var names []string
	for _, c := range t.chains() {
		names = append(names, c.Name)
	}
	return names
}

// Filtered returns a text generated for a document as it is compared, by the chain of
// a number.
func (t Task) Filtered(chain int, text string, d *Document) (string, error) {
	c := t.chains()[chain]
	r := responses{texts: []string{text}}
	for _, f := range c.Filters {
		var err error
		if r, err = f.filter(r, d); err != nil {
			return "", d.errorf("filter %s: %w", c.Name, err)
		}
	}
	if len(r.texts) == 0 {
		return "", d.errorf("filter %s: leaves nothing", c.Name)
	}
	return slices.Clone(r.texts)[0], nil
}
