package mutate

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// JSON exchanges, takes away and repeats values and keys of a JSON document.
func JSON(seed []byte, m *Mutator, r *rand.Rand) []byte {
	d := json.NewDecoder(bytes.NewReader(seed))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	for range 1 + r.IntN(3) {
		v = m.value(v, v, r)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}

// Lines does to one line of a text what JSON does, or exchanges, repeats and removes lines.
func Lines(seed []byte, m *Mutator, r *rand.Rand) []byte {
	lines := bytes.SplitAfter(seed, []byte("\n"))
	at := r.IntN(len(lines))
	switch r.IntN(5) {
	case 0:
		lines = slices.Delete(lines, at, at+1)
	case 1:
		lines = slices.Insert(lines, at, slices.Repeat(lines[at:at+1], 1<<r.IntN(8))...)
	case 2:
		other := r.IntN(len(lines))
		lines[at], lines[other] = lines[other], lines[at]
	default:
		if line := JSON(lines[at], m, r); line != nil {
			lines[at] = append(line, '\n')
		} else {
			lines[at] = m.Bytes(lines[at], r)
		}
	}
	return bytes.Join(lines, nil)
}

// value changes one value of a tree, that of root or one below it.
func (m *Mutator) value(v, root any, r *rand.Rand) any {
	if r.IntN(4) > 0 {
		switch v := v.(type) {
		case map[string]any:
			if len(v) > 0 {
				return m.object(v, root, r)
			}
		case []any:
			if len(v) > 0 {
				return m.array(v, root, r)
			}
		}
	}
	switch r.IntN(12) {
	case 0:
		return nil
	case 1:
		return json.Number([]string{"-1", "0", "1", "1.5", "1e9", "9223372036854775807", "9223372036854775808", "1e308", "-1e308", "4294967296", "16777217"}[r.IntN(11)])
	case 2:
		return r.IntN(2) == 0
	case 3:
		return strings.Repeat("long ", 1<<r.IntN(12))
	case 4:
		return ""
	case 5:
		return []any{v, v}
	case 6:
		return map[string]any{"a": v}
	case 7, 8:
		return within(root, r)
	case 9:
		for range 1 << r.IntN(11) {
			v = []any{v}
		}
		return v
	case 10:
		if len(m.Words) > 0 {
			return m.Words[r.IntN(len(m.Words))]
		}
	}
	if n, ok := v.(json.Number); ok {
		if i, err := n.Int64(); err == nil {
			return json.Number(strconv.FormatInt(i+int64(r.IntN(5))-2, 10))
		}
	}
	return []any{}
}

func (m *Mutator) object(v map[string]any, root any, r *rand.Rand) any {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	key := keys[r.IntN(len(keys))]
	switch r.IntN(8) {
	case 0:
		delete(v, key)
	case 1: // another name
		name := strings.ToUpper(key)
		if len(m.Words) > 0 && r.IntN(2) == 0 {
			name = m.Words[r.IntN(len(m.Words))]
		}
		v[name] = v[key]
	case 2:
		v[key] = v[keys[r.IntN(len(keys))]]
	default:
		v[key] = m.value(v[key], root, r)
	}
	return v
}

func (m *Mutator) array(v []any, root any, r *rand.Rand) any {
	at := r.IntN(len(v))
	switch r.IntN(6) {
	case 0:
		return slices.Delete(v, at, at+1)
	case 1:
		return slices.Insert(v, at, slices.Repeat(v[at:at+1], 1<<r.IntN(8))...)
	}
	v[at] = m.value(v[at], root, r)
	return v
}

// within draws a value of a tree.
func within(v any, r *rand.Rand) any {
	for r.IntN(3) > 0 {
		switch w := v.(type) {
		case map[string]any:
			keys := make([]string, 0, len(w))
			for k := range w {
				keys = append(keys, k)
			}
			if len(keys) == 0 {
				return v
			}
			slices.Sort(keys)
			v = w[keys[r.IntN(len(keys))]]
		case []any:
			if len(w) == 0 {
				return v
			}
			v = w[r.IntN(len(w))]
		default:
			return v
		}
	}
	return v
}

// Safetensors changes the header as JSON does, or by its text, and lets it fit its length.
func Safetensors(seed []byte, m *Mutator, r *rand.Rand) []byte {
	if len(seed) < 8 {
		return nil
	}
	n := binary.LittleEndian.Uint64(seed)
	if n > uint64(len(seed)-8) {
		return nil
	}
	header, data := seed[8:8+n], seed[8+n:]
	changed := JSON(header, m, r)
	if changed == nil || r.IntN(3) == 0 {
		changed = m.Bytes(header, r)
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(changed)))
	return append(append(out, changed...), data...)
}

// Zip changes one file of an archive and packs it again as PyTorch does.
func Zip(seed []byte, m *Mutator, r *rand.Rand) []byte {
	archive, err := zip.NewReader(bytes.NewReader(seed), int64(len(seed)))
	if err != nil || len(archive.File) == 0 {
		return nil
	}
	chosen := r.IntN(len(archive.File))
	if r.IntN(2) == 0 { // the pickle, which says what all others are
		chosen = max(0, slices.IndexFunc(archive.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, "data.pkl") }))
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i, f := range archive.File {
		from, err := f.Open()
		if err != nil {
			return nil
		}
		data, err := io.ReadAll(io.LimitReader(from, longest))
		if err != nil {
			return nil
		}
		if i == chosen {
			data = m.Bytes(data, r)
		}
		to, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		if err != nil {
			return nil
		}
		if _, err := to.Write(data); err != nil {
			return nil
		}
	}
	if w.Close() != nil {
		return nil
	}
	return out.Bytes()
}

// Gzip changes the lines of a text that is packed.
func Gzip(seed []byte, m *Mutator, r *rand.Rand) []byte {
	from, err := gzip.NewReader(bytes.NewReader(seed))
	if err != nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(from, longest))
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(Lines(text, m, r)); err != nil || w.Close() != nil {
		return nil
	}
	return out.Bytes()
}

var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(longest))
)

// Zstd changes the lines of a text that is packed.
func Zstd(seed []byte, m *Mutator, r *rand.Rand) []byte {
	text, err := unpacker.DecodeAll(seed, nil)
	if err != nil {
		return nil
	}
	return packer.EncodeAll(Lines(text, m, r), nil)
}
