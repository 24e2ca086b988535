package gguf

import (
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"

	"lamina/formats"
	"lamina/tensor"
)

// Bounds of what a file may declare, below ggml's own where real files allow.
const (
	maxKey       = 65_535  // bytes, docs/gguf.md
	maxName      = 64      // bytes, docs/gguf.md
	maxString    = 1 << 26 // bytes
	maxItems     = 1 << 26 // of an array
	maxAxes      = 4       // GGML_MAX_DIMS
	maxAlignment = 1 << 20
	minPair      = 8 + 1 + 4 + 1     // bytes of the smallest key-value pair
	minInfo      = 8 + 1 + 4 + 4 + 8 // bytes of the smallest tensor info
)

// File is an open GGUF file: a [formats.Reader] with metadata. The type names
// of unreadable tensors stand in the error of Bytes.
type File struct {
	formats.Reader
	version uint32
	meta    map[string]Value
}

var _ formats.Reader = (*File)(nil)

// Version returns the format version, 2 or 3.
func (f *File) Version() int { return int(f.version) }

// Keys returns the metadata keys, sorted.
func (f *File) Keys() []string { return slices.Sorted(maps.Keys(f.meta)) }

// Meta returns a metadata value.
func (f *File) Meta(key string) (Value, bool) {
	v, ok := f.meta[key]
	return v, ok
}

// get reads the value of key by decode; false also when the key is not there.
func get[T any](f *File, key string, decode func(Value) (T, bool)) (T, bool) {
	if v, ok := f.meta[key]; ok {
		return decode(v)
	}
	var none T
	return none, false
}

// Uint returns a non-negative integer of any width; false if there is none.
func (f *File) Uint(key string) (uint64, bool) { return get(f, key, Value.Uint) }

// Int returns an integer of any width that fits an int64.
func (f *File) Int(key string) (int64, bool) { return get(f, key, Value.Int) }

// Float returns a float32 or float64 value.
func (f *File) Float(key string) (float64, bool) { return get(f, key, Value.Float) }

// Bool returns a bool value.
func (f *File) Bool(key string) (bool, bool) { return get(f, key, Value.Bool) }

// String returns a string value.
func (f *File) String(key string) (string, bool) { return get(f, key, Value.Text) }

// Strings returns an array of strings.
func (f *File) Strings(key string) ([]string, bool) { return get(f, key, Value.Strings) }

// Ints returns an array of integers of any width.
func (f *File) Ints(key string) ([]int64, bool) { return get(f, key, Value.Ints) }

// Floats returns an array of float32 or float64.
func (f *File) Floats(key string) ([]float64, bool) { return get(f, key, Value.Floats) }

// Open maps a GGUF file and checks everything before the tensor data. The name of any
// part of a split file opens all of them, with the metadata of the first.
func Open(path string) (*File, error) {
	g, err := open(path)
	if err != nil {
		return nil, err
	}
	return g.whole(path)
}

