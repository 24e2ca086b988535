package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"lamina/dataset/parquet"
)

// Count returns how many records [Set.Records] gives. Rows of JSON lines and of Parquet
// are counted without being read, so that what is wrong with one of them is not seen;
// nothing is kept.
func (s *Set) Count() (int, error) {
	total := 0
	for _, src := range s.sources {
		n, err := s.count(src)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

func (s *Set) count(src source) (n int, err error) {
	f, err := s.open(src.file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	text, err := openStream(f, src.file.Name, src.file.Size)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", src.file.Path, err)
	}
	defer text.close()
	if n, ok, err := quickly(f, text, src); ok || err != nil {
		return n, err
	}
	for _, err := range scan(f, text, src) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// quickly counts the rows of a form that shows them without being read; ok says that
// this is one. Of other forms it reads nothing.
func quickly(f *os.File, text *stream, src source) (n int, ok bool, err error) {
	switch src.form {
	case parquetForm:
		if text.packed {
			return 0, false, nil
		}
		rows, err := parquet.Rows(f, src.file.Size, src.file.Path)
		return int(rows), true, err
	case jsonForm:
		head, _ := text.Peek(256)
		if bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"), []byte("{")) && !member.Match(head) {
			n, err := countLines(text)
			if err != nil {
				err = fmt.Errorf("%s: %w", src.file.Path, err)
			}
			return n, true, err
		}
	}
	return 0, false, nil
}

// countLines counts lines that are not blank.
func countLines(text *stream) (n int, err error) {
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" {
		text.Discard(len(mark)) // that are there
	}
	some := false // of the current line is not blank
	for {
		piece, err := text.ReadSlice('\n')
		some = some || len(bytes.Trim(piece, " \t\r\n")) > 0
		ended := bytes.HasSuffix(piece, []byte("\n"))
		if some && (ended || err == io.EOF) {
			n, some = n+1, false
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil && err != bufio.ErrBufferFull:
			return n, err
		}
	}
}
