package ptx

import (
	"fmt"
	"strings"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenNumber
	tokenString
	tokenMark // one character
)

// token is a piece of the text: its bytes and its line.
type token struct {
	kind  tokenKind
	text  string
	line  int32
	start int32 // in the source
	end   int32
}

// Error is what is wrong with a PTX text, and where.
type Error struct {
	Line int
	Text string // the line or the statement
	What string
}

func (e *Error) Error() string {
	return fmt.Sprintf("ptx: line %d: %s: %s", e.Line, e.What, e.Text)
}

func nameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '%' || c == '.'
}

func nameByte(c byte) bool {
	return nameStart(c) && c != '%' || c >= '0' && c <= '9'
}

// tokens cuts a text to pieces, without comments.
func tokens(src string) ([]token, error) {
	var all []token
	line := int32(1)
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			line++
			i++
		case c <= ' ':
			i++
		case strings.HasPrefix(src[i:], "//"):
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i:], "*/")
			if end < 0 {
				return nil, &Error{int(line), "/*", "a comment without an end"}
			}
			line += int32(strings.Count(src[i:i+end], "\n"))
			i += end + 2
		default:
			t := token{line: line, start: int32(i)}
			t.kind, i = scan(src, i)
			if i < 0 {
				return nil, &Error{int(line), firstLine(src[t.start:]), "a string without an end"}
			}
			t.end, t.text = int32(i), src[t.start:i]
			line += int32(strings.Count(t.text, "\n"))
			all = append(all, t)
		}
	}
	return append(all, token{line: line, start: int32(len(src)), end: int32(len(src))}), nil
}

// scan returns the kind of the token that begins at i, and its end; -1 where it has none.
func scan(src string, i int) (tokenKind, int) {
	c := src[i]
	switch {
	case c == '"':
		end := strings.IndexByte(src[i+1:], '"')
		if end < 0 {
			return tokenString, -1
		}
		return tokenString, i + end + 2
	case c >= '0' && c <= '9':
		i++
		for i < len(src) && (nameByte(src[i]) && src[i] != '$') {
			i++
		}
		return tokenNumber, i
	case nameStart(c):
		i++
		for i < len(src) {
			if strings.HasPrefix(src[i:], "::") {
				i += 2
			} else if nameByte(src[i]) {
				i++
			} else {
				break
			}
		}
		return tokenName, i
	}
	return tokenMark, i + 1
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if len(line) > 120 {
		line = line[:120]
	}
	return strings.TrimSpace(line)
}
