package strictjson

import (
	"strings"
	"unicode/utf8"
)

// Deep reports whether an object or array comes next that stands deeper than the rules
// allow.
func (s *Scanner) Deep() bool {
	kind := s.Kind()
	return (kind == Object || kind == Array) && s.depth > s.rules.Depth
}

// Raw steps over one value and returns it as it is spelled. It takes any depth, for it
// does not call itself, and passes what only a reader of the value would stumble over:
// half surrogate pairs in texts, names that come twice.
func (s *Scanner) Raw() (string, error) {
	s.space()
	start := s.pos
	var open []byte // the brackets that will close what is open
	for {
		entered, err := s.rawValue(&open)
		if err != nil {
			return "", err
		}
		if !entered {
			if err := s.rawBehind(&open); err != nil {
				return "", err
			}
			if len(open) == 0 {
				return string(s.data[start:s.pos]), nil
			}
		}
	}
}

// rawValue steps over a value without parts, or enters one that has some and stands
// before the first of them.
func (s *Scanner) rawValue(open *[]byte) (entered bool, err error) {
	switch s.Kind() {
	case Object, Array:
		last := s.data[s.pos] + 2 // '}' of '{', ']' of '['
		*open = append(*open, last)
		if s.pos++; s.peek() == last {
			return false, nil
		}
		if last == '}' {
			err = s.rawName()
		}
		return true, err
	case String:
		return false, s.rawText()
	}
	return false, s.Skip()
}

// rawBehind closes what ends behind a value, and stands before the next one if there
// is one.
func (s *Scanner) rawBehind(open *[]byte) error {
	for len(*open) > 0 {
		last := (*open)[len(*open)-1]
		switch s.peek() {
		case last:
			s.pos++
			*open = (*open)[:len(*open)-1]
		case ',':
			s.pos++
			if last == '}' {
				return s.rawName()
			}
			return nil
		default:
			return s.Unexpected("',' or '" + string(last) + "'")
		}
	}
	return nil
}

// rawName steps over the name of a member and its colon.
func (s *Scanner) rawName() error {
	if s.peek() != '"' {
		return s.Unexpected("a field name in quotes")
	}
	if err := s.rawText(); err != nil {
		return err
	}
	if s.peek() != ':' {
		return s.Unexpected("':'")
	}
	s.pos++
	return nil
}

// rawText steps over a text in quotes.
func (s *Scanner) rawText() error {
	s.pos++
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			if !utf8.Valid(s.data[start:s.pos]) {
				s.pos = start
				return s.fail("invalid UTF-8 in a text")
			}
			s.pos++
			return nil
		case c < ' ':
			return s.fail("control character %q in a text: write it as \\u%04x", c, c)
		case c != '\\':
			s.pos++
		case s.pos+1 < len(s.data) && strings.IndexByte(`"\/bfnrt`, s.data[s.pos+1]) >= 0:
			s.pos += 2
		default:
			if _, ok := s.hex4(s.pos + 2); !ok || s.data[s.pos+1] != 'u' {
				_, err := s.escape()
				return err
			}
			s.pos += 6
		}
	}
	return s.fail("the text ends inside quotes")
}
