package parquet

import (
	"fmt"

	"lamina/record"
)

// maxBlock bounds the numbers a block of deltas may claim; writers use 128.
const maxBlock = 1 << 16

// delta reads DELTA_BINARY_PACKED. Numbers are stored as differences, in blocks; a block
// names its least difference, and holds what each is above it in parts (the format's
// "miniblocks") that have a bit width each. Numbers are decoded one at a time.
type delta struct {
	data   []byte
	per    int // numbers in a part
	parts  int // parts in a block
	left   int64
	value  int64
	first  bool   // value is the first one, which has no difference
	least  int64  // of the block
	widths []byte // of the parts that are not begun
	part   []byte // the current part
	width  int
	inPart int
	bit    int
}

// newDelta reads the head; most bounds the numbers it may claim.
func newDelta(data []byte, most int64) (*delta, error) {
	t := &thrift{data: data}
	block, parts, count, first := t.varint(), t.varint(), t.varint(), t.int()
	switch {
	case t.err != nil:
		return nil, fmt.Errorf("deltas: %w", t.err)
	case block == 0 || block > maxBlock || block%128 != 0 || parts == 0 || parts > block/32 || block/parts%32 != 0 || block%parts != 0:
		return nil, fmt.Errorf("deltas in blocks of %d with %d parts", block, parts)
	case count > uint64(most):
		return nil, fmt.Errorf("%d deltas in a page of %d values", count, most)
	}
	return &delta{data: data[t.pos:], per: int(block / parts), parts: int(parts), left: int64(count), value: first, first: true}, nil
}

func (d *delta) next() (int64, error) {
	if d.left == 0 {
		return 0, errEarly
	}
	d.left--
	if d.first {
		d.first = false
		return d.value, nil
	}
	if d.inPart == 0 {
		if err := d.open(); err != nil {
			return 0, err
		}
	}
	d.inPart--
	var v uint64
	for got := 0; got < d.width; {
		b := uint64(d.part[d.bit>>3]) >> (d.bit & 7)
		n := min(8-d.bit&7, d.width-got)
		v |= b & (1<<n - 1) << got
		got += n
		d.bit += n
	}
	d.value += d.least + int64(v)
	return d.value, nil
}

// open begins the next part, and the next block where one ends.
func (d *delta) open() error {
	if len(d.widths) == 0 {
		t := &thrift{data: d.data}
		d.least = t.int()
		if t.err != nil || t.left() < d.parts {
			return fmt.Errorf("deltas end early")
		}
		d.widths = d.data[t.pos : t.pos+d.parts]
		d.data = d.data[t.pos+d.parts:]
	}
	d.width = int(d.widths[0])
	d.widths = d.widths[1:]
	bytes := d.per / 8 * d.width
	if d.width > 64 || bytes > len(d.data) {
		return fmt.Errorf("deltas of %d bits in %d bytes", d.width, len(d.data))
	}
	d.part, d.data = d.data[:bytes], d.data[bytes:]
	d.inPart, d.bit = d.per, 0
	return nil
}

// rest runs to the end and returns the bytes behind the last block.
func (d *delta) rest() ([]byte, error) {
	for d.left > 0 {
		if _, err := d.next(); err != nil {
			return nil, err
		}
	}
	return d.data, nil
}

// deltaInts reads whole numbers.
type deltaInts struct {
	*delta
	leaf *node
}

func (x *deltaInts) next() (record.Value, error) {
	v, err := x.delta.next()
	if x.leaf.physical == pInt32 {
		v = int64(int32(v)) // differences wrap around at the column's width
	}
	return wholeOf(x.leaf, v), err
}

func (d *delta) finish() error {
	if d.left > 0 {
		return fmt.Errorf("%d values behind the last", d.left)
	}
	return nil
}

// deltaLength reads DELTA_LENGTH_BYTE_ARRAY: all lengths, then all texts.
type deltaLength struct {
	lengths *delta
	data    []byte
}

func newDeltaLength(body []byte, most int64) (*deltaLength, error) {
	lengths, err := newDelta(body, most)
	if err != nil {
		return nil, err
	}
	ahead := *lengths
	data, err := ahead.rest()
	return &deltaLength{lengths, data}, err
}

func (x *deltaLength) bytes() ([]byte, error) {
	n, err := x.lengths.next()
	if err != nil {
		return nil, err
	}
	if n = int64(int32(n)); n < 0 || n > int64(len(x.data)) {
		return nil, fmt.Errorf("a text of %d bytes, %d are left", n, len(x.data))
	}
	text := x.data[:n]
	x.data = x.data[n:]
	return text, nil
}

// deltaTexts are the values of a column of such texts.
type deltaTexts struct {
	*deltaLength
	leaf *node
}

func (x *deltaTexts) next() (record.Value, error) {
	b, err := x.bytes()
	if err != nil {
		return nil, err
	}
	return bytesOf(x.leaf, b)
}

func (x *deltaLength) finish() error {
	if err := leftOver(x.data); err != nil {
		return err
	}
	return x.lengths.finish()
}

// deltaBytes reads DELTA_BYTE_ARRAY: how much of the text before each begins
// with, and the rest as deltaLength has it.
type deltaBytes struct {
	leaf     *node
	prefixes *delta
	rest     *deltaLength
	last     []byte
}

func newDeltaBytes(leaf *node, body []byte, most int64) (values, error) {
	prefixes, err := newDelta(body, most)
	if err != nil {
		return nil, err
	}
	ahead := *prefixes
	data, err := ahead.rest()
	if err != nil {
		return nil, err
	}
	rest, err := newDeltaLength(data, most)
	return &deltaBytes{leaf: leaf, prefixes: prefixes, rest: rest}, err
}

func (x *deltaBytes) next() (record.Value, error) {
	n, err := x.prefixes.next()
	if err != nil {
		return nil, err
	}
	if n = int64(int32(n)); n < 0 || n > int64(len(x.last)) {
		return nil, fmt.Errorf("begins with %d bytes of a text of %d", n, len(x.last))
	}
	b, err := x.rest.bytes()
	if err != nil {
		return nil, err
	}
	x.last = append(x.last[:n], b...)
	if x.leaf.physical == pFixed && len(x.last) != x.leaf.width {
		return nil, fmt.Errorf("%d bytes of a column of %d", len(x.last), x.leaf.width)
	}
	return bytesOf(x.leaf, x.last)
}

func (x *deltaBytes) finish() error {
	if err := x.prefixes.finish(); err != nil {
		return err
	}
	return x.rest.finish()
}
