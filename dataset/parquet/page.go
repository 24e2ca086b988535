package parquet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"lamina/record"
)

// Kinds of pages and encodings of parquet.thrift.
const (
	pageData       = 0
	pageIndex      = 1
	pageDictionary = 2
	pageDataV2     = 3

	encPlain           = 0
	encPlainDictionary = 2
	encRLE             = 3
	encDeltaBinary     = 5
	encDeltaLength     = 6
	encDeltaBytes      = 7
	encDictionary      = 8
	encSplit           = 9
)

// Bytes read for a page's head, at first and at most: it may hold the least and
// the greatest value.
const (
	firstHead = 256
	maxHead   = 1 << 20
)

// pageHead is PageHeader of parquet.thrift with the heads of its kinds.
type pageHead struct {
	kind, size, stored, crc            int64
	hasCRC                             bool
	values, encoding, defForm, repForm int64
	defBytes, repBytes                 int64 // version 2
	plain                              bool  // version 2: not compressed
}

// column reads one leaf of one row group, a page at a time.
type column struct {
	leaf   *node
	source io.ReaderAt
	codec  int64
	pos    int64 // of the next page
	end    int64
	left   int64 // values behind the current page
	page   int   // number of the current page, for messages

	inflate  *inflater
	memory   *memory
	stored   []byte // the page as it lies in the file; its memory serves the next
	inflated []byte // the page decompressed, likewise
	dict     []record.Value
	dictSize int64 // bytes that dict holds
	inPage   int64
	defs     hybrid
	reps     hybrid
	values   values
	seen     int64 // bytes of pages, decompressed
	items    int64 // of the row's lists behind their first
	has      bool  // rep and def are those of the next value
	rep, def int
}

func (c *column) open(source io.ReaderAt, k chunk) {
	c.memory.held -= c.dictSize
	*c = column{leaf: c.leaf, inflate: c.inflate, memory: c.memory, stored: c.stored,
		inflated: c.inflated, source: source, codec: k.codec, pos: k.start, end: k.start + k.length, left: k.values, page: -1}
}

// peek makes rep and def those of the next value. It returns false at the end.
func (c *column) peek() (bool, error) {
	if c.has {
		return true, nil
	}
	for c.inPage == 0 {
		if c.left == 0 {
			return false, c.finish()
		}
		if err := c.next(); err != nil {
			return false, fmt.Errorf("page %d: %w", c.page, err)
		}
	}
	rep, err := c.reps.next()
	if err != nil {
		return false, fmt.Errorf("page %d: repetition levels: %w", c.page, err)
	}
	def, err := c.defs.next()
	if err != nil {
		return false, fmt.Errorf("page %d: definition levels: %w", c.page, err)
	}
	if int(rep) > c.leaf.maxRep || int(def) > c.leaf.maxDef {
		return false, fmt.Errorf("page %d: levels %d and %d, at most %d and %d", c.page, rep, def, c.leaf.maxRep, c.leaf.maxDef)
	}
	c.rep, c.def, c.has = int(rep), int(def), true
	return true, nil
}

// take gives the value that peek is at, nil where it is not there.
func (c *column) take() (record.Value, error) {
	c.has = false
	c.inPage--
	var v record.Value
	var err error
	if c.def == c.leaf.maxDef {
		v, err = c.values.next()
	}
	if err == nil && c.inPage == 0 {
		err = c.values.finish()
	}
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", c.page, err)
	}
	return v, nil
}

// finish checks that a chunk holds no pages of data behind its last value.
func (c *column) finish() error {
	for c.pos < c.end {
		h, err := c.head()
		if err != nil {
			return fmt.Errorf("behind the last page: %w", err)
		}
		if h.kind != pageIndex && h.values > 0 {
			return fmt.Errorf("%d bytes behind the last value", c.end-c.pos)
		}
		c.pos += h.stored
	}
	return nil
}

