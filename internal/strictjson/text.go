package strictjson

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// String reads a string: valid UTF-8, no raw control characters, no half surrogates.
func (s *Scanner) String() (string, error) {
	if s.peek() != '"' {
		return "", s.Unexpected("a text in quotes")
	}
	s.pos++
	start, piece := s.pos, s.pos
	var out []byte // what stands before piece, once something was escaped
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			text := s.data[piece:s.pos]
			if !utf8.Valid(text) {
				s.pos = start
				return "", s.fail("invalid UTF-8 in a text")
			}
			s.pos++
			if piece == start && s.whole != "" {
				return s.whole[start : s.pos-1], nil
			}
			if piece == start {
				return string(text), nil
			}
			return string(append(out, text...)), nil
		case c < ' ':
			return "", s.fail("control character %q in a text: write it as \\u%04x", c, c)
		case c == '\\':
			if !utf8.Valid(s.data[piece:s.pos]) {
				s.pos = start
				return "", s.fail("invalid UTF-8 in a text")
			}
			out = append(out, s.data[piece:s.pos]...)
			r, err := s.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
			piece = s.pos
		default:
			s.pos++
		}
	}
	return "", s.fail("the text ends inside quotes")
}

// escape reads one escape sequence, a pair of surrogates as one.
func (s *Scanner) escape() (rune, error) {
	if s.pos+1 >= len(s.data) {
		return 0, s.fail("the text ends after a backslash")
	}
	c := s.data[s.pos+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		s.pos += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		return 0, s.fail("unknown escape \\%s", strings.Trim(strconv.QuoteRune(rune(c)), "'"))
	}
	r, ok := s.hex4(s.pos + 2)
	if !ok {
		return 0, s.fail("\\u without four hexadecimal digits")
	}
	if !utf16.IsSurrogate(r) {
		s.pos += 6
		return r, nil
	}
	if low, ok := s.hex4(s.pos + 8); ok && s.data[s.pos+6] == '\\' && s.data[s.pos+7] == 'u' {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			s.pos += 12
			return pair, nil
		}
	}
	return 0, s.fail("half a surrogate pair: \\u%04x", r)
}

func (s *Scanner) hex4(at int) (rune, bool) {
	if at+4 > len(s.data) {
		return 0, false
	}
	var r rune
	for _, c := range s.data[at : at+4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// Number reads a number and returns it as it is spelled.
func (s *Scanner) Number() (string, error) {
	s.space()
	start := s.pos
	if err := s.number(); err != nil {
		return "", err
	}
	return string(s.data[start:s.pos]), nil
}

// number steps over -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?, and over Python's
// words for what is not finite where the rules allow them.
func (s *Scanner) number() error {
	if s.rules.Python && s.pos < len(s.data) {
		switch rest := s.data[s.pos:]; {
		case rest[0] == 'N':
			return s.word("NaN")
		case rest[0] == 'I':
			return s.word("Infinity")
		case len(rest) > 1 && rest[0] == '-' && rest[1] == 'I':
			return s.word("-Infinity")
		}
	}
	digits := func() bool {
		start := s.pos
		for s.pos < len(s.data) && s.data[s.pos]-'0' < 10 {
			s.pos++
		}
		return s.pos > start
	}
	accept := func(set string) bool {
		if s.pos < len(s.data) && strings.IndexByte(set, s.data[s.pos]) >= 0 {
			s.pos++
			return true
		}
		return false
	}
	accept("-")
	if !accept("0") && !digits() {
		return s.fail("a number without digits")
	}
	if accept(".") && !digits() {
		return s.fail("no digit after the point")
	}
	if accept("eE") {
		accept("+-")
		if !digits() {
			return s.fail("no digit in the exponent")
		}
	}
	if s.pos < len(s.data) && s.data[s.pos]-'0' < 10 {
		return s.fail("a number with a leading zero")
	}
	return nil
}

// Uint reads a non-negative integer below 2⁶³, written without sign, fraction or
// exponent.
func (s *Scanner) Uint() (int64, error) {
	if c := s.peek(); c < '0' || c > '9' {
		return 0, s.Unexpected("a non-negative integer")
	}
	start := s.pos
	if err := s.number(); err != nil {
		return 0, err
	}
	var n uint64
	for _, c := range s.data[start:s.pos] {
		digit := uint64(c - '0')
		switch {
		case digit > 9:
			s.pos = start
			return 0, s.fail("a number that is no integer")
		case n > (math.MaxInt64-digit)/10:
			s.pos = start
			return 0, s.fail("an integer of 2^63 or more")
		}
		n = n*10 + digit
	}
	return int64(n), nil
}

// Int reads a whole number of at most 18 digits if one comes next; else it reads
// nothing.
func (s *Scanner) Int() (value int64, ok bool) {
	if s.Kind() != Number {
		return 0, false
	}
	start := s.pos
	if err := s.number(); err != nil || s.pos-start > 18 { // below 10¹⁸: no overflow
		s.pos = start
		return 0, false
	}
	text, sign := s.data[start:s.pos], int64(1)
	if text[0] == '-' {
		text, sign = text[1:], -1
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			s.pos = start
			return 0, false
		}
		value = value*10 + int64(c-'0')
	}
	return sign * value, true
}