// open maps one file.
func open(path string) (*File, error) {
	f, err := formats.Open(path)
	if err != nil {
		return nil, err
	}
	g, err := parse(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return g, nil
}

// Parse reads a file that is in memory, not one of several parts. data must not change
// while the result is used; name is for messages.
func Parse(name string, data []byte) (*File, error) {
	g, err := parse(formats.NewMapping(name, data))
	if err != nil {
		return nil, err
	}
	if n, ok := g.Uint(splitCount); ok && n > 1 {
		return nil, splitError(name, fmt.Sprintf("is one of %d parts", n), "the files, opened by the name of one")
	}
	return g, nil
}

func parse(f *formats.Mapping) (*File, error) {
	r := &reader{path: f.Path(), data: f.Data()}
	g, set := &File{}, (*formats.Tensors)(nil)
	nTensors, nPairs := r.start(g)
	if r.err == nil {
		// Both counts were held against the bytes left: the maps stay in proportion.
		set = formats.NewTensors(f, int(nTensors))
		g.Reader = set
		g.meta = make(map[string]Value, nPairs)
		r.pairs(g, nPairs)
	}
	if r.err == nil {
		r.tensors(g, set, nTensors)
	}
	if r.err != nil {
		return nil, r.err
	}
	set.Seal()
	return g, nil
}

// start reads magic, version and counts.
func (r *reader) start(g *File) (nTensors, nPairs uint64) {
	r.item = "header"
	if magic := r.take(4); r.err == nil && string(magic) != "GGUF" {
		r.pos = 0
		r.fail("GGUF_MAGIC", "starts with "+formats.Quote(string(magic)), `"GGUF"; is this a GGUF file?`)
	}
	g.version = r.u32()
	switch v := g.version; {
	case r.err != nil:
	case v == 2 || v == 3:
	case bits.ReverseBytes32(v) >= 1 && bits.ReverseBytes32(v) <= 3:
		r.fail("GGUF_ENDIAN", "big-endian file", "little-endian: convert it with gguf-py's gguf-convert-endian")
	default:
		r.fail("GGUF_VERSION", fmt.Sprintf("version %d", v), "2 or 3: convert the model again")
	}
	nTensors, nPairs = r.u64(), r.u64()
	if left := r.left(); r.err == nil {
		if nPairs > left/minPair {
			r.fail("GGUF_COUNT", fmt.Sprintf("%d metadata pairs declared, %d bytes left", nPairs, left), fmt.Sprintf("at most %d", left/minPair))
		} else if nTensors > left/minInfo {
			r.fail("GGUF_COUNT", fmt.Sprintf("%d tensors declared, %d bytes left", nTensors, left), fmt.Sprintf("at most %d", left/minInfo))
		}
	}
	return nTensors, nPairs
}

func (r *reader) pairs(g *File, n uint64) {
	for i := range n {
		r.kind, r.index, r.name = aPair, i, ""
		key := r.text("key", maxKey)
		if r.err != nil {
			return
		}
		r.name = key
		if _, twice := g.meta[key]; twice {
			r.fail("GGUF_DUPLICATE", "stands twice", "")
		}
		v := r.value()
		if r.err != nil {
			return
		}
		g.meta[key] = v
	}
}

// value reads type and value, without decoding it.
func (r *reader) value() Value {
	v := Value{Type: ValueType(r.u32()), Len: 1}
	start := r.pos
	switch {
	case r.err != nil:
	case v.Type >= numTypes:
		r.fail("GGUF_TYPE", "unknown metadata "+v.Type.String(), "0 to 12")
	case v.Type == Array:
		v.Elem = ValueType(r.u32())
		n := r.u64()
		start = r.pos
		r.array(v.Elem, n)
		if r.err == nil {
			v.Len = int(n)
		}
	default:
		r.scalar(v.Type)
	}
	if r.err == nil {
		v.data = r.data[start:r.pos:r.pos]
	}
	return v
}

func (r *reader) scalar(t ValueType) {
	if t == String {
		n := r.u64()
		if n > maxString {
			r.fail("GGUF_STRING", fmt.Sprintf("string of %d bytes", n), fmt.Sprintf("at most %d", maxString))
		}
		r.take(n)
		return
	}
	b := r.take(uint64(valueTypes[t].size))
	if r.err == nil && t == Bool && b[0] > 1 {
		r.fail("GGUF_BOOL", fmt.Sprintf("bool of value %d", b[0]), "0 or 1")
	}
}

func (r *reader) array(elem ValueType, n uint64) {
	switch {
	case r.err != nil:
		return
	case elem >= numTypes:
		r.fail("GGUF_TYPE", "array of unknown "+elem.String(), "0 to 12, no array")
		return
	case elem == Array:
		r.fail("GGUF_TYPE", "array of arrays", "a flat array")
		return
	case n > maxItems:
		r.fail("GGUF_ARRAY", fmt.Sprintf("array of %d items", n), fmt.Sprintf("at most %d", maxItems))
		return
	}
	if elem != String && elem != Bool {
		r.take(n * uint64(valueTypes[elem].size)) // no overflow: n ≤ 2^26
		return
	}
	for range n {
		if r.scalar(elem); r.err != nil {
			return
		}
	}
}

// info is one tensor as declared. It is small: a header may hold very many.
type info struct {
	name   string
	typ    *ggmlType
	shape  []int
	offset uint64
	size   int64
}

func (r *reader) tensors(g *File, set *formats.Tensors, n uint64) {
	alignment := r.alignment(g)
	infos := make([]info, 0, n) // in proportion to the bytes left, as checked
	for i := range n {
		r.kind, r.index, r.name = aTensor, i, ""
		t := r.info()
		if r.err != nil {
			return
		}
		infos = append(infos, t)
	}
	dataStart := padded(uint64(r.pos), alignment)
	at := uint64(0)
	for _, t := range infos {
		r.name = t.name
		if t.offset != at {
			r.fail("GGUF_OFFSET", fmt.Sprintf("data offset %d", t.offset), fmt.Sprintf("%d, where the tensor before it ends, padded to %d", at, alignment))
			return
		}
		start := dataStart + at
		if have := uint64(len(r.data)); start > have || uint64(t.size) > have-start {
			r.fail("GGUF_TRUNCATED", fmt.Sprintf("data at [%d,%d) in a file of %d bytes", start, start+uint64(t.size), have), "a whole file; fetch it again")
			return
		}
		if !set.Add(formats.Entry{Name: t.name, DType: t.typ.dtype, Shape: t.shape}, int64(start), int64(start)+t.size) {
			r.fail("GGUF_DUPLICATE", "stands twice", "")
			return
		}
		if t.typ.dtype == tensor.Invalid {
			set.Unsupported(t.name, t.typ.name)
		}
		at = padded(at+uint64(t.size), alignment)
	}
}

// alignment follows gguf.cpp, which takes any power of two; the document asks
// for a multiple of 8.
func (r *reader) alignment(g *File) uint64 {
	v, ok := g.meta["general.alignment"]
	if !ok {
		return 32
	}
	r.kind, r.name = aPair, "general.alignment"
	n, _ := v.Uint()
	if v.Type != Uint32 || n == 0 || n&(n-1) != 0 || n > maxAlignment {
		r.fail("GGUF_ALIGNMENT", fmt.Sprintf("%s of value %d", v.Type, n), fmt.Sprintf("a uint32 power of two up to %d", maxAlignment))
		return 1
	}
	return n
}

func padded(n, alignment uint64) uint64 { return (n + alignment - 1) &^ (alignment - 1) }

// info reads one tensor description and checks it by itself.
func (r *reader) info() info {
	var t info
	t.name = r.text("tensor name", maxName)
	if r.err != nil {
		return t
	}
	r.name = t.name
	axes := r.u32()
	if axes > maxAxes {
		r.fail("GGUF_SHAPE", fmt.Sprintf("%d axes", axes), fmt.Sprintf("at most %d", maxAxes))
		return t
	}
	t.shape = make([]int, axes)
	for i := range t.shape {
		d := r.u64()
		if d > math.MaxInt {
			r.fail("GGUF_SHAPE", fmt.Sprintf("axis of %d", d), "one that fits this machine")
		}
		t.shape[int(axes)-1-i] = int(d)
	}
	id := r.u32()
	t.offset = r.u64()
	if r.err != nil {
		return t
	}
	var err error
	if t.typ, err = lookupType(id); err != nil {
		r.fail("GGUF_DTYPE", err.Error(), "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K")
		return t
	}
	var ok bool
	if t.size, ok = formats.StorageBytes(t.shape, t.typ.block, t.typ.blockBytes); !ok {
		r.fail("GGUF_SHAPE", fmt.Sprintf("shape %v of %s overflows or has rows that are no whole blocks of %d", t.shape, t.typ.name, t.typ.block), "a real shape")
	}
	return t
}
