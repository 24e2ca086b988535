package record

import (
	"bufio"
	"bytes"
	"io"
)

// Items reads the objects of a JSON array one at a time, from behind its opening bracket.
type Items struct {
	r       *bufio.Reader
	at      Location // of the next byte
	longest int
	buf     []byte
}

// NewItems returns a reader of the objects of r, which is at a place; longest is the most
// bytes of one.
func NewItems(r *bufio.Reader, at Location, longest int) *Items {
	return &Items{r: r, at: at, longest: longest}
}

// At returns the place behind what was read.
func (s *Items) At() Location { return s.at }

// Read passes on the objects and reads the closing bracket too. After an error, which it
// passes on as well, and when yield returns false it returns false.
func (s *Items) Read(yield func(Record, error) bool) bool {
	for first := true; ; first = false {
		more, err := s.more(first)
		if err == nil && !more {
			return true
		}
		var r Record
		if err == nil {
			r, err = s.item()
		}
		if !yield(r, err) || err != nil {
			return false
		}
	}
}

// Over reads up to the byte stop, and stop too.
func (s *Items) Over(stop byte) error {
	for {
		c, err := s.byte()
		if err != nil || c == stop {
			return err
		}
	}
}

// byte reads a byte; the file must not end here.
func (s *Items) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, s.failed(err)
	}
	s.at.Byte++
	if c == '\n' {
		s.at.Line++
	}
	return c, nil
}

// failed says what an error of the reader means inside an array.
func (s *Items) failed(err error) error {
	if err == io.EOF {
		return s.at.Errorf("the text ends inside the array: is the file cut?")
	}
	return s.at.Errorf("%w", err)
}

// peek gives the next byte that is no white space, unread.
func (s *Items) peek() (byte, error) {
	for {
		at := s.at
		c, err := s.byte()
		if err != nil {
			return 0, err
		}
		if !isSpace(c) {
			s.at = at
			return c, s.r.UnreadByte()
		}
	}
}

// more steps to the next object; there is none behind the bracket, which it reads.
func (s *Items) more(first bool) (bool, error) {
	c, err := s.peek()
	if err == nil && c == ']' {
		_, err = s.byte()
		return false, err
	}
	if err == nil && !first {
		if c != ',' {
			return false, s.at.Errorf("found %q, want ',' or ']'", c)
		}
		if _, err = s.byte(); err == nil {
			c, err = s.peek()
		}
	}
	if err == nil && c != '{' {
		err = s.at.Errorf("found %q, want '{'", c)
	}
	return err == nil, err
}

// item reads one object. It only looks for the bracket that closes the first one,
// passing over brackets in texts; whether what lies between is JSON, Parse says.
func (s *Items) item() (Record, error) {
	at := s.at
	s.buf = s.buf[:0]
	var b brackets
	for {
		if _, err := s.r.Peek(1); err != nil {
			return Record{}, s.failed(err)
		}
		piece, err := s.r.Peek(s.r.Buffered())
		if err != nil {
			return Record{}, s.failed(err)
		}
		n, closed := b.over(piece)
		s.buf = append(s.buf, piece[:n]...)
		s.at.Byte += int64(n)
		s.at.Line += bytes.Count(piece[:n], []byte("\n"))
		if _, err := s.r.Discard(n); err != nil {
			return Record{}, s.failed(err)
		}
		if len(s.buf) > s.longest {
			return Record{}, at.Errorf("a row longer than %s", size(s.longest))
		}
		if closed {
			return Parse(s.buf, at)
		}
	}
}

// brackets follows the braces of an object that stand in no text.
type brackets struct {
	depth           int
	quoted, escaped bool
}

// over returns how many bytes of a piece belong to the object, and whether it ends there.
func (b *brackets) over(piece []byte) (n int, closed bool) {
	for i := 0; i < len(piece); i++ {
		if b.quoted && !b.escaped {
			if i += plainText(piece[i:]); i == len(piece) {
				break
			}
		}
		switch c := piece[i]; {
		case b.escaped:
			b.escaped = false
		case b.quoted:
			b.escaped, b.quoted = c == '\\', c != '"'
		case c == '"':
			b.quoted = true
		case c == '{':
			b.depth++
		case c == '}':
			if b.depth--; b.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(piece), false
}

// plainText returns how many bytes come before the next quote or backslash.
func plainText(text []byte) int {
	n := bytes.IndexByte(text, '"')
	if n < 0 {
		n = len(text)
	}
	if at := bytes.IndexByte(text[:n], '\\'); at >= 0 {
		return at
	}
	return n
}

// end holds that nothing follows the array.
func (s *Items) end(yield func(Record, error) bool) {
	for {
		at := s.at
		c, err := s.r.ReadByte()
		switch {
		case err == io.EOF:
			return
		case err != nil:
			yield(Record{}, at.Errorf("%w", err))
			return
		}
		s.at.Byte++
		switch c {
		case '\n':
			s.at.Line++
		case ' ', '\t', '\r':
		default:
			yield(Record{}, at.Errorf("found %q behind the array", c))
			return
		}
	}
}
