package record

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"lamina/internal/strictjson"
)

// Limits of a file.
const (
	maxLine  = 16 << 20 // bytes of one line
	maxArray = 64 << 20 // bytes of a file that is one JSON array
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// Scan reads records of JSON one after the other, keeping one line in memory. It
// ends after the first error, which names file and line; name is only for that.
//
// A file has one JSON object a line, in UTF-8. A byte order mark, CRLF line ends
// and blank lines are accepted. Refused are duplicate field names, invalid UTF-8
// and half surrogate pairs, lines over 16 MiB, and a last line that is cut. A file
// that begins with "[" is read as one JSON array of objects (up to 64 MiB), the
// form in which WebQuestions and SciQ are published.
func Scan(r io.Reader, name string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := scanner{r: bufio.NewReader(r), at: Location{File: name}}
		s.run(yield)
	}
}

// Parse reads one object of JSON that is all of text, by the rules of Scan. Errors
// begin with at.
func Parse(text []byte, at Location) (Record, error) {
	s := scanner{at: at}
	return s.parse(bytes.Trim(text, " \t\r\n"))
}

type scanner struct {
	r    *bufio.Reader
	at   Location // of the line in buf
	buf  []byte   // the line, with its end
	some bool     // a record was read
}

func (s *scanner) run(yield func(Record, error) bool) {
	for {
		ended, err := s.next()
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(Record{}, err)
			return
		}
		text := s.text()
		if len(text) == 0 {
			continue
		}
		if text[0] == '[' && !s.some {
			s.array(yield)
			return
		}
		s.some = true
		r, err := s.parse(text)
		if err != nil && !ended {
			err = fmt.Errorf("%w (the last line has no line end: is the file cut?)", err)
		}
		if !yield(r, err) || err != nil {
			return
		}
	}
}

// text returns the line without a byte order mark and white space around it.
func (s *scanner) text() []byte {
	text := s.buf
	if s.at.Line == 1 {
		text = bytes.TrimPrefix(text, byteOrderMark)
	}
	return bytes.Trim(text, " \t\r\n")
}

// next reads a line into buf, with its end, and reports whether it has one.
func (s *scanner) next() (ended bool, err error) {
	s.at.Byte += int64(len(s.buf))
	s.buf = s.buf[:0]
	s.at.Line++
	for {
		piece, err := s.r.ReadSlice('\n')
		s.buf = append(s.buf, piece...)
		switch {
		case len(s.buf) <= maxLine:
		case !s.some && bytes.HasPrefix(s.text(), []byte("[")):
			return true, nil // array reads on
		default:
			return false, s.at.Errorf("line longer than %d MiB", maxLine>>20)
		}
		switch {
		case err == nil:
			return true, nil
		case err == io.EOF && len(s.buf) > 0:
			return false, nil
		case err == io.EOF:
			return false, io.EOF
		case err != bufio.ErrBufferFull:
			return false, s.at.Errorf("%w", err)
		}
	}
}

// parse reads one object that is the whole of text.
func (s *scanner) parse(text []byte) (Record, error) {
	if err := checkUTF8(text); err != nil {
		return Record{}, s.at.Errorf("%w", err)
	}
	js := strictjson.New(text, lineRules)
	o, err := readObject(js)
	if err == nil {
		err = js.End()
	}
	if err != nil {
		return Record{}, s.at.Errorf("%w", err)
	}
	return Record{o, s.at}, nil
}

// array reads the rest of the file as one JSON array of objects, of which buf
// holds the first line.
func (s *scanner) array(yield func(Record, error) bool) {
	all := bytes.NewBuffer(s.buf)
	_, err := all.ReadFrom(io.LimitReader(s.r, maxArray+1-int64(len(s.buf))))
	text, start := all.Bytes(), s.at.Byte
	if s.at.Line == 1 && bytes.HasPrefix(text, byteOrderMark) {
		text, start = text[len(byteOrderMark):], int64(len(byteOrderMark))
	}
	switch {
	case err != nil:
	case len(text) > maxArray:
		err = fmt.Errorf("an array longer than %d MiB: write one record a line", maxArray>>20)
	default:
		err = checkUTF8(text)
	}
	if err != nil {
		yield(Record{}, fmt.Errorf("%s: %w", s.at.File, err))
		return
	}
	js := strictjson.New(text, arrayRules)
	counted := 0
	stopped := false
	err = js.Array(func() error {
		at := js.Offset()
		s.at.Line += bytes.Count(text[counted:at], []byte("\n"))
		s.at.Byte = start + int64(at)
		counted = at
		o, err := readObject(js)
		if err != nil {
			stopped = true
			return s.at.Errorf("%w", err)
		}
		if stopped = !yield(Record{o, s.at}, nil); stopped {
			return io.EOF
		}
		return nil
	})
	if err == nil {
		err = js.End()
	}
	if err != nil && !stopped {
		err = fmt.Errorf("%s: %w", s.at.File, err)
	}
	if err != nil && err != io.EOF {
		yield(Record{}, err)
	}
}

func checkUTF8(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return fmt.Errorf("invalid UTF-8 at byte %d", at+1)
}
