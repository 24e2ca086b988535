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

// MaxLine is the most bytes of a line, or of an object in an array, that are read.
const MaxLine = 16 << 20

var byteOrderMark = []byte("\xef\xbb\xbf")

// Scan reads records of JSON one after the other, keeping one in memory. It
// ends after the first error, which names file and line; name is only for that.
//
// A file has one JSON object a line, in UTF-8. A byte order mark, CRLF line ends
// and blank lines are accepted. Refused are duplicate field names, invalid UTF-8
// and half surrogate pairs, lines over 16 MiB, and a last line that is cut. A file
// that begins with "[" is read as one JSON array of objects, none over 16 MiB, the
// form in which WebQuestions and SciQ are published.
func Scan(r io.Reader, name string) iter.Seq2[Record, error] {
	return ScanUpTo(r, name, MaxLine)
}

// ScanUpTo is [Scan] of lines and objects of at most longest bytes: those of a packed
// file may be made of next to nothing.
func ScanUpTo(r io.Reader, name string, longest int) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		s := scanner{r: bufio.NewReader(r), longest: longest, at: Location{File: name}}
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
	r       *bufio.Reader
	longest int
	at      Location // of the line in buf
	buf     []byte   // the line, with its end
	begin   int      // of the text in buf, behind a byte order mark and white space
	some    bool     // a record was read
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
	end := len(s.buf)
	for end > s.begin && isSpace(s.buf[end-1]) {
		end--
	}
	return s.buf[s.begin:end]
}

// next reads a line into buf, with its end, and reports whether it has one.
func (s *scanner) next() (ended bool, err error) {
	s.at.Byte += int64(len(s.buf))
	s.buf = s.buf[:0]
	s.at.Line++
	s.begin = 0 // looked for in each piece once, as a line may be blank for long
	for {
		piece, err := s.r.ReadSlice('\n')
		s.buf = append(s.buf, piece...)
		if s.begin == 0 && s.at.Line == 1 && bytes.HasPrefix(s.buf, byteOrderMark) {
			s.begin = len(byteOrderMark)
		}
		for s.begin < len(s.buf) && isSpace(s.buf[s.begin]) {
			s.begin++
		}
		switch {
		case !s.some && s.begin < len(s.buf) && s.buf[s.begin] == '[':
			return true, nil // array reads on
		case len(s.buf) > s.longest:
			return false, s.at.Errorf("line longer than %s", size(s.longest))
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

// isSpace says whether JSON may have c between its values.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

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

// array reads the rest of the file as one JSON array of objects, of which buf holds the
// beginning.
func (s *scanner) array(yield func(Record, error) bool) {
	before := bytes.IndexByte(s.buf, '[') + 1
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(s.buf[before:]), s.r))
	items := NewItems(r, Location{File: s.at.File, Line: s.at.Line, Byte: s.at.Byte + int64(before)}, s.longest)
	if items.Read(yield) {
		items.end(yield)
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

// size shows a limit of bytes.
func size(n int) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
