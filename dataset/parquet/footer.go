package parquet

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

const (
	magic      = "PAR1"
	maxFooter  = 64 << 20 // bytes
	maxColumns = 4096
	// A file may claim more rows than it has bytes (a column of one value costs
	// almost nothing), but only within these: they bound time, as no row is held.
	freeRows    = 1 << 24
	rowsPerByte = 64
)

// footer is what a file says of itself, checked against its size.
type footer struct {
	root   *node
	leaves []*node
	rows   int64
	groups []group
}

// group is a run of rows whose columns lie together.
type group struct {
	rows   int64
	chunks []chunk // one for each leaf
}

// chunk is a column's pages of one group.
type chunk struct {
	codec         int64
	values        int64 // nulls and empty lists included
	start, length int64 // bytes of the file
}

// readFooter reads and checks the end of a file. It takes no more memory than the
// footer has bytes, times a small constant.
func readFooter(r io.ReaderAt, size int64) (*footer, error) {
	if size < 12 {
		return nil, fmt.Errorf("%d bytes are no Parquet file", size)
	}
	var head, tail [8]byte
	if err := readAt(r, head[:4], 0); err != nil {
		return nil, err
	}
	if err := readAt(r, tail[:], size-8); err != nil {
		return nil, err
	}
	switch {
	case string(head[:4]) == "PARE" || string(tail[4:]) == "PARE":
		return nil, fmt.Errorf("encrypted: write it without encryption")
	case string(head[:4]) != magic:
		return nil, fmt.Errorf("no Parquet file: it begins with %q, not %q", head[:4], magic)
	case string(tail[4:]) != magic:
		return nil, fmt.Errorf("ends with %q, not %q: is the file cut?", tail[4:], magic)
	}
	length := int64(binary.LittleEndian.Uint32(tail[:4]))
	if length > size-12 || length > maxFooter {
		return nil, fmt.Errorf("a footer of %d bytes in a file of %d", length, size)
	}
	data := make([]byte, length)
	if err := readAt(r, data, size-8-length); err != nil {
		return nil, err
	}
	f := &footer{}
	if err := f.parse(data); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if err := f.check(size-8-length, size); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return f, nil
}

func readAt(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	if n == len(p) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%d bytes at byte %d: %w", len(p), at, err)
}

// parse reads FileMetaData of parquet.thrift (format 2.10).
func (f *footer) parse(data []byte) error {
	t := &thrift{data: data}
	f.rows = -1
	t.fields(0, func(id int, kind byte) bool {
		switch id {
		case 2:
			if t.want(kind, tList); f.root != nil {
				t.fail(fmt.Errorf("two schemas"))
			}
			if f.root, f.leaves = readSchema(t); t.err == nil && f.root == nil {
				t.fail(fmt.Errorf("no schema"))
			}
			return true
		case 3:
			return t.number(kind, &f.rows)
		case 4:
			t.want(kind, tList)
			for range t.list(tStruct) {
				if f.group(t); t.err != nil {
					return true
				}
			}
			return true
		case 8:
			t.fail(fmt.Errorf("columns are encrypted: write them without encryption"))
		}
		return false
	})
	switch {
	case t.err != nil:
		return t.err
	case f.root == nil:
		return fmt.Errorf("no schema")
	}
	return nil
}

// group reads RowGroup.
func (f *footer) group(t *thrift) {
	if f.root == nil {
		t.fail(fmt.Errorf("row groups before the schema"))
	}
	at := len(f.groups)
	g := group{rows: -1}
	t.fields(1, func(id int, kind byte) bool {
		switch id {
		case 1:
			t.want(kind, tList)
			n := t.list(tStruct)
			if t.err == nil && (n != len(f.leaves) || g.chunks != nil) {
				t.fail(fmt.Errorf("row group %d has %d columns, the schema %d", at, n, len(f.leaves)))
			}
			if t.err != nil {
				return true
			}
			g.chunks = make([]chunk, 0, n)
			for i := range n {
				c := readChunk(t, f.leaves[i])
				if t.err != nil {
					t.err = fmt.Errorf("row group %d: column %.128q: %w", at, f.leaves[i].path(), t.err)
					return true
				}
				g.chunks = append(g.chunks, c)
			}
			return true
		case 3:
			return t.number(kind, &g.rows)
		}
		return false
	})
	f.groups = append(f.groups, g)
}

