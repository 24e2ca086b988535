package torchbin

import (
	"bytes"
	"fmt"

	"lamina/formats"
	"lamina/tensor"
)

// global is a name that a pickle may mention. It stands for a case in reduce,
// nothing more.
type global uint8

const (
	orderedDict global = iota
	rebuildTensor
	rebuildTensorV2
	rebuildParameter
	torchSize
)

// storageClass is a torch storage type: the dtype of what it holds.
type storageClass tensor.DType

// globals is the closed table, by "module name".
var globals = map[string]any{
	"collections OrderedDict":         orderedDict,
	"torch._utils _rebuild_tensor":    rebuildTensor,
	"torch._utils _rebuild_tensor_v2": rebuildTensorV2,
	"torch._utils _rebuild_parameter": rebuildParameter,
	"torch Size":                      torchSize,
	"torch FloatStorage":              storageClass(tensor.F32),
	"torch DoubleStorage":             storageClass(tensor.F64),
	"torch HalfStorage":               storageClass(tensor.F16),
	"torch BFloat16Storage":           storageClass(tensor.BF16),
	"torch CharStorage":               storageClass(tensor.I8),
	"torch ShortStorage":              storageClass(tensor.I16),
	"torch IntStorage":                storageClass(tensor.I32),
	"torch LongStorage":               storageClass(tensor.I64),
	"torch ByteStorage":               storageClass(tensor.U8),
	"torch BoolStorage":               storageClass(tensor.Bool),
}

// storage is a record that tensors lie in.
type storage struct {
	record
	key   string
	dtype tensor.DType
	numel int64
}

// tensorRef is a tensor as the pickle describes it, checked against its storage.
type tensorRef struct {
	storage *storage
	shape   []int
	strides []int64 // in elements; nil: row-major without gaps
	offset  int64   // of the first element, in elements
}

// global reads "module\nname\n" and pushes what the table has for it.
func (m *machine) global() {
	var names [2]string
	for i := range names {
		n := bytes.IndexByte(m.data[m.pos:], '\n')
		if n < 0 {
			m.fail("PICKLE_TRUNCATED", "name without an end", "")
			return
		}
		if n > 256 || !m.spend(n) {
			m.fail("PICKLE_GLOBAL", fmt.Sprintf("name of %d bytes", n), "at most 256")
			return
		}
		names[i] = string(m.data[m.pos : m.pos+n])
		m.pos += n + 1
	}
	v, ok := globals[names[0]+" "+names[1]]
	if !ok {
		m.fail("PICKLE_GLOBAL", "the file refers to "+formats.Quote(names[0]+"."+names[1]),
			"only plain tensors of ordinary types; nothing from the file is run: load it where you trust it and save as safetensors")
		return
	}
	m.push(v)
}

// reduce fills in the value that Python would get by calling fn(*args).
func (m *machine) reduce(fn, args any) {
	if m.err != nil {
		return
	}
	g, ok := fn.(global)
	a, isTuple := args.(tuple)
	if !ok || !isTuple {
		m.fail("PICKLE_TYPE", "call of something else than a known name with a tuple", "")
		return
	}
	switch g {
	case orderedDict:
		if len(a) != 0 {
			m.fail("PICKLE_TYPE", "OrderedDict with arguments", "an empty one, filled by SETITEMS")
		}
		if m.spend(32) {
			m.push(&dict{ordered: true})
		}
		return
	case rebuildTensor, rebuildTensorV2:
		if len(a) >= 4 && len(a) <= 7 {
			m.tensor(a)
			return
		}
	case rebuildParameter:
		if len(a) == 3 {
			if t, ok := a[0].(*tensorRef); ok {
				m.push(t)
				return
			}
		}
	case torchSize:
		if len(a) == 1 {
			if t, ok := a[0].(tuple); ok {
				m.push(t)
				return
			}
		}
	}
	m.fail("PICKLE_TYPE", "wrong arguments of a torch rebuild function", "those torch.save writes")
}

// tensor takes (storage, offset, size, stride, …).
func (m *machine) tensor(a tuple) {
	s, ok1 := a[0].(*storage)
	offset, ok2 := a[1].(int64)
	size, ok3 := a[2].(tuple)
	stride, ok4 := a[3].(tuple)
	if !ok1 || !ok2 || !ok3 || !ok4 || len(size) != len(stride) || len(size) > formats.MaxRank || offset < 0 {
		m.fail("PICKLE_TENSOR", "malformed tensor", "storage, offset, size and as many strides")
		return
	}
	if !m.spend(96 + 16*len(size)) {
		return
	}
	t := &tensorRef{storage: s, offset: offset, shape: make([]int, len(size)), strides: make([]int64, len(size))}
	for i := range size {
		n, ok1 := size[i].(int64)
		step, ok2 := stride[i].(int64)
		if !ok1 || !ok2 || n < 0 || step < 0 || int64(int(n)) != n {
			m.fail("PICKLE_TENSOR", "size or stride that is no non-negative integer", "")
			return
		}
		t.shape[i], t.strides[i] = int(n), step
	}
	if got, want := t.check(); got != "" {
		m.fail("PICKLE_TENSOR", got, want)
		return
	}
	m.push(t)
}

// check sees that the tensor lies in its storage and drops row-major strides.
func (t *tensorRef) check() (got, want string) {
	size, ok := formats.StorageBytes(t.shape, 1, t.storage.dtype.BlockBytes())
	if !ok {
		return fmt.Sprintf("size of shape %v overflows", t.shape), "a real shape"
	}
	n := size / int64(t.storage.dtype.BlockBytes())
	if n == 0 {
		t.offset, t.strides = 0, nil
		return "", ""
	}
	room := t.storage.numel - 1 - t.offset // elements after the first
	rowMajor, dense := true, int64(1)
	for i := len(t.shape) - 1; i >= 0; i-- {
		steps := int64(t.shape[i]) - 1
		if steps == 0 {
			continue
		}
		if room < 0 || t.strides[i] > room/steps {
			room = -1
			break
		}
		room -= steps * t.strides[i]
		rowMajor = rowMajor && t.strides[i] == dense
		dense *= steps + 1
	}
	switch {
	case room < 0:
		return fmt.Sprintf("shape %v, strides %v, offset %d leave the storage of %d elements", t.shape, t.strides, t.offset, t.storage.numel), "a view inside it"
	case rowMajor:
		t.strides = nil
	case n > 4*t.storage.numel:
		return fmt.Sprintf("shape %v with strides %v repeats a storage of %d elements", t.shape, t.strides, t.storage.numel), "a tensor at most 4 times its storage"
	}
	return "", ""
}

// persistent takes ("storage", class, key, location, numel).
func (m *machine) persistent(id any) {
	a, ok := id.(tuple)
	if !ok || len(a) != 5 || a[0] != any("storage") {
		m.fail("PICKLE_PERSISTENT", "malformed persistent id", `("storage", class, key, location, number of elements)`)
		return
	}
	class, ok1 := a[1].(storageClass)
	key, ok2 := a[2].(string)
	numel, ok3 := a[4].(int64)
	if _, ok := a[3].(string); !ok || !ok1 || !ok2 || !ok3 || numel < 0 {
		m.fail("PICKLE_PERSISTENT", "malformed persistent id", `("storage", class, key, location, number of elements)`)
		return
	}
	s, err := m.storage(class, key, numel)
	if err != nil {
		m.err = err
		return
	}
	m.push(s)
}
