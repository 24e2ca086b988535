package jinja

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTemplate bounds a template's bytes: those of task files have some hundreds.
const maxTemplate = 64 << 10

// kind is what a token is.
type kind int

const (
	tokenEnd kind = iota // of the expression or statement
	tokenName
	tokenText // in quotes
	tokenInt
	tokenFloat
	tokenOperator
)

type token struct {
	kind kind
	text string // of a text: what it means
	line int
}

// piece is a part of a template: literal text, or the tokens of an expression or a
// statement.
type piece struct {
	open   string // "", "{{" or "{%"
	text   string
	tokens []token
	line   int
}

// raw reports whether the piece is {% raw %}, as far as it is read.
func (p piece) raw() bool {
	return p.open == "{%" && len(p.tokens) == 1 && p.tokens[0].text == "raw"
}

// lexer cuts a template into pieces.
type lexer struct {
	source string
	pos    int
	line   int
	pieces []piece
	strip  bool // white space before the next piece of text goes
	trim   bool // Options.Trim
	fresh  bool // the next piece of text begins a line
}

func (l *lexer) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %w", l.line, fmt.Errorf(format, args...))
}

// advance steps over n bytes and counts lines.
func (l *lexer) advance(n int) string {
	text := l.source[l.pos : l.pos+n]
	l.line += strings.Count(text, "\n")
	l.pos += n
	return text
}

func (l *lexer) rest() string { return l.source[l.pos:] }

// lex cuts a template. Line ends become "\n", as Jinja has it.
func lex(source string, trim bool) ([]piece, error) {
	if len(source) > maxTemplate {
		return nil, fmt.Errorf("%d bytes, more than the %d a template may have", len(source), maxTemplate)
	}
	if !utf8.ValidString(source) {
		return nil, fmt.Errorf("no UTF-8")
	}
	source = strings.ReplaceAll(strings.ReplaceAll(source, "\r\n", "\n"), "\r", "\n")
	if trim {
		source = strings.TrimSuffix(source, "\n")
	}
	l := lexer{source: source, line: 1, trim: trim, fresh: true}
	for l.pos < len(l.source) {
		at, open := nextOpen(l.rest())
		line := l.line
		text := l.advance(at)
		sign := strings.TrimPrefix(l.rest(), open)
		l.text(text, line, sign[:min(len(sign), 1)], open == "{%" || open == "{#")
		if open == "" {
			break
		}
		if err := l.marked(open); err != nil {
			return nil, err
		}
	}
	return l.pieces, nil
}

// nextOpen finds what begins an expression, a statement or a comment first.
func nextOpen(text string) (at int, open string) {
	for at+1 < len(text) {
		next := strings.IndexByte(text[at:len(text)-1], '{')
		if next < 0 {
			break
		}
		if at += next; strings.IndexByte("{%#", text[at+1]) >= 0 {
			return at, text[at : at+2]
		}
		at++
	}
	return len(text), ""
}

// text adds literal text, without the white space that a "-" beside it takes off,
// and before a statement or a comment that of its line, if there is nothing else on
// it and trim says so. sign is what stands after the mark that ends the text.
func (l *lexer) text(text string, line int, sign string, block bool) {
	if l.strip {
		text = strings.TrimLeftFunc(text, isSpace)
	}
	switch {
	case sign == "-":
		text = strings.TrimRightFunc(text, isSpace)
	case l.trim && block && sign != "+":
		start := strings.LastIndexByte(text, '\n') + 1
		if (start > 0 || l.fresh) && strings.TrimLeftFunc(text[start:], isSpace) == "" {
			text = text[:start]
		}
	}
	l.strip, l.fresh = false, false
	if text != "" {
		l.pieces = append(l.pieces, piece{text: text, line: line})
	}
}

// shut steps over the mark that ends a statement, an expression or a comment, with
// its sign; trim takes off the line end after a statement or a comment.
func (l *lexer) shut(sign string, block bool) {
	l.advance(len(sign) + 2)
	l.strip = sign == "-"
	if sign == "" && l.trim && block && strings.HasPrefix(l.rest(), "\n") {
		l.advance(1)
		l.fresh = true
	}
}

// marked reads what stands between marks.
func (l *lexer) marked(open string) error {
	shut := map[string]string{"{{": "}}", "{%": "%}", "{#": "#}"}[open]
	p := piece{open: open, line: l.line}
	l.advance(2)
	if sign := l.rest(); strings.HasPrefix(sign, "-") || strings.HasPrefix(sign, "+") {
		l.advance(1)
	}
	if open == "{#" {
		at := strings.Index(l.rest(), shut)
		if at < 0 {
			return l.errorf("a comment without %q", shut)
		}
		sign := ""
		if at > 0 && (l.rest()[at-1] == '-' || l.rest()[at-1] == '+') {
			at--
			sign = l.rest()[at : at+1]
		}
		l.advance(at)
		l.shut(sign, true)
		return nil
	}
	depth := 0
	for {
		l.advance(len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), isSpace)))
		rest := l.rest()
		if rest == "" {
			return l.errorf("%q without %q", open, shut)
		}
		if depth == 0 && (strings.HasPrefix(rest, shut) || strings.HasPrefix(rest, "-"+shut) || open == "{%" && strings.HasPrefix(rest, "+"+shut)) {
			l.shut(strings.TrimRight(rest[:1], "%}"), open == "{%" && !p.raw())
			break
		}
		t, err := l.token()
		if err != nil {
			return err
		}
		if t.kind == tokenOperator {
			switch t.text {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				if depth--; depth < 0 {
					return l.errorf("unexpected %q", t.text)
				}
			}
		}
		p.tokens = append(p.tokens, t)
	}
	if p.raw() {
		return l.raw(p.line)
	}
	p.tokens = append(p.tokens, token{kind: tokenEnd, text: shut, line: l.line})
	l.pieces = append(l.pieces, p)
	return nil
}

