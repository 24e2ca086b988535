// Package strictjson walks JSON from untrusted files without surprises.
//
// encoding/json silently keeps the last of two equal keys, folds case and
// accepts null for everything; a header read that way can mean two things to two
// readers. Here the caller says which token must come next and sees every key in
// file order, so it can refuse duplicates itself. Nothing is allocated but the
// strings handed out. It knows no schema.
//
//	s := strictjson.New(data)
//	err := s.Object(func(key string) error {
//		n, err := s.Uint()
//		…
//	})
//	if err == nil {
//		err = s.End()
//	}
package strictjson

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth bounds nesting: Go stacks overflow fatally, not recoverably.
const MaxDepth = 8

// An Error says what was wrong at which byte of the input.
type Error struct {
	Offset int
	Reason string
}

func (e *Error) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// A Scanner reads one JSON text from front to back.
type Scanner struct {
	data  []byte
	pos   int
	depth int
}

// New returns a scanner over data, which must stay unchanged while it is used.
func New(data []byte) *Scanner { return &Scanner{data: data} }

// Offset returns the byte the scanner stands at.
func (s *Scanner) Offset() int { return s.pos }

func (s *Scanner) fail(format string, args ...any) error {
	return &Error{Offset: s.pos, Reason: fmt.Sprintf(format, args...)}
}

func (s *Scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek skips white space and returns the next byte, 0 at the end.
func (s *Scanner) peek() byte {
	s.space()
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *Scanner) expect(c byte, what string) error {
	if got := s.peek(); got != c {
		if s.pos >= len(s.data) {
			return s.fail("JSON ends where %s is due", what)
		}
		return s.fail("found %q where %s is due", got, what)
	}
	s.pos++
	return nil
}

// End checks that only white space is left.
func (s *Scanner) End() error {
	if s.space(); s.pos < len(s.data) {
		return s.fail("found %q after the end of the JSON", s.data[s.pos])
	}
	return nil
}

func (s *Scanner) enter() error {
	if s.depth++; s.depth > MaxDepth {
		return s.fail("JSON nests deeper than %d", MaxDepth)
	}
	return nil
}

// Object reads an object and calls member for every key, duplicates included,
// with the scanner before the value; member must read it whole.
func (s *Scanner) Object(member func(key string) error) error {
	if err := s.expect('{', "an object"); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if first && s.peek() == '}' {
			break
		}
		key, err := s.String()
		if err != nil {
			return err
		}
		if err := s.expect(':', "a colon"); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if s.peek() != ',' {
			break
		}
		s.pos++
	}
	s.depth--
	return s.expect('}', "a comma or closing brace")
}

// Array reads an array and calls item before every element; item must read it.
func (s *Scanner) Array(item func() error) error {
	if err := s.expect('[', "an array"); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if first && s.peek() == ']' {
			break
		}
		if err := item(); err != nil {
			return err
		}
		if s.peek() != ',' {
			break
		}
		s.pos++
	}
	s.depth--
	return s.expect(']', "a comma or closing bracket")
}

// Uint reads a non-negative integer below 2^63, written without sign,
// fraction, exponent or leading zero.
func (s *Scanner) Uint() (int64, error) {
	if c := s.peek(); c < '0' || c > '9' {
		return 0, s.fail("no non-negative integer")
	}
	start := s.pos
	var n uint64
	for ; s.pos < len(s.data) && s.data[s.pos]-'0' < 10; s.pos++ {
		c := uint64(s.data[s.pos] - '0')
		if n > (math.MaxInt64-c)/10 {
			s.pos = start
			return 0, s.fail("integer is 2^63 or more")
		}
		n = n*10 + c
	}
	if s.data[start] == '0' && s.pos-start > 1 {
		s.pos = start
		return 0, s.fail("integer with a leading zero")
	}
	if s.pos < len(s.data) {
		if c := s.data[s.pos]; c == '.' || c == 'e' || c == 'E' {
			return 0, s.fail("number is not an integer")
		}
	}
	return int64(n), nil
}

// String reads a string: valid UTF-8, no raw control characters, no lone
// surrogates.
func (s *Scanner) String() (string, error) {
	if err := s.expect('"', "a string"); err != nil {
		return "", err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			raw := s.data[start:s.pos]
			if !utf8.Valid(raw) {
				s.pos = start
				return "", s.fail("string is not UTF-8")
			}
			s.pos++
			return string(raw), nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.fail("raw control character %#02x in a string", c)
		}
		s.pos++
	}
	return "", s.fail("JSON ends inside a string")
}

// escaped reads a string from its first escape on; start is its first byte.
func (s *Scanner) escaped(start int) (string, error) {
	out := append([]byte(nil), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		s.pos++
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				s.pos = start
				return "", s.fail("string is not UTF-8")
			}
			return string(out), nil
		case c < ' ':
			s.pos--
			return "", s.fail("raw control character %#02x in a string", c)
		case c != '\\':
			out = append(out, c)
			continue
		}
		r, err := s.escape()
		if err != nil {
			return "", err
		}
		out = utf8.AppendRune(out, r)
	}
	return "", s.fail("JSON ends inside a string")
}

// escape reads what follows a backslash.
func (s *Scanner) escape() (rune, error) {
	if s.pos >= len(s.data) {
		return 0, s.fail("JSON ends inside a string")
	}
	c := s.data[s.pos]
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		r, err := s.hex4()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if s.pos+1 < len(s.data) && s.data[s.pos] == '\\' && s.data[s.pos+1] == 'u' {
			s.pos += 2
			low, err := s.hex4()
			if err != nil {
				return 0, err
			}
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, s.fail("lone surrogate in a string")
	}
	return 0, s.fail("unknown escape \\%q in a string", c)
}

func (s *Scanner) hex4() (rune, error) {
	if s.pos+4 > len(s.data) {
		return 0, s.fail("JSON ends inside a string")
	}
	n, err := strconv.ParseUint(string(s.data[s.pos:s.pos+4]), 16, 16)
	if err != nil {
		return 0, s.fail("\\u needs four hexadecimal digits")
	}
	s.pos += 4
	return rune(n), nil
}

// Skip reads one value of any kind.
func (s *Scanner) Skip() error {
	switch c := s.peek(); c {
	case '{':
		return s.Object(func(string) error { return s.Skip() })
	case '[':
		return s.Array(s.Skip)
	case '"':
		_, err := s.String()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *Scanner) literal(word string) error {
	if end := s.pos + len(word); end <= len(s.data) && string(s.data[s.pos:end]) == word {
		s.pos = end
		return nil
	}
	return s.fail("no JSON value")
}

// number skips -?digits(.digits)?([eE][+-]?digits)?.
func (s *Scanner) number() error {
	digits := func() bool {
		start := s.pos
		for s.pos < len(s.data) && s.data[s.pos]-'0' < 10 {
			s.pos++
		}
		return s.pos > start
	}
	accept := func(set string) bool {
		if s.pos < len(s.data) {
			for i := range len(set) {
				if s.data[s.pos] == set[i] {
					s.pos++
					return true
				}
			}
		}
		return false
	}
	accept("-")
	start := s.pos
	if !digits() {
		return s.fail("no JSON value")
	}
	if s.data[start] == '0' && s.pos > start+1 {
		return s.fail("number with a leading zero")
	}
	if accept(".") && !digits() {
		return s.fail("malformed number")
	}
	if accept("eE") {
		accept("+-")
		if !digits() {
			return s.fail("malformed number")
		}
	}
	return nil
}
