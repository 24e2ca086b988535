package dataset

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"lamina/record"
)

// maxColumns is the most columns of a table.
const maxColumns = 1024

// scanTable reads CSV (RFC 4180) or TSV: the first row names the columns, every
// other has as many cells. A cell in quotes may hold separators, line ends and
// doubled quotes; a quote inside a cell that begins with none stands for itself. A
// byte order mark, CRLF and blank lines are accepted (with one column a blank line
// could be a cell and is refused).
func scanTable(r io.Reader, name string, separator byte, longest int) rows {
	return func(yield func(record.Record, error) bool) {
		t := &table{r: bufio.NewReader(r), separator: separator, longest: longest, next: record.Location{File: name, Line: 1}}
		names, err := t.header()
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(record.Record{}, err)
			return
		}
		for {
			cells, err := t.row()
			if err == io.EOF {
				return
			}
			if err == nil && len(cells) != len(names) {
				err = t.at.Errorf("%d cells, the header has %d%s", len(cells), len(names), t.cut())
			}
			if err != nil {
				yield(record.Record{}, err)
				return
			}
			fields := make(record.Object, len(names))
			for i := range names {
				fields[i] = record.Field{Name: names[i], Value: record.Cell(cells[i])}
			}
			if !yield(record.Record{Fields: fields, At: t.at}, nil) {
				return
			}
		}
	}
}

type table struct {
	r         *bufio.Reader
	separator byte
	longest   int             // bytes of a row
	single    bool            // of one column
	at, next  record.Location // of the row in buf, and of the line behind it
	buf       []byte          // the row, with its end
	cells     []string
}

func (t *table) cut() string {
	if bytes.HasSuffix(t.buf, []byte("\n")) {
		return ""
	}
	return " (the last line has no line end: is the file cut?)"
}

func (t *table) header() ([]string, error) {
	cells, err := t.row()
	if err != nil {
		return nil, err
	}
	names := append([]string{}, cells...)
	if len(names) > maxColumns {
		return nil, t.at.Errorf("%d columns, at most %d are read", len(names), maxColumns)
	}
	seen := map[string]bool{}
	for _, n := range names {
		if seen[n] {
			return nil, t.at.Errorf("column %.128q comes twice", n)
		}
		seen[n] = true
	}
	t.single = len(names) == 1
	return names, nil
}

// line adds a line to buf; io.EOF says that there is none.
func (t *table) line() error {
	before := len(t.buf)
	for {
		piece, err := t.r.ReadSlice('\n')
		t.buf = append(t.buf, piece...)
		if len(t.buf) > t.longest {
			return t.at.Errorf("row longer than %d MiB: is a quote not closed?", t.longest>>20)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == io.EOF && len(t.buf) > before {
			err = nil
		}
		t.next.Line++
		t.next.Byte += int64(len(t.buf) - before)
		if err != nil && err != io.EOF {
			err = t.at.Errorf("%w", err)
		}
		return err
	}
}

// row reads the next row that is not blank into cells.
func (t *table) row() ([]string, error) {
	for {
		t.at = t.next
		t.buf, t.cells = t.buf[:0], t.cells[:0]
		if err := t.line(); err != nil {
			return nil, err
		}
		if t.at.Byte == 0 {
			t.buf = bytes.TrimPrefix(t.buf, []byte("\ufeff"))
		}
		if blank := len(bytes.TrimRight(t.buf, "\r\n")) == 0; !blank {
			break
		}
		if t.single {
			return nil, t.at.Errorf("a blank line in a table of one column: write \"\" for an empty cell")
		}
	}
	for i := 0; i >= 0; {
		var err error
		if i, err = t.cell(i); err != nil {
			return nil, err
		}
	}
	if !utf8.Valid(t.buf) {
		return nil, t.at.Errorf("invalid UTF-8: save the file as UTF-8")
	}
	return t.cells, nil
}

// cell reads the cell that begins at i and returns where the next one begins, -1
// behind the last.
func (t *table) cell(i int) (int, error) {
	var text []byte
	quoted := i < len(t.buf) && t.buf[i] == '"'
	if quoted {
		var err error
		if text, i, err = t.quoted(i + 1); err != nil {
			return 0, err
		}
	}
	rest := t.buf[i:]
	end, next := bytes.IndexByte(rest, t.separator), 0
	if end >= 0 {
		next = i + end + 1
	} else {
		rest = bytes.TrimSuffix(bytes.TrimSuffix(rest, []byte("\n")), []byte("\r"))
		end, next = len(rest), -1
	}
	if quoted && end > 0 {
		return 0, t.at.Errorf("column %d: %.32q behind a closing quote: write quotes in a cell twice", len(t.cells)+1, rest[:end])
	}
	if !quoted {
		text = rest[:end]
	}
	if len(t.cells) > maxColumns {
		return 0, t.at.Errorf("more than %d cells", maxColumns)
	}
	t.cells = append(t.cells, string(text))
	return next, nil
}

// quoted reads a cell from behind its quote, further lines if it needs them, and
// returns where the closing quote ends.
func (t *table) quoted(i int) ([]byte, int, error) {
	var text []byte
	for from := i; ; {
		at := bytes.IndexByte(t.buf[from:], '"')
		if at < 0 {
			text = append(text, t.buf[from:]...)
			from = len(t.buf)
			err := t.line()
			if err == io.EOF {
				err = t.at.Errorf("column %d: the quote is never closed: is the file cut?", len(t.cells)+1)
			}
			if err != nil {
				return nil, 0, err
			}
			continue
		}
		text = append(text, t.buf[from:from+at]...)
		from += at + 1
		if from == len(t.buf) || t.buf[from] != '"' {
			return text, from, nil
		}
		text = append(text, '"')
		from++
	}
}
