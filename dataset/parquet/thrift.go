package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Types of Thrift's compact protocol.
const (
	tStop   = 0
	tTrue   = 1
	tFalse  = 2
	tByte   = 3
	tI16    = 4
	tI32    = 5
	tI64    = 6
	tDouble = 7
	tBinary = 8
	tList   = 9
	tSet    = 10
	tMap    = 11
	tStruct = 12
)

// maxThriftDepth bounds how deep structures nest; Parquet's own need 8.
const maxThriftDepth = 16

// errShort says that a structure goes on behind the bytes at hand.
var errShort = errors.New("the bytes end inside a structure")

// thrift reads Thrift's compact protocol from memory. After the first error every
// call returns zeros, so that callers check err once. No size in the data makes it
// allocate: texts are views of data.
type thrift struct {
	data []byte
	pos  int
	err  error
}

func (t *thrift) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *thrift) left() int { return len(t.data) - t.pos }

func (t *thrift) byte() byte {
	if t.err != nil || t.left() == 0 {
		t.fail(errShort)
		return 0
	}
	t.pos++
	return t.data[t.pos-1]
}

func (t *thrift) varint() uint64 {
	if t.err != nil {
		return 0
	}
	v, n := binary.Uvarint(t.data[t.pos:])
	switch {
	case n == 0:
		t.fail(errShort)
	case n < 0:
		t.fail(fmt.Errorf("a number of more than 64 bits"))
		return 0
	}
	t.pos += n
	return v
}

// int reads a signed number of any width.
func (t *thrift) int() int64 {
	v := t.varint()
	return int64(v>>1) ^ -int64(v&1)
}

// text reads bytes behind their length, as a view of data.
func (t *thrift) text() []byte {
	n := t.varint()
	if t.err != nil {
		return nil
	}
	if n > uint64(t.left()) {
		t.fail(errShort)
		return nil
	}
	t.pos += int(n)
	return t.data[t.pos-int(n) : t.pos]
}

// list reads the head of a list of one kind. Every item takes at least one byte,
// so the count is never more than the bytes that are left.
func (t *thrift) list(kind byte) int {
	got, n := t.listHead()
	if t.err == nil && n > 0 && got != kind {
		t.fail(fmt.Errorf("a list of Thrift type %d, want %d", got, kind))
		return 0
	}
	return n
}

func (t *thrift) listHead() (kind byte, n int) {
	head := t.byte()
	count := uint64(head >> 4)
	if count == 15 {
		count = t.varint()
	}
	if t.err == nil && count > uint64(t.left()) {
		t.fail(errShort)
	}
	if t.err != nil {
		return 0, 0
	}
	return head & 15, int(count)
}

// fields calls field for each field of a structure until it ends. A field that the
// function does not take (it returns false) is stepped over.
func (t *thrift) fields(depth int, field func(id int, kind byte) bool) {
	if depth > maxThriftDepth {
		t.fail(fmt.Errorf("structures nest deeper than %d", maxThriftDepth))
	}
	id := 0
	for t.err == nil {
		head := t.byte()
		if t.err != nil || head == tStop {
			return
		}
		if delta := int(head >> 4); delta > 0 {
			id += delta
		} else {
			id = int(int16(t.int()))
		}
		if kind := head & 15; !field(id, kind) {
			t.skip(kind, depth+1)
		}
	}
}

// want reports whether a field has the kind it must have; another one is an error.
func (t *thrift) want(kind, want byte) bool {
	if kind != want {
		t.fail(fmt.Errorf("a field of Thrift type %d, want %d", kind, want))
	}
	return true
}

// number reads a field that is a whole number of at most 64 bits.
func (t *thrift) number(kind byte, into *int64) bool {
	if kind < tI16 || kind > tI64 {
		return t.want(kind, tI64)
	}
	*into = t.int()
	return true
}

func (t *thrift) skip(kind byte, depth int) {
	if depth > maxThriftDepth {
		t.fail(fmt.Errorf("structures nest deeper than %d", maxThriftDepth))
	}
	if t.err != nil {
		return
	}
	switch kind {
	case tTrue, tFalse:
	case tByte:
		t.byte()
	case tI16, tI32, tI64:
		t.varint()
	case tDouble:
		if t.left() < 8 {
			t.fail(errShort)
			return
		}
		t.pos += 8
	case tBinary:
		t.text()
	case tList, tSet:
		item, n := t.listHead()
		t.items(n, depth, item)
	case tMap:
		if n := t.varint(); n > 0 && t.err == nil {
			kinds := t.byte()
			if n > uint64(t.left()) {
				t.fail(errShort)
				return
			}
			t.items(int(n), depth, kinds>>4, kinds&15)
		}
	case tStruct:
		t.fields(depth, func(int, byte) bool { return false })
	default:
		t.fail(fmt.Errorf("unknown Thrift type %d", kind))
	}
}

// items steps over n items, each of one value of every kind.
func (t *thrift) items(n, depth int, kinds ...byte) {
	for range n {
		for _, kind := range kinds {
			if kind == tTrue || kind == tFalse { // in lists and maps they have a byte
				kind = tByte
			}
			t.skip(kind, depth+1)
		}
		if t.err != nil {
			return
		}
	}
}