// readChunk reads ColumnChunk.
func readChunk(t *thrift, leaf *node) chunk {
	c := chunk{values: -1, length: -1}
	kindOf, data, dictionary := int64(-1), int64(-1), int64(0)
	t.fields(2, func(id int, kind byte) bool {
		switch id {
		case 1:
			t.fail(fmt.Errorf("lies in another file: only whole files are read"))
		case 3:
			t.want(kind, tStruct)
			t.fields(3, func(id int, kind byte) bool {
				switch id {
				case 1:
					return t.number(kind, &kindOf)
				case 4:
					return t.number(kind, &c.codec)
				case 5:
					return t.number(kind, &c.values)
				case 7:
					return t.number(kind, &c.length)
				case 9:
					return t.number(kind, &data)
				case 11:
					return t.number(kind, &dictionary)
				}
				return false
			})
			return true
		case 8, 9:
			t.fail(fmt.Errorf("is encrypted: write it without encryption"))
		}
		return false
	})
	if t.err == nil && kindOf != int64(leaf.physical) {
		t.fail(fmt.Errorf("type %d in the row group, %d in the schema", kindOf, leaf.physical))
	}
	// Writers set the offset of a page that is not there to 0: the dictionary's, and
	// that of the data of no rows.
	if c.start = data; dictionary > 0 && (dictionary < data || data <= 0) {
		c.start = dictionary
	}
	return c
}

// check holds the numbers of a footer against each other and against the bytes
// before it, which end at end.
func (f *footer) check(end, size int64) error {
	most := int64(math.MaxInt64)
	if size < math.MaxInt64/rowsPerByte {
		most = max(freeRows, size*rowsPerByte)
	}
	rows, bytes := int64(0), int64(0)
	for i, g := range f.groups {
		if g.rows < 0 || g.rows > most-rows {
			return fmt.Errorf("row group %d: %d rows in a file of %d bytes", i, g.rows, size)
		}
		rows += g.rows
		if len(g.chunks) != len(f.leaves) {
			return fmt.Errorf("row group %d has no columns", i)
		}
		for j, c := range g.chunks {
			leaf := f.leaves[j]
			if err := c.check(leaf, g.rows, most, end, end-4-bytes); err != nil {
				return fmt.Errorf("row group %d: column %.128q: %w", i, leaf.path(), err)
			}
			if err := checkCodec(c.codec); err != nil && leaf.unread == "" {
				leaf.unread = fmt.Sprintf("row group %d: %v", i, err)
			}
			bytes += c.length
		}
	}
	if rows != f.rows {
		return fmt.Errorf("%d rows, but the row groups have %d", f.rows, rows)
	}
	f.root.setLead(f.leaves)
	if f.root.lead < 0 {
		leaf := f.leaves[0]
		return fmt.Errorf("no column is read: column %.128q: %s", leaf.path(), leaf.unread)
	}
	return nil
}

// check holds a chunk against the rows of its group, the most values a file of
// this size may have, the end of the data, and the bytes no other chunk has.
func (c chunk) check(leaf *node, rows, most, end, free int64) error {
	switch {
	case c.values < rows || c.values > most || leaf.maxRep == 0 && c.values != rows:
		return fmt.Errorf("%d values in %d rows", c.values, rows)
	case c.start < 4 || c.length < 0 || c.start > end || c.length > end-c.start:
		return fmt.Errorf("begins at byte %d and has %d bytes, but data are bytes 4 to %d", c.start, c.length, end)
	case c.length > free:
		return fmt.Errorf("shares bytes with another column")
	}
	return nil
}
