// Package parquet reads Parquet files as records.
//
//	file, err := os.Open("train-00000-of-00001.parquet")
//	size := …
//	for r, err := range parquet.Scan(file, size, file.Name()) {
//		stem, err := r.Text("question.stem")
//		…
//	}
//
// It knows the format (github.com/apache/parquet-format 2.10) as far as data sets
// use it: pages of version 1 and 2, every encoding of values but those given up
// before 2013, snappy, zstd, gzip, Brotli and raw LZ4; true/false, whole numbers, floats
// of 16 to 64 bits, decimals, texts, UUIDs, dates and times, INT96 too, nested lists and
// structures with nulls at any level. A column whose type or codec it does not know and
// raw bytes that are no text refuse nobody: they are [record.Unread], and who asks for
// the field is told why. Encrypted files are refused. It knows nothing of data sets.
//
// It is our own because a file comes from a stranger. Of the 79 bad files that this
// package's tests had at first, each of less than 2 KiB, github.com/parquet-go/parquet-go v0.32.0
// reads 33 as if they were good (one of them with more rows than it has), takes
// 4 GiB for one, panics on three, and ends the process on one, because its LZ4
// doubles a buffer without end. A guard in front of it would have to read all that
// there is to read.
//
// Invariants: rows and fields keep their order; memory is one page and one
// dictionary a column, and all of them together at most five times the file and 20 MiB;
// a size that the file states
// allocates nothing before bytes are there for it; no goroutines; two calls with
// the same arguments give the same result.
package parquet

import (
	"fmt"
	"io"
	"iter"

	"lamina/record"
)

// freeItems is how many items of lists may cost no bytes in a row (all the same, or
// null); there may be itemsPerByte more for each byte of the column's pages so far.
const (
	freeItems    = 1 << 16
	itemsPerByte = 8
)

// Scan reads the records of a Parquet file of size bytes in order. Their place is
// name and the row, from 1. Scan ends after the first error, which names file,
// row or row group, column and page.
//
// A list of whole numbers is []int64, another or an empty one record.List, a
// structure record.Object with its fields in the schema's order, a map a list of
// objects with key and value, a float of 16 or 32 bits the float64 of the same value, a
// decimal the record.Cell of its digits, dates and times the text of ISO 8601.
func Scan(r io.ReaderAt, size int64, name string) iter.Seq2[record.Record, error] {
	return ScanUnpacked(r, size, name, size)
}

// ScanUnpacked is [Scan] of a file that was packed as a whole, in packed bytes: those
// say how much memory it may take.
func ScanUnpacked(r io.ReaderAt, size int64, name string, packed int64) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		f, err := readFooter(r, size)
		if err != nil {
			yield(record.Record{}, fmt.Errorf("%s: %w", name, err))
			return
		}
		s := &scanner{footer: f, source: r, memory: memoryOf(packed), at: record.Location{File: name, Byte: -1}}
		inflate := &inflater{}
		s.columns = make([]column, len(f.leaves))
		for i, leaf := range f.leaves {
			s.columns[i] = column{leaf: leaf, inflate: inflate, memory: s.memory}
		}
		s.run(yield)
	}
}

// Rows returns how many records a file says that [Scan] gives. It reads the footer alone.
func Rows(r io.ReaderAt, size int64, name string) (int64, error) {
	f, err := readFooter(r, size)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return f.rows, nil
}

type scanner struct {
	*footer
	source  io.ReaderAt
	columns []column
	memory  *memory
	spent   int64 // bytes of the row
	at      record.Location
}

func (s *scanner) run(yield func(record.Record, error) bool) {
	for i, g := range s.groups {
		for j := range s.columns {
			s.columns[j].open(s.source, g.chunks[j])
		}
		for range g.rows {
			s.at.Line++
			v, err := s.row()
			if err != nil {
				yield(record.Record{}, s.at.Errorf("%w", err))
				return
			}
			if !yield(record.Record{Fields: v, At: s.at}, nil) {
				return
			}
		}
		for j := range s.columns {
			if s.columns[j].leaf.unread != "" {
				continue
			}
			more, err := s.columns[j].peek()
			if err == nil && more {
				err = fmt.Errorf("more values than rows")
			}
			if err != nil {
				yield(record.Record{}, fmt.Errorf("%s: row group %d: %w", s.at.File, i, inColumn(&s.columns[j], err)))
				return
			}
		}
	}
}