// next opens the next page of data.
func (c *column) next() error {
	for {
		c.page++
		h, err := c.head()
		if err != nil {
			return err
		}
		if h.kind == pageIndex {
			c.pos += h.stored
			continue
		}
		if h.kind != pageDictionary && h.values > c.left {
			return fmt.Errorf("%d values, the column has %d more", h.values, c.left)
		}
		body, err := c.body(h)
		if err != nil {
			return err
		}
		if h.kind == pageDictionary {
			if err := c.dictionary(h, body); err != nil {
				return fmt.Errorf("dictionary: %w", err)
			}
			continue
		}
		if c.values, err = c.decoder(h, body); err != nil {
			return err
		}
		c.inPage = h.values
		c.left -= h.values
		return nil
	}
}

// head reads the head of the page at pos and moves pos behind it. It holds the
// sizes of the page against what is there.
func (c *column) head() (pageHead, error) {
	if c.pos >= c.end {
		return pageHead{}, fmt.Errorf("the column ends %d values early", c.left)
	}
	for n := int64(firstHead); ; n *= 4 {
		n = min(n, c.end-c.pos, maxHead)
		if int64(cap(c.stored)) < n {
			c.stored = make([]byte, n)
		}
		data := c.stored[:n]
		if err := readAt(c.source, data, c.pos); err != nil {
			return pageHead{}, err
		}
		t := &thrift{data: data}
		h := readHead(t)
		if t.err == errShort && n < c.end-c.pos && n < maxHead {
			continue
		}
		if t.err != nil {
			return h, fmt.Errorf("head: %w", t.err)
		}
		c.pos += int64(t.pos)
		switch {
		case h.stored < 0 || h.stored > c.end-c.pos:
			return h, fmt.Errorf("%d bytes, the column has %d more", h.stored, c.end-c.pos)
		case h.size < 0 || h.values < 0 || h.values > 1<<31:
			return h, fmt.Errorf("%d values in %d bytes", h.values, h.size)
		case h.kind < pageData || h.kind > pageDataV2:
			return h, fmt.Errorf("unknown kind %d", h.kind)
		}
		return h, nil
	}
}

func readHead(t *thrift) pageHead {
	h := pageHead{kind: -1, size: -1, stored: -1, values: -1, encoding: -1}
	t.fields(0, func(id int, kind byte) bool {
		switch id {
		case 1:
			return t.number(kind, &h.kind)
		case 2:
			return t.number(kind, &h.size)
		case 3:
			return t.number(kind, &h.stored)
		case 4:
			h.hasCRC = true
			return t.number(kind, &h.crc)
		case 5, 7, 8:
			t.want(kind, tStruct)
			t.fields(1, func(inner int, kind byte) bool { return h.inner(t, id, inner, kind) })
			return true
		}
		return false
	})
	if h.kind == pageIndex {
		h.values = 0
	}
	return h
}

// inner reads a field of DataPageHeader (of is 5), DictionaryPageHeader (7) or
// DataPageHeaderV2 (8).
func (h *pageHead) inner(t *thrift, of, id int, kind byte) bool {
	v2 := of == 8
	switch {
	case id == 1:
		return t.number(kind, &h.values)
	case id == 2 && !v2 || id == 4 && v2:
		return t.number(kind, &h.encoding)
	case id == 3 && of == 5:
		return t.number(kind, &h.defForm)
	case id == 4 && of == 5:
		return t.number(kind, &h.repForm)
	case id == 5 && v2:
		return t.number(kind, &h.defBytes)
	case id == 6 && v2:
		return t.number(kind, &h.repBytes)
	case id == 7 && v2:
		h.plain = kind == tFalse
	}
	return false
}

// body reads a page, checks its sum where it has one, decompresses it and, of a
// page of data, sets up the levels. It returns the bytes of the values.
func (c *column) body(h pageHead) ([]byte, error) {
	if int64(cap(c.stored)) < h.stored {
		c.stored = make([]byte, h.stored)
	}
	stored := c.stored[:h.stored]
	if err := readAt(c.source, stored, c.pos); err != nil {
		return nil, err
	}
	c.pos += h.stored
	if sum := crc32.ChecksumIEEE(stored); h.hasCRC && sum != uint32(h.crc) {
		return nil, fmt.Errorf("checksum %08x, its head says %08x: the file is damaged", sum, uint32(h.crc))
	}
	c.seen += h.size
	if h.kind == pageDataV2 {
		return c.bodyV2(h, stored)
	}
	body, err := c.decompress(c.codec, stored, h.size)
	if err != nil || h.kind == pageDictionary {
		return body, err
	}
	if body, err = levelsV1(&c.reps, body, c.leaf.maxRep, h.repForm); err != nil {
		return nil, fmt.Errorf("repetition levels: %w", err)
	}
	if body, err = levelsV1(&c.defs, body, c.leaf.maxDef, h.defForm); err != nil {
		return nil, fmt.Errorf("definition levels: %w", err)
	}
	return body, nil
}

