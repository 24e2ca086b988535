package formats

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"path/filepath"
	"slices"

	"lamina/tensor"
)

// Entry describes a stored tensor. Shape is row-major, outermost axis first,
// whatever the file's own order; nil or empty is a scalar. DType is
// [tensor.Invalid] where the file's type has no counterpart here; Stored is then what
// the file calls it.
type Entry struct {
	Name   string
	DType  tensor.DType
	Shape  []int
	Stored string
}

// TypeName returns the name of the type, the file's own if it has no counterpart here.
func (e Entry) TypeName() string {
	if e.DType == tensor.Invalid && e.Stored != "" {
		return e.Stored
	}
	return e.DType.String()
}

// Elems returns the number of elements, the product of the shape.
func (e Entry) Elems() int {
	n := 1
	for _, d := range e.Shape {
		n *= d
	}
	return n
}

// Reader gives the named tensors of one or more files: what opening one of any format
// returns. It may be used by several goroutines, Close excepted.
type Reader interface {
	// Path returns the file, or the index of the files.
	Path() string
	// Names returns all names, sorted.
	Names() []string
	// Entry returns what is known of a tensor without touching its data.
	Entry(name string) (Entry, bool)
	// Bytes returns the little-endian storage bytes of the tensor's DType: a view
	// of the file at any alignment (copy or decode, never cast), read-only, valid
	// until Close.
	Bytes(name string) ([]byte, error)
	// Release hints that the tensor's pages are not needed for now.
	Release(name string)
	// Close gives the files back.
	Close() error
}

// MaxRank bounds the axes of a tensor in any file.
const MaxRank = 16

// StorageBytes returns the bytes that a tensor takes, or false when a product
// overflows, whatever zero stands elsewhere in shape, or when the innermost axis
// is not whole blocks. block and blockBytes are as in [tensor.DType].
func StorageBytes(shape []int, block, blockBytes int) (int64, bool) {
	n, zero := uint64(1), false
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		if d == 0 {
			zero = true
			continue
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, false
		}
		n = lo
	}
	if block > 1 && (len(shape) == 0 || shape[len(shape)-1]%block != 0) {
		return 0, false
	}
	hi, size := bits.Mul64(n, uint64(blockBytes))
	if hi != 0 || size > math.MaxInt64 {
		return 0, false
	}
	if zero {
		return 0, true
	}
	return int64(size) / int64(block), true
}

// Tensors is the plain [Reader]: byte ranges of one [Mapping]. Readers fill it with
// Add and Unsupported and then hand it out.
type Tensors struct {
	file        *Mapping
	names       []string
	at          map[string]located
	unsupported map[string]string
}

type located struct {
	shape      []int
	start, end int64
	dtype      tensor.DType
}

// NewTensors returns an empty set over f, which it owns from now on, with room
// for n tensors.
func NewTensors(f *Mapping, n int) *Tensors {
	return &Tensors{file: f, at: make(map[string]located, n)}
}

// Add puts a tensor at bytes [start, end) of the file. The caller has checked
// that they exist and fit the entry. It returns false if the name is taken.
func (t *Tensors) Add(e Entry, start, end int64) bool {
	if _, taken := t.at[e.Name]; taken {
		return false
	}
	if start < 0 || start > end || end > t.file.Size() {
		panic(fmt.Sprintf("formats: Add: [%d,%d) is not in a file of %d bytes", start, end, t.file.Size()))
	}
	t.at[e.Name] = located{shape: e.Shape, start: start, end: end, dtype: e.DType}
	t.names = nil
	return true
}

// Unsupported marks a tensor that is there but whose type, called typeName in
// the file, cannot be read: Bytes says so.
func (t *Tensors) Unsupported(name, typeName string) {
	if t.unsupported == nil {
		t.unsupported = make(map[string]string)
	}
	t.unsupported[name] = typeName
}

// Len returns the number of tensors.
func (t *Tensors) Len() int { return len(t.at) }

// Seal sorts the names; call it once, after the last Add.
func (t *Tensors) Seal() {
	t.names = make([]string, 0, len(t.at))
	for name := range t.at {
		t.names = append(t.names, name)
	}
	slices.Sort(t.names)
}

// Mapping returns the file the tensors lie in.
func (t *Tensors) Mapping() *Mapping { return t.file }

// Path implements [Reader].
func (t *Tensors) Path() string { return t.file.path }

// Names implements [Reader].
func (t *Tensors) Names() []string { return slices.Clone(t.names) }

// Entry implements [Reader].
func (t *Tensors) Entry(name string) (Entry, bool) {
	l, ok := t.at[name]
	if !ok {
		return Entry{}, false
	}
	return Entry{Name: name, DType: l.dtype, Shape: slices.Clone(l.shape), Stored: t.unsupported[name]}, true
}