// raw reads text up to {% endraw %}.
func (l *lexer) raw(line int) error {
	rest := l.rest()
	for at := 0; ; at += 2 {
		i := strings.Index(rest[at:], "{%")
		if i < 0 {
			return l.errorf("%q without %q", "raw", "endraw")
		}
		at += i
		tag := rest[at+2:]
		end := strings.Index(tag, "%}")
		if end < 0 || strings.TrimFunc(strings.Trim(tag[:end], "-+"), isSpace) != "endraw" {
			continue
		}
		l.text(l.advance(at), line, tag[:1], true)
		sign := ""
		if c := tag[end-1]; c == '-' || c == '+' {
			end--
			sign = tag[end : end+1]
		}
		l.advance(2 + end)
		l.shut(sign, true)
		return nil
	}
}

// operators, longer ones first.
var operators = []string{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ","}

// token reads one token of an expression.
func (l *lexer) token() (token, error) {
	rest, line := l.rest(), l.line
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		text, err := l.quoted(c)
		return token{tokenText, text, line}, err
	case c >= '0' && c <= '9':
		return l.number(), nil
	}
	end := 0
	for end < len(rest) {
		r, n := utf8.DecodeRuneInString(rest[end:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			break
		}
		end += n
	}
	if end > 0 {
		return token{tokenName, l.advance(end), line}, nil
	}
	for _, o := range operators {
		if strings.HasPrefix(rest, o) {
			return token{tokenOperator, l.advance(len(o)), line}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, l.errorf("unexpected %q", r)
}

// number reads a whole number or one with a point or an exponent. After a dot that
// follows a value there is no point: "choices.0.text".
func (l *lexer) number() token {
	digits := func(text string) int { return len(text) - len(strings.TrimLeft(text, "0123456789")) }
	rest := l.rest()
	end, kind := digits(rest), tokenInt
	if l.pos == 0 || l.source[l.pos-1] != '.' {
		if strings.HasPrefix(rest[end:], ".") && digits(rest[end+1:]) > 0 {
			end += 1 + digits(rest[end+1:])
			kind = tokenFloat
		}
		if tail := rest[end:]; strings.HasPrefix(tail, "e") || strings.HasPrefix(tail, "E") {
			sign := len(tail[1:]) - len(strings.TrimLeft(tail[1:], "+-"))
			if n := digits(tail[1+sign:]); n > 0 && sign <= 1 {
				end += 1 + sign + n
				kind = tokenFloat
			}
		}
	}
	return token{kind, l.advance(end), l.line}
}

// quoted reads a text in quotes with Python's escapes (its codec unicode-escape:
// a backslash before any other character stays).
func (l *lexer) quoted(quote byte) (string, error) {
	rest := l.rest()
	var b strings.Builder
	for i := 1; i < len(rest); {
		switch c := rest[i]; {
		case c == quote:
			l.advance(i + 1)
			return b.String(), nil
		case c == '\\' && i+1 < len(rest):
			n, err := escape(&b, rest[i:])
			if err != nil {
				return "", l.errorf("%w", err)
			}
			i += n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", l.errorf("a text without its closing %c", quote)
}

// escape writes what the escape at the front of text means, and returns its length.
func escape(b *strings.Builder, text string) (int, error) {
	c := text[1]
	if at := strings.IndexByte("\\'\"abfnrtv", c); at >= 0 {
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[at])
		return 2, nil
	}
	width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case c == '\n':
		return 2, nil
	case c >= '0' && c <= '7':
		end := 1
		for end < 4 && end < len(text) && text[end] >= '0' && text[end] <= '7' {
			end++
		}
		n, _ := strconv.ParseUint(text[1:end], 8, 32)
		b.WriteRune(rune(n))
		return end, nil
	case c == 'N':
		return 0, fmt.Errorf("the escape \\N is not known: write the character")
	case width == 0:
		b.WriteByte('\\')
		return 1, nil
	}
	if len(text) < 2+width {
		return 0, fmt.Errorf("bad escape \\%c", c)
	}
	r, err := strconv.ParseUint(text[2:2+width], 16, 32)
	if err != nil || !utf8.ValidRune(rune(r)) {
		return 0, fmt.Errorf("bad escape \\%c", c)
	}
	b.WriteRune(rune(r))
	return 2 + width, nil
}
