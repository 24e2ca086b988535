package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"time"
	"unicode/utf8"

	"lamina/record"
)

// values gives the values of a page that are there, one after the other.
type values interface {
	next() (record.Value, error)
	// finish is called behind the last one; bytes left over are an error.
	finish() error
}

var errEarly = fmt.Errorf("values end early")

// decoder returns the reader of a page's values.
func (c *column) decoder(h pageHead, body []byte) (values, error) {
	leaf := c.leaf
	whole := leaf.physical == pInt32 || leaf.physical == pInt64
	switch {
	case h.encoding == encPlain:
		return newPlain(leaf, body)
	case h.encoding == encDictionary || h.encoding == encPlainDictionary:
		return newIndexed(c.dict, body)
	case h.encoding == encRLE && leaf.physical == pBoolean:
		return newRunBools(body)
	case h.encoding == encDeltaBinary && whole:
		d, err := newDelta(body, h.values)
		return &deltaInts{d, leaf}, err
	case h.encoding == encDeltaLength && leaf.physical == pBytes:
		d, err := newDeltaLength(body, h.values)
		return &deltaTexts{d, leaf}, err
	case h.encoding == encDeltaBytes && (leaf.physical == pBytes || leaf.physical == pFixed):
		return newDeltaBytes(leaf, body, h.values)
	case h.encoding == encSplit && leaf.physical != pBoolean && leaf.physical != pBytes && leaf.physical != pInt96:
		return newSplit(leaf, body)
	}
	return nil, fmt.Errorf("encoding %d of type %d is not read: write the column plain or with a dictionary", h.encoding, leaf.physical)
}

// plain reads values that lie one behind the other.
type plain struct {
	leaf *node
	data []byte
	bit  int // of a BOOLEAN
}

func newPlain(leaf *node, data []byte) (*plain, error) { return &plain{leaf: leaf, data: data}, nil }

func (p *plain) next() (record.Value, error) {
	switch p.leaf.physical {
	case pBoolean:
		if p.bit >= len(p.data)*8 {
			return nil, errEarly
		}
		p.bit++
		return p.data[(p.bit-1)>>3]>>((p.bit-1)&7)&1 == 1, nil
	case pBytes:
		if len(p.data) < 4 {
			return nil, errEarly
		}
		n := binary.LittleEndian.Uint32(p.data)
		if p.data = p.data[4:]; uint64(n) > uint64(len(p.data)) {
			return nil, fmt.Errorf("a text of %d bytes, %d are left", n, len(p.data))
		}
		text := p.data[:n]
		p.data = p.data[n:]
		return bytesOf(p.leaf, text)
	}
	n := fixedSize(p.leaf)
	if len(p.data) < n {
		return nil, errEarly
	}
	v := p.data[:n]
	p.data = p.data[n:]
	return fixedOf(p.leaf, v)
}

func (p *plain) finish() error {
	if p.leaf.physical == pBoolean {
		return nil
	}
	return leftOver(p.data)
}

// padding is how many zeros fastparquet writes behind each page.
const padding = 8

// leftOver judges the bytes behind a page's last value.
func leftOver(b []byte) error {
	if len(b) <= padding && len(bytes.Trim(b, "\x00")) == 0 {
		return nil
	}
	return fmt.Errorf("%d bytes behind the last value", len(b))
}

// fixedSize returns the bytes of a value of a type of fixed size.
func fixedSize(leaf *node) int {
	switch leaf.physical {
	case pInt32, pFloat:
		return 4
	case pInt64, pDouble:
		return 8
	case pInt96:
		return 12
	}
	return leaf.width
}

func fixedOf(leaf *node, b []byte) (record.Value, error) {
	switch leaf.physical {
	case pInt32:
		return wholeOf(leaf, int64(int32(binary.LittleEndian.Uint32(b)))), nil
	case pInt64:
		return wholeOf(leaf, int64(binary.LittleEndian.Uint64(b))), nil
	case pFloat:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), nil
	case pDouble:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	case pInt96:
		return oldTime(b), nil
	}
	return bytesOf(leaf, b)
}

