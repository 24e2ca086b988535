package torchbin

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"sync"

	"lamina/formats"
	"lamina/tensor"
)

// Options change how a file is read. The zero value is what [Open] uses.
type Options struct {
	// SkipCRC leaves the records' checksums alone: files written after
	// torch.serialization.set_crc32_options(False) have none that are right.
	SkipCRC bool
}

// File is an open state dict: a [formats.Reader].
type File struct {
	*formats.Tensors
	refs map[string]*tensorRef
	skip bool

	mu      sync.Mutex
	checked map[string]error // by storage key: result of the checksum
}

var _ formats.Reader = (*File)(nil)

// Open reads one .bin file; see [Options.Open].
func Open(path string) (*File, error) { return Options{}.Open(path) }

// OpenIndex opens the shards that a pytorch_model.bin.index.json lists.
func OpenIndex(path string) (formats.Reader, error) { return Options{}.OpenIndex(path) }

// Parse reads a file that is in memory. data must not change while the result is
// used; name is for messages.
func Parse(name string, data []byte) (*File, error) {
	return Options{}.parse(formats.NewMapping(name, data))
}

// Open maps the file and checks archive, pickle and tensors. The top object must
// be a dict; those of its values that are tensors are the result.
func (o Options) Open(path string) (*File, error) {
	f, err := formats.Open(path)
	if err != nil {
		return nil, err
	}
	tb, err := o.parse(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return tb, nil
}

// OpenIndex opens the shards beside an index; see [formats.OpenIndex].
func (o Options) OpenIndex(path string) (formats.Reader, error) {
	return formats.OpenIndex(path, func(shard string) (formats.Reader, error) {
		f, err := o.Open(shard)
		if err != nil {
			return nil, err // not f: a nil *File in an interface is not nil
		}
		return f, nil
	})
}

const convert = "load it with the torch that wrote it and save as safetensors"

func (o Options) parse(f *formats.Mapping) (*File, error) {
	data := f.Data()
	fail := func(code, got, want string) (*File, error) {
		return nil, &formats.Error{Path: f.Path(), Code: code, Got: got, Want: want}
	}
	switch {
	case isLegacy(data):
		return parseLegacy(f)
	case len(data) >= 2 && data[0] == 0x80 && data[1] <= 5:
		return fail("TORCH_LEGACY", "pickle that torch.save did not write", "a state dict saved by torch.save, or safetensors")
	case len(data) > 262 && bytes.HasPrefix(data[257:], []byte("ustar")):
		return fail("TORCH_LEGACY", "tar archive, the format before torch 0.1.10", convert)
	case !bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return fail("TORCH_MAGIC", "starts with "+formats.Quote(string(data[:min(4, len(data))])), `a zip archive made by torch.save ("PK\x03\x04")`)
	}
	a := &archive{path: f.Path(), data: data}
	records, err := a.records()
	if err != nil {
		return nil, err
	}
	root, pkl, err := a.pickle(records)
	if err != nil {
		return nil, err
	}
	out := &File{Tensors: formats.NewTensors(f, 0), refs: make(map[string]*tensorRef), skip: o.SkipCRC, checked: make(map[string]error)}
	if err := out.checksum(pkl); err != nil {
		return nil, err
	}
	budget := budgetOf(int(pkl.end-pkl.start), len(data))
	m := &machine{path: f.Path(), item: "data.pkl", base: pkl.start, data: data[pkl.start:pkl.end], limit: func(int) int { return budget }}
	storages := make(map[string]*storage)
	m.storage = func(class storageClass, key string, numel int64) (*storage, error) {
		if _, known := storages[key]; !known && !m.spend(160) { // it and its place in the table
			return nil, m.err
		}
		return a.storage(records, storages, root, class, key, numel)
	}
	top, err := m.run()
	if err != nil {
		return nil, err
	}
	if err := out.fill(top); err != nil {
		return nil, err
	}
	return out, nil
}

// pickle finds data.pkl and the folder that all records of the file lie in.
func (a *archive) pickle(records map[string]record) (root string, pkl record, err error) {
	const name = "/data.pkl"
	for n, r := range records {
		if strings.HasSuffix(n, name) && strings.Count(n, "/") == 1 {
			if root != "" {
				return "", pkl, a.fail(0, "", "TORCH_RECORD", "two data.pkl records", "one")
			}
			root, pkl = strings.TrimSuffix(n, "data.pkl"), r
		}
	}
	if root == "" {
		return "", pkl, a.fail(0, "", "TORCH_RECORD", "no data.pkl record", "a file made by torch.save")
	}
	if _, ok := records[root+"constants.pkl"]; ok {
		return "", pkl, a.fail(0, "", "TORCH_SCRIPT", "TorchScript archive", convert)
	}
	if r, ok := records[root+"byteorder"]; ok {
		if order := a.data[r.start:r.end]; string(order) != "little" {
			return "", pkl, a.fail(r.start, "", "TORCH_ENDIAN", "byte order "+formats.Quote(string(order[:min(len(order), 16)])), `"little": `+convert)
		}
	}
	return root, pkl, nil
}

// storage returns the storage called key, the same one each time.
func (a *archive) storage(records map[string]record, known map[string]*storage, root string, class storageClass, key string, numel int64) (*storage, error) {
	item := "storage " + formats.Quote(key)
	if s, ok := known[key]; ok {
		if got, ok := s.agrees(class, numel); !ok {
			return nil, a.fail(s.start, item, "TORCH_STORAGE", got, "one description")
		}
		return s, nil
	}
	r, ok := records[root+"data/"+key]
	if !ok {
		return nil, a.fail(0, item, "TORCH_STORAGE", "has no record in the archive", "a whole file; fetch it again")
	}
	if size := r.end - r.start; size%int64(class.bytes) != 0 || size/int64(class.bytes) != numel {
		return nil, a.fail(r.start, item, "TORCH_STORAGE", fmt.Sprintf("record of %d bytes", size), fmt.Sprintf("%d elements of %s", numel, class))
	}
	s := &storage{record: r, key: key, class: class, numel: numel}
	known[key] = s
	return s, nil
}

// agrees reports whether a second description of a storage is the first, or what differs.
func (s *storage) agrees(class storageClass, numel int64) (got string, ok bool) {
	if s.class == class && s.numel == numel {
		return "", true
	}
	return fmt.Sprintf("is %d elements of %s and %d of %s", s.numel, s.class, numel, class), false
}

// String is the name of the type.
func (c storageClass) String() string {
	if c.name != "" {
		return c.name
	}
	return c.dtype.String()
}

// fill takes the tensors out of the top object.
func (f *File) fill(top any) error {
	fail := func(item, code, got, want string) error {
		return &formats.Error{Path: f.Path(), Item: item, Code: code, Got: got, Want: want}
	}
	d, ok := top.(*dict)
	if !ok {
		return fail("", "TORCH_DICT", "the top object is no dict", "a state dict of named tensors")
	}
	for i := 0; i < len(d.pairs); i += 2 {
		t, ok := d.pairs[i+1].(*tensorRef)
		if !ok {
			continue
		}
		name, ok := d.pairs[i].(string)
		if !ok {
			return fail("", "TORCH_DICT", "a tensor under a key that is no string", "a state dict of named tensors")
		}
		e := formats.Entry{Name: name, DType: t.is.dtype, Shape: t.shape}
		size := int64(t.is.bytes)
		start, end := t.storage.start, t.storage.end
		if t.strides == nil {
			start += t.offset * size
			end = start + int64(e.Elems())*size
		}
		if !f.Add(e, start, end) {
			return fail(formats.TensorItem(name), "TORCH_DUPLICATE", "stands twice", "")
		}
		if t.is.dtype == tensor.Invalid {
			f.Unsupported(name, t.is.name)
		}
		f.refs[name] = t
	}
	if f.Len() == 0 {
		return fail("", "TORCH_DICT", fmt.Sprintf("a dict of %d entries, none a tensor", len(d.pairs)/2), "tensors at the top level; save the inner state dict by itself")
	}
	f.Seal()
	return nil
}

// Bytes implements [formats.Reader]. It compares the checksum of the tensor's
// record once, and copies a tensor that is not row-major into order.
func (f *File) Bytes(name string) ([]byte, error) {
	raw, err := f.Tensors.Bytes(name)
	if err != nil {
		return nil, err
	}
	t := f.refs[name]
	f.mu.Lock()
	err, done := f.checked[t.storage.key]
	if !done {
		err = f.checksum(t.storage.record)
		f.checked[t.storage.key] = err
	}
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if t.strides != nil {
		return t.gather(raw), nil
	}
	return raw, nil
}

func (f *File) checksum(r record) error {
	if f.skip {
		return nil
	}
	if got := crc32.ChecksumIEEE(f.Mapping().Data()[r.start:r.end]); got != r.crc {
		return &formats.Error{Path: f.Path(), Item: recordItem(r.name), Code: "ZIP_CRC", Offset: r.start,
			Got: fmt.Sprintf("checksum %08x", got), Want: fmt.Sprintf("%08x: fetch the file again; if it was written without checksums, Options.SkipCRC", r.crc)}
	}
	return nil
}

// gather copies the tensor out of the bytes of its storage, in row-major order.
func (t *tensorRef) gather(raw []byte) []byte {
	size := t.is.bytes
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	out := make([]byte, 0, n*size) // n is at most 4 times the storage
	at := make([]int, len(t.shape))
	from := t.offset
	for range n {
		out = append(out, raw[from*int64(size):][:size]...)
		for i := len(at) - 1; i >= 0; i-- {
			at[i]++
			from += t.strides[i]
			if at[i] < t.shape[i] {
				break
			}
			from -= int64(at[i]) * t.strides[i]
			at[i] = 0
		}
	}
	return out
}
