package corpus

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"lamina/eval"
	"lamina/internal/files"
	"lamina/record"
)

// plain returns the texts of a file of plain text, and its bytes: its lines with their line
// ends, or all of it. A line end of two characters counts as one, as Python reads it.
func (p *packer) plain(from eval.Data) (iter.Seq2[record.Record, error], int64, error) {
	sum, size, err := files.SHA256(from.Path)
	if err != nil {
		return nil, 0, err
	}
	p.rows.Identity = eval.Identity{Name: filepath.Base(from.Path), SHA256: sum}
	return func(yield func(record.Record, error) bool) {
		f, _, err := files.Open(from.Path, files.Unlimited)
		if err != nil {
			yield(record.Record{}, err)
			return
		}
		defer f.Close()
		if p.pack == PackEOS {
			yield(wholeText(f, from.Path))
			return
		}
		lines(bufio.NewReader(files.Dense(f, files.LongestZeros)), from.Path, yield)
	}, size, nil
}

// wholeText returns a file as one text.
func wholeText(f io.Reader, path string) (record.Record, error) {
	at := record.Location{File: path}
	text, err := io.ReadAll(io.LimitReader(files.Dense(f, files.LongestZeros), maxText+1))
	switch {
	case err != nil:
		return record.Record{}, at.Errorf("%w", err)
	case len(text) > maxText:
		return record.Record{}, at.Errorf("more than %d MiB in one text: write JSON lines, {\"text\": …} for each, or give --pack clm, which takes it line by line", maxText>>20)
	}
	return textRow(string(text), at)
}

// maxText is the most bytes of a file of plain text that is one text: its tokens are held
// beside it.
const maxText = 1 << 30

// lines passes on the lines of r, each with its end.
func lines(r *bufio.Reader, path string, yield func(record.Record, error) bool) {
	at := record.Location{File: path, Line: 1}
	for {
		line, err := line(r)
		if err != nil && !errors.Is(err, io.EOF) {
			yield(record.Record{}, at.Errorf("%w", err))
			return
		}
		if line != "" && !yield(textRow(line, at)) || err != nil {
			return
		}
		at.Line++
		at.Byte += int64(len(line))
	}
}

// line reads up to a line end, or to the end of the file.
func line(r *bufio.Reader) (string, error) {
	var all []byte
	for {
		piece, err := r.ReadSlice('\n')
		all = append(all, piece...)
		if len(all) > record.MaxLine {
			return "", errLongLine
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return string(all), err
		}
	}
}

var errLongLine = errors.New("a line of more than 16 MiB: break it")

// textRow returns a text as a row of one column.
func textRow(text string, at record.Location) (record.Record, error) {
	if !utf8.ValidString(text) {
		return record.Record{}, at.Errorf("invalid UTF-8: save the file as UTF-8")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return record.Record{Fields: record.Object{{Name: "text", Value: text}}, At: at}, nil
}