// Forms of dates and times: those of ISO 8601.
const (
	dateForm  = "2006-01-02"
	clockForm = "15:04:05.999999999"
	timeForm  = dateForm + "T" + clockForm
)

// wholeOf converts a stored whole number to the type of its column. Dates and times become
// the text of ISO 8601, times in UTC or without a zone as they were written.
func wholeOf(leaf *node, v int64) record.Value {
	switch leaf.form {
	case asUnsigned:
		if leaf.physical == pInt32 {
			return int64(uint32(v))
		}
		if v < 0 {
			return record.Number(fmt.Sprint(uint64(v)))
		}
	case asDate:
		return time.Unix(v*24*3600, 0).UTC().Format(dateForm)
	case asMillis:
		return time.UnixMilli(v).UTC().Format(timeForm)
	case asMicros:
		return time.UnixMicro(v).UTC().Format(timeForm)
	case asNanos:
		return time.Unix(0, v).UTC().Format(timeForm)
	case asTimeMillis:
		return time.UnixMilli(v).UTC().Format(clockForm)
	case asTimeMicros:
		return time.UnixMicro(v).UTC().Format(clockForm)
	case asTimeNanos:
		return time.Unix(0, v).UTC().Format(clockForm)
	case asDecimal:
		return decimal(big.NewInt(v), leaf.scale)
	}
	return v
}

func checkText(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("%.32q is no UTF-8 text: leave out columns of raw bytes", b)
	}
	return nil
}

// indexed reads numbers of values in a dictionary.
type indexed struct {
	dict    []record.Value
	numbers hybrid
}

func newIndexed(dict []record.Value, body []byte) (values, error) {
	if dict == nil {
		return nil, fmt.Errorf("numbers of a dictionary that is not there")
	}
	if len(body) == 0 { // every value is null
		return &indexed{}, nil
	}
	numbers, err := newHybrid(body[1:], int(body[0]))
	return &indexed{dict, numbers}, err
}

func (x *indexed) next() (record.Value, error) {
	i, err := x.numbers.next()
	if err != nil {
		return nil, err
	}
	if uint64(i) >= uint64(len(x.dict)) {
		return nil, fmt.Errorf("value %d of a dictionary of %d", i, len(x.dict))
	}
	return x.dict[i], nil
}

func (x *indexed) finish() error { return nil }

// runBools reads BOOLEAN as runs.
type runBools struct{ bits hybrid }

func newRunBools(body []byte) (values, error) {
	var bits hybrid
	rest, err := levelsV1(&bits, body, 1, encRLE)
	if err == nil {
		err = leftOver(rest)
	}
	return &runBools{bits}, err
}

func (x *runBools) next() (record.Value, error) {
	v, err := x.bits.next()
	return v == 1, err
}

func (x *runBools) finish() error { return nil }

// split reads values whose first bytes lie together, then their second bytes, and
// so on.
type split struct {
	leaf  *node
	data  []byte
	count int
	i     int
	value []byte
}

func newSplit(leaf *node, body []byte) (values, error) {
	n := fixedSize(leaf)
	if len(body)%n != 0 {
		return nil, fmt.Errorf("%d bytes of values of %d", len(body), n)
	}
	return &split{leaf: leaf, data: body, count: len(body) / n, value: make([]byte, n)}, nil
}

func (x *split) next() (record.Value, error) {
	if x.i == x.count {
		return nil, errEarly
	}
	for b := range x.value {
		x.value[b] = x.data[b*x.count+x.i]
	}
	x.i++
	return fixedOf(x.leaf, x.value)
}

func (x *split) finish() error {
	if x.i < x.count {
		return fmt.Errorf("%d values behind the last", x.count-x.i)
	}
	return nil
}
