package task

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"

	"lamina/internal/foreign"
)

// patternTime bounds the search of one text: a pattern comes from a file and may go
// back and forth for ever.
const patternTime = 5 * time.Second

// Pattern is a regular expression as Python's re reads it.
type Pattern struct {
	text   string
	groups int
	re     *regexp2.Regexp
}

// NewPattern compiles a pattern of Python's module re.
func NewPattern(text string) (_ *Pattern, err error) {
	defer inPattern(&err, text)
	spelled, groups, err := respelled(text)
	if err != nil {
		return nil, err
	}
	re, err := compile(spelled)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = patternTime
	return &Pattern{text: text, groups: groups, re: re}, nil
}

// inPattern, deferred, says which pattern an error is of, and not the whole text that was
// searched, as the engine does when its time is up.
func inPattern(err *error, text string) {
	switch {
	case *err == nil:
	case strings.HasPrefix((*err).Error(), "match timeout"):
		*err = fmt.Errorf("the pattern %.128q takes longer than %v for one text", text, patternTime)
	default:
		*err = fmt.Errorf("the pattern %.128q: %w", text, *err)
	}
}

// engine is what gives up where the library panics.
const engine = "the engine of patterns"

func compile(spelled string) (_ *regexp2.Regexp, err error) {
	defer foreign.Recover(&err, engine)
	return regexp2.Compile(spelled)
}

// String returns the pattern as Python spells it.
func (p *Pattern) String() string { return p.text }

var (
	fewer  = regexp.MustCompile(`^\{,(\d+)\}`)
	naming = regexp.MustCompile(`^\(\?P<(\w+)>`)
	named  = regexp.MustCompile(`^\(\?P=(\w+)\)`)
)

// respelled writes a pattern for the engine, which has .NET's language: groups with
// names are counted behind those without there, \Z leaves a last line end out, {,n} is
// text and - in a class takes another class away.
func respelled(text string) (spelled string, groups int, err error) {
	var b strings.Builder
	numbers := map[string]int{}
	class := false
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			if rest[1] == 'Z' && !class {
				rest = `\z`
			}
			b.WriteString(rest[:2])
			i += 2
			continue
		case class:
			class = rest[0] != ']'
			if rest[0] == '[' {
				b.WriteByte('\\')
			}
		case rest[0] == '[':
			class = true
			// A bracket that comes first is one of the class.
			n := 1
			if strings.HasPrefix(rest[n:], "^") {
				n++
			}
			b.WriteString(rest[:n])
			if strings.HasPrefix(rest[n:], "]") {
				b.WriteString(`\]`)
				n++
			}
			i += n
			continue
		case rest[0] == '{':
			if m := fewer.FindStringSubmatch(rest); m != nil {
				b.WriteString("{0," + m[1] + "}")
				i += len(m[0])
				continue
			}
		case rest[0] == '(':
			if m := naming.FindStringSubmatch(rest); m != nil {
				groups++
				numbers[m[1]] = groups
				b.WriteByte('(')
				i += len(m[0])
				continue
			}
			if m := named.FindStringSubmatch(rest); m != nil {
				if numbers[m[1]] == 0 {
					return "", 0, fmt.Errorf("unknown group %q", m[1])
				}
				fmt.Fprintf(&b, "(?:\\%d)", numbers[m[1]])
				i += len(m[0])
				continue
			}
			if !strings.HasPrefix(rest, "(?") {
				groups++
			}
		}
		b.WriteByte(rest[0])
		i++
	}
	return b.String(), groups, nil
}

// finding is one match: the whole where a pattern has no groups, else its groups, ""
// for one that took no part.
type finding []string

// all is re.findall.
func (p *Pattern) all(text string) (found []finding, err error) {
	defer inPattern(&err, p.text)
	defer foreign.Recover(&err, engine)
	m, err := p.re.FindStringMatch(text)
	for ; m != nil && err == nil; m, err = p.re.FindNextMatch(m) {
		if p.groups == 0 {
			found = append(found, finding{m.String()})
			continue
		}
		var f finding
		for g := 1; g <= p.groups; g++ {
			f = append(f, m.GroupByNumber(g).String())
		}
		found = append(found, f)
	}
	return found, err
}

// without is re.sub(pattern, "", text).
func (p *Pattern) without(text string) (out string, err error) {
	defer inPattern(&err, p.text)
	defer foreign.Recover(&err, engine)
	return p.re.Replace(text, "", -1, -1)
}
