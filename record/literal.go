package record

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLiteralDepth bounds lists inside lists of a Python literal.
const maxLiteralDepth = 16

// ParseLiteral reads what Python's ast.literal_eval reads of lists, tuples (as
// lists), dicts with text keys, texts, numbers, True, False and None.
func ParseLiteral(text string) (Value, error) {
	p := literal{text: text}
	v, err := p.value(0)
	if err == nil && p.peek() != 0 {
		err = p.errorf("more after the value")
	}
	return v, err
}

type literal struct {
	text string
	pos  int
}

func (p *literal) errorf(format string, args ...any) error {
	return fmt.Errorf("byte %d of a Python literal: %w", p.pos+1, fmt.Errorf(format, args...))
}

// peek returns the next byte that is no white space, 0 at the end.
func (p *literal) peek() byte {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *literal) value(depth int) (Value, error) {
	if depth > maxLiteralDepth {
		return nil, p.errorf("nested deeper than %d", maxLiteralDepth)
	}
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quoted()
	case c == '[':
		list := List{}
		err := p.items('[', ']', func() error {
			v, err := p.value(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case c == '(':
		return p.tuple(depth)
	case c == '{':
		object := Object{}
		err := p.items('{', '}', func() error {
			name, err := p.quoted()
			if err != nil {
				return err
			}
			if p.peek() != ':' {
				return p.errorf("want a colon")
			}
			p.pos++
			v, err := p.value(depth + 1)
			object = append(object, Field{Name: name, Value: v})
			return err
		})
		return object, err
	}
	end := p.pos
	for end < len(p.text) && (strings.IndexByte("+-.0123456789", p.text[end]) >= 0 || unicode.IsLetter(rune(p.text[end]))) {
		end++
	}
	word := p.text[p.pos:end]
	p.pos = end
	switch word {
	case "True", "False":
		return word == "True", nil
	case "None":
		return nil, nil
	}
	digits := strings.TrimLeft(word, "+-")
	if n, err := strconv.ParseInt(word, 10, 64); err == nil && (digits[0] != '0' || strings.Trim(digits, "0") == "") {
		return n, nil
	}
	if f, err := strconv.ParseFloat(word, 64); err == nil && strings.ContainsAny(word, ".eE") && strings.Trim(word, "+-.0123456789eE") == "" {
		return f, nil
	}
	return nil, p.errorf("%.32q is no text, list, dict or number", word)
}

// tuple reads values in parentheses, or the one value in them.
func (p *literal) tuple(depth int) (Value, error) {
	list := List{}
	comma := false
	err := p.items('(', ')', func() error {
		v, err := p.value(depth + 1)
		list = append(list, v)
		comma = p.peek() == ','
		return err
	})
	if err == nil && len(list) == 1 && !comma {
		return list[0], nil
	}
	return list, err
}

// items reads what stands between open and shut, separated by commas.
func (p *literal) items(open, shut byte, item func() error) error {
	if p.peek() != open {
		return p.errorf("want %q", open)
	}
	p.pos++
	for p.peek() != shut {
		if err := item(); err != nil {
			return err
		}
		switch p.peek() {
		case ',':
			p.pos++
		case shut:
		default:
			return p.errorf("want a comma or %q", shut)
		}
	}
	p.pos++
	return nil
}

// quoted reads a text between ' or ", or three of them, which lines may end in.
func (p *literal) quoted() (string, error) {
	quote := p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.errorf("want a text in quotes")
	}
	end := string(quote)
	if long := strings.Repeat(end, 3); strings.HasPrefix(p.text[p.pos:], long) {
		end = long
	}
	p.pos += len(end)
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		switch {
		case strings.HasPrefix(p.text[p.pos:], end):
			p.pos += len(end)
			return b.String(), nil
		case c == '\n' && len(end) == 1:
			return "", p.errorf("a line ends inside quotes")
		case c == '\\':
			if err := p.escape(&b); err != nil {
				return "", err
			}
		default:
			b.WriteByte(c)
			p.pos++
		}
	}
	return "", p.errorf("the text ends inside quotes")
}

// escape reads a backslash and what follows.
func (p *literal) escape(b *strings.Builder) error {
	if p.pos+1 >= len(p.text) {
		return p.errorf("the text ends after a backslash")
	}
	c := p.text[p.pos+1]
	if at := strings.IndexByte(`\'"abfnrtv`, c); at >= 0 {
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[at])
		p.pos += 2
		return nil
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if width == 0 || p.pos+2+width > len(p.text) {
		return p.errorf("unknown escape \\%c", c)
	}
	r, err := strconv.ParseUint(p.text[p.pos+2:p.pos+2+width], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return p.errorf("bad escape \\%c", c)
	}
	b.WriteRune(rune(r))
	p.pos += 2 + width
	return nil
}

// PythonText is repr(s) of Python: single quotes unless the text has some and no
// double ones.
func PythonText(s string) string {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for _, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsGraphic(r) && !unicode.IsSpace(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}
