package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"lamina/formats"
	"lamina/internal/files"
	"lamina/tensor"
)

// Write writes path whole or not at all. It puts down the header first and then
// calls write once per entry, which must write the tensor's little-endian
// storage bytes to w, no more and no fewer; only one tensor need be in memory at
// a time. Entries are laid out by type, wide ones first so that data is aligned,
// and then by name: the reference writes the same bytes. meta nil means {"format":"pt"}.
// Quantised block types have no name in the format and are an error.
func Write(path string, entries []formats.Entry, meta map[string]string, write func(name string, w io.Writer) error) error {
	entries, err := layout(path, entries)
	if err != nil {
		return err
	}
	head, err := encodeHeader(path, entries, meta)
	if err != nil {
		return err
	}
	return files.Write(path, func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		for _, e := range entries {
			err := formats.WriteExactly(w, byteSize(e), func(w io.Writer) error { return write(e.Name, w) })
			if err != nil {
				return fmt.Errorf("%s: %w", formats.TensorItem(e.Name), err)
			}
		}
		return nil
	})
}

// WriteSharded writes model.safetensors to the existing directory dir or, where
// the data take more than maxShard bytes, model-00001-of-0000N.safetensors and
// the index model.safetensors.index.json, which comes last. A tensor larger than
// maxShard gets a file of its own; maxShard ≤ 0 means one file. See [Write].
func WriteSharded(dir string, entries []formats.Entry, maxShard int64, write func(name string, w io.Writer) error) error {
	const single = "model.safetensors"
	sorted, err := layout(filepath.Join(dir, single), entries)
	if err != nil {
		return err
	}
	shards := split(sorted, maxShard)
	if len(shards) == 1 {
		return Write(filepath.Join(dir, single), sorted, nil, write)
	}
	total := int64(0)
	where := make(map[string]string, len(sorted))
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		if err := Write(filepath.Join(dir, name), shard, nil, write); err != nil {
			return err
		}
		for _, e := range shard {
			where[e.Name] = name
			total += byteSize(e)
		}
	}
	return files.Write(filepath.Join(dir, single+".index.json"), func(w io.Writer) error {
		_, err := w.Write(encodeIndex(total, where))
		return err
	})
}

// encodeIndex returns the index as the reference's save_torch_state_dict writes it, names
// sorted.
func encodeIndex(total int64, where map[string]string) []byte {
	b := fmt.Appendf(nil, "{\n  \"metadata\": {\n    \"total_size\": %d\n  },\n  \"weight_map\": {", total)
	for i, name := range slices.Sorted(maps.Keys(where)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(append(b, "\n    "...), name)
		b = appendString(append(b, ": "...), where[name])
	}
	return append(b, "\n  }\n}\n"...)
}

// order is that of types in a file, tensor.rs's Dtype from the last to the first.
var order = [...]tensor.DType{
	tensor.I64, tensor.F64, tensor.F32, tensor.I32, tensor.BF16, tensor.F16, tensor.I16, tensor.I8, tensor.U8, tensor.Bool,
}

// layout checks the entries and returns them in file order.
func layout(path string, entries []formats.Entry) ([]formats.Entry, error) {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b formats.Entry) int {
		return cmp.Or(cmp.Compare(slices.Index(order[:], a.DType), slices.Index(order[:], b.DType)), cmp.Compare(a.Name, b.Name))
	})
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		fail := func(code, got, want string) ([]formats.Entry, error) {
			return nil, &formats.Error{Path: path, Item: formats.TensorItem(e.Name), Code: code, Got: got, Want: want}
		}
		if !slices.Contains(order[:], e.DType) {
			return fail("ST_DTYPE", fmt.Sprintf("the format has no %s", e.DType), "F32, F16 or BF16; convert it first")
		}
		if _, ok := formats.StorageBytes(e.Shape, 1, e.DType.BlockBytes()); !ok || len(e.Shape) > formats.MaxRank {
			return fail("ST_SHAPE", fmt.Sprintf("shape %v", e.Shape), "a real shape")
		}
		if e.Name == "" || e.Name == "__metadata__" || len(e.Name) > maxName || strings.ContainsRune(e.Name, 0) {
			return fail("ST_NAME", "cannot be a name", fmt.Sprintf("1 to %d bytes without NUL", maxName))
		}
		if seen[e.Name] {
			return fail("ST_DUPLICATE", "is listed twice", "")
		}
		seen[e.Name] = true
	}
	return entries, nil
}

func byteSize(e formats.Entry) int64 {
	n, _ := formats.StorageBytes(e.Shape, 1, e.DType.BlockBytes())
	return n
}

// split cuts entries, in order, into runs of at most limit bytes.
func split(entries []formats.Entry, limit int64) [][]formats.Entry {
	var shards [][]formats.Entry
	start, sum := 0, int64(0)
	for i, e := range entries {
		n := byteSize(e)
		if limit > 0 && i > start && sum+n > limit {
			shards = append(shards, entries[start:i])
			start, sum = i, 0
		}
		sum += n
	}
	return append(shards, entries[start:])
}

// encodeHeader returns the length and the JSON, padded with spaces so that the
// data begin at a multiple of 8.
func encodeHeader(path string, entries []formats.Entry, meta map[string]string) ([]byte, error) {
	if meta == nil {
		meta = map[string]string{"format": "pt"}
	}
	b := append(make([]byte, 8), `{"__metadata__":{`...)
	for i, key := range slices.Sorted(maps.Keys(meta)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, key)
		b = appendString(append(b, ':'), meta[key])
	}
	b = append(b, '}')
	at := int64(0)
	for _, e := range entries {
		end := at + byteSize(e)
		b = appendString(append(b, ','), e.Name)
		shape := strings.ReplaceAll(fmt.Sprint(append([]int{}, e.Shape...)), " ", ",")
		b = fmt.Appendf(b, `:{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, e.DType, shape, at, end)
		at = end
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > maxHeader {
		return nil, &formats.Error{Path: path, Code: "ST_HEADER_SIZE", Got: fmt.Sprintf("header of %d bytes", len(b)-8), Want: fmt.Sprintf("at most %d: fewer tensors a file", maxHeader)}
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	return b, nil
}

// appendString appends s as a JSON string, escaped as the reference's serde_json does it:
// quotes, backslashes and control characters below space, nothing else. Bytes that are
// not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	const short = "\b\t\n\f\r"
	b = append(b, '"')
	for _, r := range s {
		switch i := strings.IndexRune(short, r); {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case i >= 0:
			b = append(b, '\\', "btnfr"[i])
		case r < ' ':
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