// Bytes implements [Reader].
func (t *Tensors) Bytes(name string) ([]byte, error) {
	l, ok := t.at[name]
	if !ok {
		return nil, &Error{Path: t.file.path, Item: TensorItem(name), Code: "NO_TENSOR", Got: "is not in the file",
			Want: fmt.Sprintf("one of its %d names", len(t.at))}
	}
	if typeName, ok := t.unsupported[name]; ok {
		return nil, &Error{Path: t.file.path, Item: TensorItem(name), Code: "DTYPE", Got: "type " + typeName + " cannot be read",
			Want: "a file converted to another type, F16 for example"}
	}
	if l.end > int64(len(t.file.data)) && l.end <= t.file.size {
		return nil, &Error{Path: t.file.path, Item: TensorItem(name), Code: "NOT_THERE", Got: "only the file's header is there"}
	}
	if l.end > int64(len(t.file.data)) {
		return nil, &Error{Path: t.file.path, Item: TensorItem(name), Code: "CLOSED", Got: "the file has been closed"}
	}
	return t.file.data[l.start:l.end:l.end], nil
}

// Range returns where the bytes of a tensor lie in the file.
func (t *Tensors) Range(name string) (start, end int64, ok bool) {
	l, ok := t.at[name]
	return l.start, l.end, ok
}

// Release implements [Reader].
func (t *Tensors) Release(name string) {
	if l, ok := t.at[name]; ok && l.end <= int64(len(t.file.data)) {
		t.file.Release(l.start, l.end)
	}
}

// Close implements [Reader].
func (t *Tensors) Close() error { return t.file.Close() }

// Join returns one Reader over several, which it owns from now on. It fails, and closes
// them, if two have a tensor of the same name.
func Join(path string, parts []Reader) (Reader, error) {
	s := &sharded{path: path, parts: parts, part: make(map[string]int)}
	for i, p := range parts {
		for _, name := range p.Names() {
			if at, twice := s.part[name]; twice {
				err := &Error{Path: p.Path(), Item: TensorItem(name), Code: "PART_DUPLICATE", Got: "is in " + filepath.Base(parts[at].Path()) + " too", Want: "parts of one model"}
				return nil, errors.Join(err, s.Close())
			}
			s.part[name] = i
			s.names = append(s.names, name)
		}
	}
	slices.Sort(s.names)
	return s, nil
}

// Listed returns a Reader of tensors that are known by description alone: their bytes are
// nowhere.
func Listed(path string, entries []Entry) Reader {
	t := NewTensors(NewBeginning(path, nil, 1), len(entries))
	for _, e := range entries {
		t.Add(e, 1, 1)
	}
	t.Seal()
	return t
}

// sharded is a Reader over several.
type sharded struct {
	path   string
	parts  []Reader
	names  []string
	part   map[string]int
	faults map[string]error // of tensors that are not where the index says
}

// Faults returns, for each tensor that an index and its shards do not agree on, what is
// wrong with it. They are not among the names of the reader: who needs one has this to
// say.
func Faults(r Reader) map[string]error {
	if s, ok := r.(*sharded); ok {
		return s.faults
	}
	return nil
}

// Metadata implements [Described]: what the parts say, the first of equal keys.
func (s *sharded) Metadata() map[string]string {
	all := map[string]string{}
	for _, p := range s.parts {
		if d, ok := p.(Described); ok {
			for key, v := range d.Metadata() {
				if _, said := all[key]; !said {
					all[key] = v
				}
			}
		}
	}
	return all
}

// Paths lists the files that a reader reads tensors from.
func Paths(r Reader) (all []string) {
	s, ok := r.(*sharded)
	if !ok {
		return []string{r.Path()}
	}
	for _, p := range s.parts {
		all = append(all, Paths(p)...)
	}
	return all
}

// Described is a [Reader] of files that carry texts beside their tensors, as the
// __metadata__ of safetensors.
type Described interface{ Metadata() map[string]string }

func (s *sharded) Path() string    { return s.path }
func (s *sharded) Names() []string { return slices.Clone(s.names) }

func (s *sharded) Entry(name string) (Entry, bool) {
	i, ok := s.part[name]
	if !ok {
		return Entry{}, false
	}
	return s.parts[i].Entry(name)
}

func (s *sharded) Bytes(name string) ([]byte, error) {
	i, ok := s.part[name]
	if err := s.faults[name]; err != nil {
		return nil, err
	}
	if !ok {
		return nil, &Error{Path: s.path, Item: TensorItem(name), Code: "NO_TENSOR", Got: "is in no shard",
			Want: fmt.Sprintf("one of its %d names", len(s.part))}
	}
	return s.parts[i].Bytes(name)
}

func (s *sharded) Release(name string) {
	if i, ok := s.part[name]; ok {
		s.parts[i].Release(name)
	}
}

func (s *sharded) Close() error {
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}