// bodyV2 is body for a page of version 2, whose levels stand before the values
// and are not compressed.
func (c *column) bodyV2(h pageHead, stored []byte) ([]byte, error) {
	size := int64(len(stored))
	if h.repBytes < 0 || h.repBytes > size || h.defBytes < 0 || h.defBytes > size-h.repBytes || h.size < h.repBytes+h.defBytes {
		return nil, fmt.Errorf("levels of %d and %d bytes in a page of %d", h.repBytes, h.defBytes, size)
	}
	levels := h.repBytes + h.defBytes
	var err error
	if c.reps, err = newHybrid(stored[:h.repBytes], bits.Len(uint(c.leaf.maxRep))); err != nil {
		return nil, err
	}
	if c.defs, err = newHybrid(stored[h.repBytes:levels], bits.Len(uint(c.leaf.maxDef))); err != nil {
		return nil, err
	}
	codec := c.codec
	if h.plain || size == levels { // nothing but nulls is not compressed
		codec = codecPlain
	}
	return c.decompress(codec, stored[levels:], h.size-levels)
}

func (c *column) decompress(codec int64, stored []byte, size int64) ([]byte, error) {
	if codec != codecPlain {
		if err := c.memory.check(size - int64(cap(c.inflated))); err != nil {
			return nil, fmt.Errorf("%d bytes in a page of %d: %w", size, len(stored), err)
		}
	}
	body, err := c.inflate.inflate(codec, c.inflated, stored, int(size))
	if codec != codecPlain && cap(body) > cap(c.inflated) {
		c.memory.held += int64(cap(body) - cap(c.inflated))
		c.inflated = body
	}
	return body, err
}

// levelsV1 sets up levels that stand before the values with their length, and
// returns the bytes behind them.
func levelsV1(into *hybrid, body []byte, most int, form int64) ([]byte, error) {
	if most == 0 {
		*into = hybrid{}
		return body, nil
	}
	if form != encRLE {
		return nil, fmt.Errorf("encoding %d is not read: write the file with a newer library", form)
	}
	if len(body) < 4 {
		return nil, fmt.Errorf("%d bytes", len(body))
	}
	n := binary.LittleEndian.Uint32(body)
	if body = body[4:]; uint64(n) > uint64(len(body)) {
		return nil, fmt.Errorf("%d bytes of the %d that are left", n, len(body))
	}
	var err error
	*into, err = newHybrid(body[:n], bits.Len(uint(most)))
	return body[n:], err
}

// dictionary reads the values that pages name by number.
func (c *column) dictionary(h pageHead, body []byte) error {
	if c.dict != nil || c.inPage > 0 {
		return fmt.Errorf("the column has two")
	}
	if h.encoding != encPlain && h.encoding != encPlainDictionary {
		return fmt.Errorf("encoding %d", h.encoding)
	}
	p, err := newPlain(c.leaf, body)
	if err != nil {
		return err
	}
	// Only bits take less than a byte, and they have no dictionary.
	if h.values > int64(len(body)) {
		return fmt.Errorf("%d values in %d bytes", h.values, len(body))
	}
	size := h.values*valueBytes + int64(len(body))
	if err := c.memory.check(size); err != nil {
		return fmt.Errorf("%d values: %w", h.values, err)
	}
	c.memory.held += size
	c.dictSize = size
	c.dict = make([]record.Value, 0, h.values)
	for range h.values {
		v, err := p.next()
		if err != nil {
			return err
		}
		c.dict = append(c.dict, v)
	}
	return p.finish()
}
