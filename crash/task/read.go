package task

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"unicode/utf8"
)

// Limits of a file.
const (
	maxLine  = 16 << 20 // bytes of one line
	maxArray = 64 << 20 // bytes of a file that is one JSON array
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// ReadFile reads all documents of a file; see [Scan] for the format. A file
// without documents is an error.
func ReadFile(path string) ([]Document, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory: want a file of documents, one a line", path)
	}
	return Read(f, path)
}

// Read reads all documents of r, whose name is only for error messages.
func Read(r io.Reader, name string) ([]Document, error) {
	var docs []Document
	for d, err := range Scan(r, name) {
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("%s: no documents", name)
	}
	return docs, nil
}

// Scan reads documents one after the other, keeping one line in memory. It ends
// after the first error, which names file and line.
//
// A file has one JSON object a line, in UTF-8. A byte order mark, CRLF line ends,
// blank lines, and fields that belong to no shape are accepted. Refused are
// duplicate field names, values of another type, null, invalid UTF-8 and half
// surrogate pairs, lines over 16 MiB, a last line that is cut, documents of two
// shapes in one file, and all that [Document] cannot hold: an index out of
// range, an empty text to predict. A file that begins with "[" is read as one
// JSON array of documents (up to 64 MiB), the form in which WebQuestions is
// published.
func Scan(r io.Reader, name string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		s := scanner{r: bufio.NewReader(r), name: name}
		s.run(yield)
	}
}

type scanner struct {
	r     *bufio.Reader
	name  string
	line  int // of the line in buf
	buf   []byte
	shape Shape // of the first document

	// The document being read stands here, so that one is not allocated anew for
	// each line.
	f   fields
	doc Document
}

func (s *scanner) run(yield func(Document, error) bool) {
	for {
		ended, err := s.next()
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(Document{}, err)
			return
		}
		text := s.buf
		if s.line == 1 {
			text = bytes.TrimPrefix(text, byteOrderMark)
		}
		text = bytes.Trim(text, " \t\r\n")
		if len(text) == 0 {
			continue
		}
		if text[0] == '[' && s.shape == 0 {
			s.array(yield)
			return
		}
		d, err := s.parse(text)
		if err != nil && !ended {
			err = fmt.Errorf("%w (the last line has no line end: is the file cut?)", err)
		}
		if !yield(d, err) || err != nil {
			return
		}
	}
}

// next reads a line into buf, with its end, and reports whether it has one.
func (s *scanner) next() (ended bool, err error) {
	s.buf = s.buf[:0]
	s.line++
	for {
		piece, err := s.r.ReadSlice('\n')
		s.buf = append(s.buf, piece...)
		if len(s.buf) > maxLine {
			return false, fmt.Errorf("%s:%d: line longer than %d MiB", s.name, s.line, maxLine>>20)
		}
		switch {
		case err == nil:
			return true, nil
		case err == io.EOF && len(s.buf) > 0:
			return false, nil
		case err == io.EOF:
			return false, io.EOF
		case err != bufio.ErrBufferFull:
			return false, fmt.Errorf("%s:%d: %w", s.name, s.line, err)
		}
	}
}

// parse reads one object that is the whole of text.
func (s *scanner) parse(text []byte) (Document, error) {
	d := decoder{data: text, unit: "column"}
	if err := checkUTF8(text); err != nil {
		return Document{}, fmt.Errorf("%s:%d: %w", s.name, s.line, err)
	}
	doc, err := s.document(&d)
	if err != nil {
		return Document{}, err
	}
	if d.peek() != 0 || d.pos < len(text) {
		return Document{}, fmt.Errorf("%s:%d: %w", s.name, s.line, d.unexpected("the end of the line"))
	}
	return doc, nil
}

// document reads one object at the decoder's place and checks its shape.
func (s *scanner) document(d *decoder) (Document, error) {
	s.f = fields{}
	err := d.object(func(name string) error { return s.f.read(name, d) })
	s.doc = Document{File: s.name, Line: s.line}
	if err == nil {
		err = s.f.document(&s.doc)
	}
	if err == nil && s.shape != 0 && s.doc.Shape != s.shape {
		err = fmt.Errorf("a document %v in a file of %v", s.doc.Shape, s.shape)
	}
	if err != nil {
		return Document{}, fmt.Errorf("%s:%d: %w", s.name, s.line, err)
	}
	s.shape = s.doc.Shape
	return s.doc, nil
}

// array reads the rest of the file as one JSON array of documents, of which buf
// holds the first line.
func (s *scanner) array(yield func(Document, error) bool) {
	all := bytes.NewBuffer(s.buf)
	_, err := all.ReadFrom(io.LimitReader(s.r, maxArray+1-int64(len(s.buf))))
	text := all.Bytes()
	if s.line == 1 {
		text = bytes.TrimPrefix(text, byteOrderMark)
	}
	switch {
	case err != nil:
	case len(text) > maxArray:
		err = fmt.Errorf("an array longer than %d MiB: write one document a line", maxArray>>20)
	default:
		err = checkUTF8(text)
	}
	if err != nil {
		yield(Document{}, fmt.Errorf("%s: %w", s.name, err))
		return
	}
	d := decoder{data: text, unit: "byte"}
	counted := 0
	stopped := false
	err = d.list('[', ']', maxArray, func(int) error {
		d.space()
		s.line += bytes.Count(text[counted:d.pos], []byte("\n"))
		counted = d.pos
		doc, err := s.document(&d)
		if stopped = err != nil || !yield(doc, nil); stopped && err == nil {
			err = io.EOF
		}
		return err
	})
	switch {
	case err == nil && d.peek() != 0:
		err = fmt.Errorf("%s: %w", s.name, d.unexpected("the end of the file"))
	case err != nil && !stopped:
		err = fmt.Errorf("%s: %w", s.name, err)
	}
	if err != nil && err != io.EOF {
		yield(Document{}, err)
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
