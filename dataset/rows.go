package dataset

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"regexp"
	"strings"

	"lamina/dataset/parquet"
	"lamina/record"
)

// How much of a Parquet file in gzip or zstd is held, for its rows can be found from its
// end only: a multiple of its bytes and something for small ones. Its pages are
// compressed already, so that it hardly grows.
const (
	freePackedParquet    = 8 << 20
	packedParquetPerByte = 2
)

type rows = iter.Seq2[record.Record, error]

func failed(err error) rows {
	return func(yield func(record.Record, error) bool) { yield(record.Record{}, err) }
}

// rows reads one file.
func (s *Set) rows(src source) rows {
	return func(yield func(record.Record, error) bool) {
		f, err := s.open(src.file)
		if err != nil {
			yield(record.Record{}, err)
			return
		}
		defer f.Close()
		text, err := openStream(f, src.file.Name, src.file.Size)
		if err != nil {
			yield(record.Record{}, fmt.Errorf("%s: %w", src.file.Path, err))
			return
		}
		defer text.close()
		all := scan(f, text, src)
		if src.labels != nil {
			all = s.labelled(all, src)
		}
		all(yield)
	}
}

// scan reads the rows of a file in its form.
func scan(f *os.File, text *stream, src source) rows {
	name, longest := src.file.Path, text.longest(src.file.Size)
	switch src.form {
	case csvForm:
		return scanTable(text, name, ',', longest)
	case tsvForm:
		return scanTable(text, name, '\t', longest)
	case parquetForm:
		return scanParquet(f, text, src)
	case passageForm:
		return scanPassage(text, name, longest)
	}
	plain, _ := plainName(src.file.Name)
	if strings.EqualFold(path.Ext(plain), ".json") {
		// A byte order mark and blank lines may come before the object.
		if head, _ := text.Peek(256); member.Match(head) {
			return scanMember(text, name, longest)
		}
	}
	return record.ScanUpTo(text, name, longest)
}

func scanParquet(f *os.File, text *stream, src source) rows {
	if !text.packed {
		return parquet.Scan(f, src.file.Size, src.file.Path)
	}
	most := freePackedParquet + packedParquetPerByte*src.file.Size
	all, err := io.ReadAll(io.LimitReader(text, most+1))
	if err == nil && int64(len(all)) > most {
		err = fmt.Errorf("more than %d bytes of Parquet in a packed file of %d: decompress it yourself", most, src.file.Size)
	}
	if err != nil {
		return failed(fmt.Errorf("%s: %w", src.file.Path, err))
	}
	return parquet.ScanUnpacked(bytes.NewReader(all), int64(len(all)), src.file.Path, src.file.Size)
}

// scanPassage reads a file of RACE, which is one JSON object.
func scanPassage(text *stream, name string, longest int) rows {
	head, err := text.Peek(256)
	if err != nil && err != io.EOF {
		return failed(fmt.Errorf("%s: %w", name, err))
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] != '{' {
		return failed(fmt.Errorf(`%s: plain text has no rows: write JSON lines, {"text": …} for each`, name))
	}
	return func(yield func(record.Record, error) bool) {
		n := 0
		for r, err := range record.ScanUpTo(text, name, longest) {
			if n++; err == nil && n > 1 {
				err = r.At.Errorf("a second object: such a file holds one passage (rename it to .jsonl if it has one a line)")
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Limits of a file of labels.
const (
	maxLabels = 64 << 20 // bytes
	maxLabel  = 64       // bytes of one
)

// labelled gives each row of PIQA or WinoGrande its line of the file of labels, as
// the field "label". There must be a line for each row and none more.
func (s *Set) labelled(all rows, src source) rows {
	labels, err := s.readLabels(*src.labels)
	if err != nil {
		return failed(err)
	}
	return func(yield func(record.Record, error) bool) {
		n := 0
		for r, err := range all {
			if err == nil && n == len(labels) {
				err = r.At.Errorf("has no label: %s has %d lines", src.labels.Path, len(labels))
			}
			if err == nil {
				r, err = withLabel(r, labels[n], src.labels.Path, n+1)
			}
			if n++; !yield(r, err) || err != nil {
				return
			}
		}
		if n < len(labels) {
			yield(record.Record{}, fmt.Errorf("%s has %d lines, %s %d records", src.labels.Path, len(labels), src.file.Path, n))
		}
	}
}

// withLabel adds the field, or holds it against the one that the row has.
func withLabel(r record.Record, label, file string, line int) (record.Record, error) {
	if own, ok := r.Fields.Get("label"); ok {
		if fmt.Sprint(own) != label {
			return r, r.At.Errorf("field \"label\": %.64q, but %s:%d says %q", fmt.Sprint(own), file, line, label)
		}
		return r, nil
	}
	r.Fields = append(r.Fields, record.Field{Name: "label", Value: record.Cell(label)})
	return r, nil
}

func (s *Set) readLabels(f File) ([]string, error) {
	r, err := s.open(f)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxLabels+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxLabels {
		return nil, fmt.Errorf("%s: more than %d MiB", f.Path, maxLabels>>20)
	}
	var labels []string
	for line := range strings.SplitSeq(strings.TrimRight(string(text), "\r\n"), "\n") {
		label := strings.TrimSpace(line)
		if label == "" || len(label) > maxLabel {
			return nil, fmt.Errorf("%s:%d: %.64q is no label", f.Path, len(labels)+1, label)
		}
		labels = append(labels, label)
	}
	return labels, nil
}

// member matches the beginning of a file whose rows lie inside one object (TriviaQA).
var member = regexp.MustCompile(`^(\x{feff})?\s*\{\s*"Data"\s*:\s*\[`)
