package torchbin

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"lamina/formats"
)

// Before torch 1.6 a file was a row of pickles, a magic number, a version, the writer's
// machine, the object, the list of its storages' keys, and then for each key the number
// of elements and the elements. Reference: _legacy_load of torch/serialization.py.

const (
	// legacyMagic is the pickle of 0x1950a86a20f9469cfc6c, without its protocol.
	legacyMagic   = "\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
	legacyVersion = 1001
)

// isLegacy reports whether a file begins as torch.save began one.
func isLegacy(data []byte) bool {
	return len(data) > 2+len(legacyMagic) && data[0] == 0x80 && data[1] <= 5 && bytes.HasPrefix(data[2:], []byte(legacyMagic))
}

// legacy reads one such file from front to back.
type legacy struct {
	file     *formats.Mapping
	pos      int
	spent    int // bytes the values of its pickles have taken
	storages map[string]*storage
}

func parseLegacy(f *formats.Mapping) (*File, error) {
	l := &legacy{file: f, pos: 2 + len(legacyMagic), storages: map[string]*storage{}}
	if err := l.preamble(); err != nil {
		return nil, err
	}
	top, err := l.pickle("pickle of the object", true)
	if err != nil {
		return nil, err
	}
	keys, err := l.pickle("pickle of the storages' keys", false)
	if err != nil {
		return nil, err
	}
	if err := l.data(keys); err != nil {
		return nil, err
	}
	// There are no checksums.
	out := &File{Tensors: formats.NewTensors(f, 0), refs: make(map[string]*tensorRef), skip: true, checked: make(map[string]error)}
	if err := out.fill(top); err != nil {
		return nil, err
	}
	return out, nil
}

func (l *legacy) fail(item, code, got, want string) error {
	return &formats.Error{Path: l.file.Path(), Item: item, Code: code, Offset: int64(l.pos), Got: got, Want: want}
}

// preamble reads the version and the writer's machine.
func (l *legacy) preamble() error {
	v, err := l.pickle("pickle of the version", false)
	if err != nil {
		return err
	}
	if v != any(int64(legacyVersion)) {
		return l.fail("", "TORCH_LEGACY", "a version of the format that is not known", fmt.Sprintf("version %d: %s", legacyVersion, convert))
	}
	machine, err := l.pickle("pickle of the writer's machine", false)
	if err != nil {
		return err
	}
	d, ok := machine.(*dict)
	if !ok {
		return l.fail("", "TORCH_LEGACY", "no description of the writer's machine", "a file made by torch.save")
	}
	for i := 0; i < len(d.pairs); i += 2 {
		if d.pairs[i] == any("little_endian") && d.pairs[i+1] != any(true) {
			return l.fail("", "TORCH_ENDIAN", "big-endian file", "little-endian: "+convert)
		}
	}
	return nil
}

// pickle runs the pickle that comes next. Where the length of a pickle stands nowhere, its
// memory is bounded by what has been read of the file.
func (l *legacy) pickle(item string, storages bool) (any, error) {
	data := l.file.Data()
	m := &machine{path: l.file.Path(), item: item, base: int64(l.pos), data: data[l.pos:], legacy: true, spent: l.spent}
	m.limit = func(pos int) int { return budgetOf(l.pos+pos, len(data)) }
	m.storage = func(class storageClass, key string, numel int64) (*storage, error) {
		s, known := l.storages[key]
		switch {
		case !storages:
			m.fail("PICKLE_PERSISTENT", "a storage where none is due", "a file made by torch.save")
		case !known:
			if m.spend(160) { // it and its place in the table
				s = &storage{key: key, class: class, numel: numel}
				l.storages[key] = s
			}
		default:
			if got, ok := s.agrees(class, numel); !ok {
				m.fail("TORCH_STORAGE", "storage "+formats.Quote(key)+" "+got, "one description")
			}
		}
		return s, m.err
	}
	v, err := m.run()
	l.pos, l.spent = l.pos+m.pos, m.spent
	return v, err
}

// data finds the elements of each storage.
func (l *legacy) data(keys any) error {
	list, ok := keys.(*list)
	if !ok {
		return l.fail("", "TORCH_LEGACY", "no list of storages", "a file made by torch.save")
	}
	data := l.file.Data()
	for _, k := range list.items {
		key, _ := k.(string)
		item := "storage " + formats.Quote(key)
		s, ok := l.storages[key]
		switch {
		case !ok:
			return l.fail(item, "TORCH_STORAGE", "is listed, but no tensor has it", "a file made by torch.save")
		case s.start > 0:
			return l.fail(item, "TORCH_STORAGE", "is listed twice", "a file made by torch.save")
		case len(data)-l.pos < 8:
			return l.fail(item, "TORCH_TRUNCATED", fmt.Sprintf("%d bytes left", len(data)-l.pos), "a whole file; fetch it again")
		}
		if n := binary.LittleEndian.Uint64(data[l.pos:]); n != uint64(s.numel) {
			return l.fail(item, "TORCH_STORAGE", fmt.Sprintf("%d elements", n), fmt.Sprint(s.numel))
		}
		l.pos += 8
		size := s.numel * int64(s.class.bytes)
		if size > int64(len(data)-l.pos) {
			return l.fail(item, "TORCH_TRUNCATED", fmt.Sprintf("%d bytes due, %d left", size, len(data)-l.pos), "a whole file; fetch it again")
		}
		s.start, s.end = int64(l.pos), int64(l.pos)+size
		l.pos += int(size)
	}
	for key, s := range l.storages {
		if s.start == 0 {
			return l.fail("storage "+formats.Quote(key), "TORCH_STORAGE", "has no data in the file", "a whole file; fetch it again")
		}
	}
	return nil
}
