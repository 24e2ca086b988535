// Package strictjson reads JSON from untrusted files without surprises.
//
// encoding/json silently keeps the last of two equal names, folds case, takes null for
// everything and replaces broken UTF-8; a file read that way can mean two things to two
// readers. Here a [Scanner] walks the text: the caller says which value must come next
// and sees every name in the order of the file. [Parse] makes a tree of it, for
// files that are understood part by part.
//
//	s := strictjson.New(data, strictjson.Rules{Depth: 8})
//	err := s.Object(func(name string) error {
//		n, err := s.Uint()
//		…
//	})
//	if err == nil {
//		err = s.End()
//	}
//
// It knows no schema; [CheckFit] holds a text against the type that encoding/json reads
// it into.
//
// Invariants: what is accepted is JSON by RFC 8259, of valid UTF-8, and encoding/json
// reads the same from it, unless the rules ask for Python's numbers; numbers keep their
// spelling until somebody asks for a value; the scanner takes memory for the texts it
// hands out and for nothing else, a tree less than sixteen times the text's; errors say
// what was found, what was wanted, and where.
package strictjson

import (
	"fmt"
	"unicode/utf8"
)

// Rules bound what a text may hold.
type Rules struct {
	// Depth is how many objects and arrays may stand around one more. There is always
	// a bound: Go stacks overflow fatally, not recoverably.
	Depth int
	// Members is how many members an object may have, 0 for any number.
	Members int
	// Line says that the text is one line of a file: places are then columns.
	Line bool
	// Python says that NaN, Infinity and -Infinity are numbers: they are no JSON, and
	// Python's json module writes and reads them.
	Python bool
}

// An Error says what was wrong at which byte of the text.
type Error struct {
	Offset int // from 0
	Reason string

	line bool
}

// Error prints "byte 17: REASON", or "column 17: REASON" of a line, counted from 1.
func (e *Error) Error() string {
	unit := "byte"
	if e.line {
		unit = "column"
	}
	return fmt.Sprintf("%s %d: %s", unit, e.Offset+1, e.Reason)
}

// Kind is the kind of a value, told by its first byte.
type Kind byte

// The kinds.
const (
	None   Kind = 0 // no value begins here
	Object Kind = '{'
	Array  Kind = '['
	String Kind = '"'
	Number Kind = '0'
	True   Kind = 't'
	False  Kind = 'f'
	Null   Kind = 'n'
)

// A Scanner reads one JSON text from front to back.
type Scanner struct {
	data  []byte
	pos   int
	depth int // objects and arrays that are open
	rules Rules
	whole string // data as a text, of which texts are parts; "" where they are copies
}

// New returns a scanner over data, which must stay unchanged while it is used.
func New(data []byte, rules Rules) *Scanner { return &Scanner{data: data, rules: rules} }

// Offset returns the byte the scanner stands at, behind white space.
func (s *Scanner) Offset() int {
	s.space()
	return s.pos
}

func (s *Scanner) fail(format string, args ...any) error {
	return &Error{Offset: s.pos, Reason: fmt.Sprintf(format, args...), line: s.rules.Line}
}

