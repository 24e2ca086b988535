package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"lamina/formats"
	"lamina/internal/strictjson"
	"lamina/tensor"
)

// Bounds of a header. The first is the reference's (decimal, not MiB).
const (
	maxHeader  = 100_000_000
	maxTensors = 1_000_000
	maxName    = 1024
)

// File is an open .safetensors file: a [formats.Reader] with metadata.
type File struct {
	*formats.Tensors
	meta map[string]string
}

var _ formats.Reader = (*File)(nil)

// Metadata returns the file's __metadata__, for example {"format":"pt"}; never
// nil.
func (f *File) Metadata() map[string]string { return maps.Clone(f.meta) }

// Open maps one .safetensors file and checks its header.
func Open(path string) (*File, error) {
	f, err := formats.Open(path)
	if err != nil {
		return nil, err
	}
	st, err := parse(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return st, nil
}

// Parse reads a file that is in memory, an embedded one for example. data must
// not change while the result is used; name is for messages.
func Parse(name string, data []byte) (*File, error) { return parse(formats.NewMapping(name, data)) }

// OpenIndex opens the shards that a model.safetensors.index.json lists. All
// headers are checked before it returns.
func OpenIndex(path string) (formats.Reader, error) {
	return formats.OpenIndex(path, func(shard string) (formats.Reader, error) {
		f, err := Open(shard)
		if err != nil {
			return nil, err // not f: a nil *File in an interface is not nil
		}
		return f, nil
	})
}

// dtypes are the format's types: size in bits, and ours where there is one.
var dtypes = map[string]struct {
	bits  int
	dtype tensor.DType
}{
	"BOOL": {8, tensor.Bool}, "U8": {8, tensor.U8}, "I8": {8, tensor.I8},
	"I16": {16, tensor.I16}, "U16": {16, tensor.Invalid},
	"F16": {16, tensor.F16}, "BF16": {16, tensor.BF16},
	"I32": {32, tensor.I32}, "U32": {32, tensor.Invalid}, "F32": {32, tensor.F32},
	"I64": {64, tensor.I64}, "U64": {64, tensor.Invalid}, "F64": {64, tensor.F64},
	"C64": {64, tensor.Invalid},
	"F4":  {4, tensor.Invalid}, "F6_E2M3": {6, tensor.Invalid}, "F6_E3M2": {6, tensor.Invalid},
	"F8_E5M2": {8, tensor.Invalid}, "F8_E4M3": {8, tensor.Invalid}, "F8_E8M0": {8, tensor.Invalid},
	"F8_E4M3FNUZ": {8, tensor.Invalid}, "F8_E5M2FNUZ": {8, tensor.Invalid},
}

// header is the state of one parse.
type header struct {
	path   string
	js     *strictjson.Scanner
	data   int64 // bytes after the header
	start  int64 // where they begin in the file
	out    *File
	ranges []span
}

type span struct {
	start, end int64
	name       string
}

// ReadHeader parses the header of a file that lies elsewhere: read returns its first n
// bytes, fewer only where the file ends. The tensors have no bytes.
func ReadHeader(name string, size int64, read func(n int64) ([]byte, error)) (*File, error) {
	const enough = 64 << 10 // for most files
	head, err := read(min(size, enough))
	if err != nil {
		return nil, err
	}
	if len(head) >= 8 {
		if n := binary.LittleEndian.Uint64(head); n <= maxHeader && int64(n)+8 > int64(len(head)) && int64(n)+8 <= size {
			if head, err = read(int64(n) + 8); err != nil {
				return nil, err
			}
		}
	}
	f := formats.NewBeginning(name, head, size)
	if n := int64(len(head)); n >= 8 && int64(binary.LittleEndian.Uint64(head))+8 > n && binary.LittleEndian.Uint64(head) <= maxHeader {
		f = formats.NewMapping(name, head) // it ends within its header, as parse will say
	}
	return parse(f)
}

func parse(f *formats.Mapping) (*File, error) {
	size := f.Size()
	fail := func(code, got, want string) (*File, error) {
		return nil, &formats.Error{Path: f.Path(), Code: code, Got: got, Want: want}
	}
	if size < 8 {
		return fail("ST_SHORT", fmt.Sprintf("%d bytes are no safetensors file", size), "at least 8; fetch it again")
	}
	n := binary.LittleEndian.Uint64(f.Data())
	switch {
	case n == 0:
		return fail("ST_HEADER_SIZE", "header of 0 bytes", "a JSON object")
	case n > maxHeader:
		return fail("ST_HEADER_SIZE", fmt.Sprintf("header of %d bytes", n), fmt.Sprintf("at most %d; is this a safetensors file?", maxHeader))
	case n > uint64(size-8):
		return fail("ST_TRUNCATED", fmt.Sprintf("header of %d bytes in a file of %d", n, size), "a whole file; fetch it again")
	}
	h := &header{
		path: f.Path(), js: strictjson.New(f.Data()[8:8+n], strictjson.Rules{Depth: formats.JSONDepth}), start: 8 + int64(n), data: size - 8 - int64(n),
		out: &File{Tensors: formats.NewTensors(f, 0), meta: make(map[string]string)},
	}
	if err := h.read(); err != nil {
		return nil, formats.JSONError(h.path, "header", "ST_JSON", 8, err)
	}
	if err := h.checkRanges(); err != nil {
		return nil, err
	}
	h.out.Seal()
	return h.out, nil
}

func (h *header) read() error {
	meta := false
	err := h.js.Object(func(name string) error {
		if name != "__metadata__" {
			return h.tensor(name)
		}
		if meta {
			return h.fail("__metadata__", "ST_DUPLICATE", "stands twice", "")
		}
		meta = true
		return h.metadata()
	})
	if err != nil {
		return err
	}
	return h.js.End()
}

func (h *header) fail(item, code, got, want string) error {
	return &formats.Error{Path: h.path, Item: item, Code: code, Offset: 8 + int64(h.js.Offset()), Got: got, Want: want}
}

func (h *header) metadata() error {
	return h.js.Object(func(key string) error {
		if _, twice := h.out.meta[key]; twice {
			return h.fail("__metadata__", "ST_DUPLICATE", "key "+formats.Quote(key)+" stands twice", "")
		}
		value, err := h.js.String()
		if err != nil {
			return formats.JSONError(h.path, "__metadata__ "+formats.Quote(key), "ST_JSON", 8, err)
		}
		h.out.meta[key] = value
		return nil
	})
}

// tensor reads {"dtype":…,"shape":[…],"data_offsets":[start,end]}, in any order.
func (h *header) tensor(name string) error {
	item := formats.TensorItem
	if name == "" || len(name) > maxName || strings.ContainsRune(name, 0) {
		return h.fail(item(name), "ST_NAME", fmt.Sprintf("name of %d bytes", len(name)), fmt.Sprintf("1 to %d bytes without NUL", maxName))
	}
	if len(h.ranges) == maxTensors {
		return h.fail("header", "ST_TENSORS", "too many tensors", fmt.Sprintf("at most %d", maxTensors))
	}
	var (
		typeName string
		offsets  [2]int64
		shape    []int
		seen     [3]bool
	)
	fields := [3]string{"dtype", "shape", "data_offsets"}
	err := h.js.Object(func(field string) error {
		i := slices.Index(fields[:], field)
		if i < 0 {
			return h.fail(item(name), "ST_FIELD", "unknown field "+formats.Quote(field), "dtype, shape and data_offsets")
		}
		if seen[i] {
			return h.fail(item(name), "ST_DUPLICATE", "field "+field+" stands twice", "")
		}
		seen[i] = true
		var err error
		switch i {
		case 0:
			typeName, err = h.js.String()
		case 1:
			shape, err = h.shape(name)
		case 2:
			err = h.offsets(name, &offsets)
		}
		return err
	})
	if err != nil {
		return formats.JSONError(h.path, item(name), "ST_JSON", 8, err)
	}
	for i, ok := range seen {
		if !ok {
			return h.fail(item(name), "ST_FIELD", "no "+fields[i], "dtype, shape and data_offsets")
		}
	}
	return h.add(name, typeName, shape, offsets)
}

func (h *header) shape(name string) ([]int, error) {
	var dims [formats.MaxRank]int
	rank := 0
	err := h.js.Array(func() error {
		if rank == formats.MaxRank {
			return h.fail(formats.TensorItem(name), "ST_SHAPE", "too many axes", fmt.Sprintf("at most %d", formats.MaxRank))
		}
		d, err := h.js.Uint()
		if err != nil {
			return err
		}
		if d > math.MaxInt {
			return h.fail(formats.TensorItem(name), "ST_SHAPE", fmt.Sprintf("axis of %d", d), "one that fits this machine")
		}
		dims[rank] = int(d)
		rank++
		return nil
	})
	return slices.Clone(dims[:rank]), err
}

func (h *header) offsets(name string, offsets *[2]int64) error {
	n := 0
	err := h.js.Array(func() (err error) {
		if n == 2 {
			return h.fail(formats.TensorItem(name), "ST_OFFSETS", "data_offsets has more than 2 numbers", "start and end")
		}
		offsets[n], err = h.js.Uint()
		n++
		return err
	})
	if err == nil && n != 2 {
		return h.fail(formats.TensorItem(name), "ST_OFFSETS", fmt.Sprintf("data_offsets has %d numbers", n), "start and end")
	}
	return err
}

// add checks one entry by itself and records it.
func (h *header) add(name, typeName string, shape []int, offsets [2]int64) error {
	item := formats.TensorItem(name)
	d, ok := dtypes[typeName]
	if !ok {
		return h.fail(item, "ST_DTYPE", "unknown dtype "+formats.Quote(typeName), "F32, F16, BF16, …")
	}
	bitsOf, ok := formats.StorageBytes(shape, 1, d.bits)
	if !ok {
		return h.fail(item, "ST_SHAPE", fmt.Sprintf("size of shape %v overflows", shape), "a real shape")
	}
	if bitsOf%8 != 0 {
		return h.fail(item, "ST_SHAPE", fmt.Sprintf("shape %v of %s is not whole bytes", shape, typeName), "")
	}
	start, end := offsets[0], offsets[1]
	if start > end {
		return h.fail(item, "ST_OFFSETS", fmt.Sprintf("data_offsets [%d,%d) run backwards", start, end), "")
	}
	if bitsOf/8 != end-start {
		return h.fail(item, "ST_SIZE", fmt.Sprintf("data_offsets [%d,%d) hold %d bytes", start, end, end-start),
			fmt.Sprintf("%d for %s %v", bitsOf/8, typeName, shape))
	}
	if end > h.data {
		return h.fail(item, "ST_TRUNCATED", fmt.Sprintf("data_offsets [%d,%d) but the file ends at %d: %d bytes missing", start, end, h.data, end-h.data),
			"a whole file; fetch it again")
	}
	entry := formats.Entry{Name: name, DType: d.dtype, Shape: shape}
	if !h.out.Add(entry, h.start+start, h.start+end) {
		return h.fail(item, "ST_DUPLICATE", "stands twice", "")
	}
	if d.dtype == tensor.Invalid {
		h.out.Unsupported(name, typeName)
	}
	h.ranges = append(h.ranges, span{start, end, name})
	return nil
}

// checkRanges sees that the ranges tile the data.
func (h *header) checkRanges() error {
	slices.SortFunc(h.ranges, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	at, before := int64(0), "the header"
	for _, r := range h.ranges {
		if r.start != at {
			code, what := "ST_HOLE", "leave a hole after"
			if r.start < at {
				code, what = "ST_OVERLAP", "overlap"
			}
			return &formats.Error{Path: h.path, Item: formats.TensorItem(r.name), Code: code, Offset: h.start + r.start,
				Got: fmt.Sprintf("data_offsets [%d,%d) %s %s", r.start, r.end, what, before), Want: fmt.Sprintf("start %d", at)}
		}
		at, before = r.end, formats.Quote(r.name)
	}
	if at != h.data {
		return &formats.Error{Path: h.path, Code: "ST_TRAILING", Offset: h.start + at,
			Got: fmt.Sprintf("%d trailing bytes after the last tensor", h.data-at), Want: "the end of the file"}
	}
	return nil
}
