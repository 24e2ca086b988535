package gguf

import (
	"encoding/binary"
	"fmt"

	"lamina/formats"
)

// reader walks the header. Its first failed read sticks in err, and every later
// read returns zero, so that a caller checks once per item.
type reader struct {
	path string
	data []byte
	pos  int
	err  error

	// What is being read: a part of the header, or (if kind is set) a pair or
	// tensor by its number and, once it is known, its name. The words are put
	// together when they are needed, since a header may hold very many.
	item  string
	kind  string // "metadata pair" or "tensor"
	index uint64
	name  string
}

const (
	aPair   = "metadata pair"
	aTensor = "tensor"
)

// where names what is being read.
func (r *reader) where() string {
	switch {
	case r.kind == "":
		return r.item
	case r.name == "":
		return fmt.Sprintf("%s %d", r.kind, r.index)
	case r.kind == aTensor:
		return formats.TensorItem(r.name)
	}
	return "metadata " + formats.Quote(r.name)
}

func (r *reader) fail(code, got, want string) {
	if r.err == nil {
		r.err = &formats.Error{Path: r.path, Item: r.where(), Code: code, Offset: int64(r.pos), Got: got, Want: want}
	}
}

func (r *reader) left() uint64 { return uint64(len(r.data) - r.pos) }

func (r *reader) take(n uint64) []byte {
	if r.err == nil && n > r.left() {
		r.fail("GGUF_TRUNCATED", fmt.Sprintf("%d bytes due, %d left in the file", n, r.left()), "a whole file; fetch it again")
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.pos:][:n:n]
	r.pos += int(n)
	return b
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// text reads a counted string of 1 to limit bytes.
func (r *reader) text(what string, limit uint64) string {
	n := r.u64()
	if r.err == nil && (n == 0 || n > limit) {
		r.fail("GGUF_NAME", fmt.Sprintf("%s of %d bytes", what, n), fmt.Sprintf("1 to %d", limit))
	}
	return string(r.take(n))
}