// Unexpected returns an error that says what stands here and what was wanted.
func (s *Scanner) Unexpected(want string) error {
	s.space()
	if s.pos == len(s.data) {
		return s.fail("the text ends where %s should be", want)
	}
	r, _ := utf8.DecodeRune(s.data[s.pos:])
	return s.fail("found %q, want %s", r, want)
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

// Kind returns the kind of the value that comes next.
func (s *Scanner) Kind() Kind { return s.rules.kind(s.peek()) }

func (r Rules) kind(c byte) Kind {
	switch {
	case c == '-' || c >= '0' && c <= '9' || r.Python && (c == 'N' || c == 'I'):
		return Number
	case c == '{' || c == '[' || c == '"' || c == 't' || c == 'f' || c == 'n':
		return Kind(c)
	}
	return None
}

// End checks that only white space is left.
func (s *Scanner) End() error {
	if s.space(); s.pos == len(s.data) {
		return nil
	}
	if s.rules.Line {
		return s.Unexpected("the end of the line")
	}
	return s.Unexpected("the end of the file")
}

// open takes the bracket that begins an object or array.
func (s *Scanner) open(bracket byte, want string) error {
	if s.peek() != bracket {
		return s.Unexpected(want)
	}
	if s.depth > s.rules.Depth {
		return s.fail("nested deeper than %d", s.rules.Depth)
	}
	s.depth++
	s.pos++
	return nil
}

// items reads what stands between brackets, of which the first is taken already:
// item is called before each, and a comma or the last bracket must follow it.
func (s *Scanner) items(bracket byte, want string, item func() error) error {
	if s.peek() != bracket {
		for {
			if err := item(); err != nil {
				return err
			}
			c := s.peek()
			if c == bracket {
				break
			}
			if c != ',' {
				return s.Unexpected(want)
			}
			s.pos++
			s.space()
		}
	}
	s.pos++
	s.depth--
	return nil
}

// Object reads an object and calls member for every name, with the scanner before the
// value; member must read it whole. A name that comes twice is told twice: the caller,
// who keeps the names in a form of its own, refuses it.
func (s *Scanner) Object(member func(name string) error) error {
	return s.object(func(name string, _, _ int) error { return member(name) })
}

// object is Object; start and end say where the name stands.
func (s *Scanner) object(member func(name string, start, end int) error) error {
	if err := s.open('{', "'{'"); err != nil {
		return err
	}
	count := 0
	return s.items('}', "',' or '}'", func() error {
		if count++; s.rules.Members > 0 && count > s.rules.Members {
			return s.fail("more than %d items", s.rules.Members)
		}
		if s.peek() != '"' {
			return s.Unexpected("a field name in quotes")
		}
		start := s.pos
		name, err := s.String()
		if err != nil {
			return err
		}
		end := s.pos
		if s.peek() != ':' {
			return s.Unexpected("':'")
		}
		s.pos++
		s.space()
		return member(name, start, end)
	})
}

// Array reads an array and calls item before every element; item must read it whole.
func (s *Scanner) Array(item func() error) error {
	if err := s.open('[', "'['"); err != nil {
		return err
	}
	return s.items(']', "',' or ']'", item)
}

// Rest counts the elements of the open array that still follow the one that was read,
// so that memory for them is taken once. Where the text is no JSON it counts no more than
// a part of its bytes.
func (s *Scanner) Rest() int {
	count, depth := 0, 0
	last := byte(0)
	for i := s.pos; i < len(s.data); i++ {
		switch c := s.data[i]; c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			for i++; i < len(s.data) && s.data[i] != '"'; i++ {
				if s.data[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth < 0 {
				return count
			}
		case ',':
			if depth == 0 && last != ',' {
				count++
			}
		}
		last = s.data[min(i, len(s.data)-1)]
	}
	return count
}

// Bool reads true or false.
func (s *Scanner) Bool() (bool, error) {
	if s.Kind() == True {
		return true, s.word("true")
	}
	return false, s.word("false")
}

// Null reads null.
func (s *Scanner) Null() error { return s.word("null") }

func (s *Scanner) word(word string) error {
	s.space()
	if end := s.pos + len(word); end <= len(s.data) && string(s.data[s.pos:end]) == word {
		s.pos = end
		return nil
	}
	return s.Unexpected("a value")
}

// Skip reads one value of any kind.
func (s *Scanner) Skip() error {
	var err error
	switch s.Kind() {
	case Object:
		return s.Object(func(string) error { return s.Skip() })
	case Array:
		return s.Array(s.Skip)
	case String:
		_, err = s.String()
	case Number:
		return s.number()
	case True, False:
		_, err = s.Bool()
	case Null:
		return s.Null()
	default:
		return s.Unexpected("a value")
	}
	return err
}