func inColumn(c *column, err error) error {
	return fmt.Errorf("column %.128q: %w", c.leaf.path(), err)
}

// row builds the next row.
func (s *scanner) row() (record.Object, error) {
	s.spent = 0
	for i := range s.columns {
		if s.columns[i].leaf.unread != "" {
			continue
		}
		s.columns[i].items = 0
		if err := s.expect(i, 0); err != nil {
			return nil, err
		}
	}
	v, err := s.build(s.root)
	if err != nil {
		return nil, err
	}
	return v.(record.Object), nil
}

// expect checks that a column has a further value, and that its repetition level is
// rep.
func (s *scanner) expect(i, rep int) error {
	c := &s.columns[i]
	more, err := c.peek()
	switch {
	case err != nil:
	case !more:
		err = fmt.Errorf("ends early")
	case c.rep != rep:
		err = fmt.Errorf("page %d: a value of repetition level %d, want %d: columns of a list differ in length", c.page, c.rep, rep)
	default:
		return nil
	}
	return inColumn(c, err)
}

// build reads the value of a node. Each of the columns below the node that are read
// stands at a value that is part of it.
func (s *scanner) build(n *node) (record.Value, error) {
	if n.lead < 0 {
		return record.Unread{Why: s.leaves[n.lo].unread}, nil
	}
	first := &s.columns[n.lead]
	if first.def < n.def {
		return nil, s.absent(n, n.def)
	}
	switch n.form {
	case asList:
		if first.def < n.itemDef {
			return record.List(nil), s.absent(n, n.itemDef)
		}
		return s.list(n)
	case asObject:
		if err := s.spend(len(n.fields) * fieldBytes); err != nil {
			return nil, err
		}
		o := make(record.Object, len(n.fields))
		for i, field := range n.fields {
			v, err := s.build(field)
			if err != nil {
				return nil, err
			}
			o[i] = record.Field{Name: field.name, Value: v}
		}
		return o, nil
	}
	v, err := first.take()
	if err != nil {
		return nil, inColumn(first, err)
	}
	return v, nil
}

// absent steps over a node that is null or an empty list: each column below it has one
// entry there, without a value, whose definition level is the one below def.
func (s *scanner) absent(n *node, def int) error {
	for i := n.lo; i < n.hi; i++ {
		c := &s.columns[i]
		if c.leaf.unread != "" {
			continue
		}
		if c.def != def-1 || def == n.def && !n.null {
			return inColumn(c, fmt.Errorf("page %d: definition level %d where %d must be", c.page, c.def, def))
		}
		if _, err := c.take(); err != nil {
			return inColumn(c, err)
		}
	}
	return nil
}

// list builds the items of a list that has some.
func (s *scanner) list(n *node) (record.Value, error) {
	item := n.fields[0]
	var ints []int64
	var list record.List
	for {
		v, err := s.build(item)
		if err == nil {
			err = s.spend(valueBytes)
		}
		if err != nil {
			return nil, err
		}
		whole, is := v.(int64)
		switch {
		case list != nil:
			list = append(list, v)
		case is:
			ints = append(ints, whole)
		default:
			for _, i := range ints {
				list = append(list, i)
			}
			list = append(list, v)
		}
		more, err := s.another(n)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if list == nil {
		return ints, nil
	}
	return list, nil
}

// another reports whether the list goes on with one more item, on which all columns
// below it must agree.
func (s *scanner) another(n *node) (bool, error) {
	first := &s.columns[n.lead]
	some, err := first.peek()
	if err != nil {
		return false, inColumn(first, err)
	}
	if !some || first.rep < n.itemRep {
		return false, nil
	}
	if first.items++; first.items > freeItems+itemsPerByte*first.seen {
		return false, inColumn(first, fmt.Errorf("a row of more than %d items in %d bytes", first.items-1, first.seen))
	}
	for i := n.lo; i < n.hi; i++ {
		if s.columns[i].leaf.unread != "" {
			continue
		}
		if err := s.expect(i, n.itemRep); err != nil {
			return false, err
		}
	}
	return true, nil
}
