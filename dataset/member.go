package dataset

import (
	"fmt"
	"io"

	"lamina/record"
)

// Limits of a file that has its rows inside one object.
const (
	maxItem = 16 << 20 // bytes of a row
	maxTail = 1 << 20  // bytes behind the rows
)

// scanMember reads the rows of {"Data": [{…}, …], …}, the form of TriviaQA, one at
// a time. What stands behind the rows is checked to be JSON and left.
func scanMember(text *stream, name string) rows {
	return func(yield func(record.Record, error) bool) {
		m := &memberScanner{r: text, at: record.Location{File: name, Line: 1}}
		// That the file begins {"Data": [ has been seen already: step over both brackets.
		err := m.over('{')
		if err == nil {
			err = m.over('[')
		}
		for first := true; err == nil; first = false {
			var more bool
			if more, err = m.more(first); err != nil || !more {
				break
			}
			var r record.Record
			if r, err = m.item(); err == nil && !yield(r, nil) {
				return
			}
		}
		if err == nil {
			err = m.tail()
		}
		if err != nil {
			yield(record.Record{}, err)
		}
	}
}

type memberScanner struct {
	r   *stream
	at  record.Location // of the next byte
	buf []byte
}

// byte reads a byte; the file must not end here.
func (m *memberScanner) byte() (byte, error) {
	c, err := m.r.ReadByte()
	if err == io.EOF {
		return 0, m.at.Errorf("the text ends inside \"Data\": is the file cut?")
	}
	if err != nil {
		return 0, m.at.Errorf("%w", err)
	}
	m.at.Byte++
	if c == '\n' {
		m.at.Line++
	}
	return c, nil
}

// peek gives the next byte that is no white space, unread.
func (m *memberScanner) peek() (byte, error) {
	for {
		at := m.at
		c, err := m.byte()
		if err != nil {
			return 0, err
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		m.at = at
		return c, m.r.UnreadByte()
	}
}

// over reads up to the byte stop, and stop too.
func (m *memberScanner) over(stop byte) error {
	for {
		c, err := m.byte()
		if err != nil || c == stop {
			return err
		}
	}
}

// more steps to the next row and reports whether there is one.
func (m *memberScanner) more(first bool) (bool, error) {
	c, err := m.peek()
	if err != nil || c == ']' {
		return false, err
	}
	if !first {
		if c != ',' {
			return false, m.at.Errorf("found %q, want ',' or ']'", c)
		}
		if _, err = m.byte(); err == nil {
			c, err = m.peek()
		}
	}
	if err == nil && c != '{' {
		err = m.at.Errorf("found %q, want '{'", c)
	}
	return err == nil, err
}

// item reads one object. It only looks for the bracket that closes the first one,
// passing over brackets in texts; whether what lies between is JSON, record.Parse says.
func (m *memberScanner) item() (record.Record, error) {
	at := m.at
	m.buf = m.buf[:0]
	depth, quoted, escaped := 0, false, false
	for {
		c, err := m.byte()
		if err != nil {
			return record.Record{}, err
		}
		if m.buf = append(m.buf, c); len(m.buf) > maxItem {
			return record.Record{}, at.Errorf("a row longer than %d MiB", maxItem>>20)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if depth == 0 {
			return record.Parse(m.buf, at)
		}
	}
}

// tail checks what follows the array of rows.
func (m *memberScanner) tail() error {
	rest, err := io.ReadAll(io.LimitReader(m.r, maxTail+1))
	if err != nil {
		return m.at.Errorf("%w", err)
	}
	if len(rest) > maxTail {
		return m.at.Errorf("more than %d bytes behind \"Data\"", maxTail)
	}
	if _, err := record.Parse(append([]byte(`{"Data":[`), rest...), record.Location{}); err != nil {
		return fmt.Errorf("%s: behind \"Data\": %w", m.at.File, err)
	}
	return nil
}
