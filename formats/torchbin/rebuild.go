package torchbin

import (
	"bytes"
	"fmt"
	"math"

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
	rebuildTensorV3
	rebuildParameter
	torchSize
)

// scalarType is a torch dtype; of one that has no counterpart here its name is kept.
type scalarType struct {
	dtype tensor.DType
	bytes int // an element
	name  string
}

// storageClass is a torch storage type: the type of what it holds.
type storageClass scalarType

func known(d tensor.DType) scalarType { return scalarType{dtype: d, bytes: d.BlockBytes()} }

func holds(d tensor.DType) storageClass { return storageClass(known(d)) }

// globals is the closed table, by "module name".
var globals = map[string]any{
	"collections OrderedDict":         orderedDict,
	"torch._utils _rebuild_tensor":    rebuildTensor,
	"torch._utils _rebuild_tensor_v2": rebuildTensorV2,
	"torch._utils _rebuild_tensor_v3": rebuildTensorV3,
	"torch._utils _rebuild_parameter": rebuildParameter,
	"torch Size":                      torchSize,
	"torch FloatStorage":              holds(tensor.F32),
	"torch DoubleStorage":             holds(tensor.F64),
	"torch HalfStorage":               holds(tensor.F16),
	"torch BFloat16Storage":           holds(tensor.BF16),
	"torch CharStorage":               holds(tensor.I8),
	"torch ShortStorage":              holds(tensor.I16),
	"torch IntStorage":                holds(tensor.I32),
	"torch LongStorage":               holds(tensor.I64),
	"torch ByteStorage":               holds(tensor.U8),
	"torch BoolStorage":               holds(tensor.Bool),
	"torch ComplexFloatStorage":       storageClass{bytes: 8, name: "complex64"},
	"torch ComplexDoubleStorage":      storageClass{bytes: 16, name: "complex128"},
	"torch.storage UntypedStorage":    holds(tensor.U8),
	"torch float8_e4m3fn":             scalarType{bytes: 1, name: "float8_e4m3fn"},
	"torch float8_e5m2":               scalarType{bytes: 1, name: "float8_e5m2"},
	"torch float8_e4m3fnuz":           scalarType{bytes: 1, name: "float8_e4m3fnuz"},
	"torch float8_e5m2fnuz":           scalarType{bytes: 1, name: "float8_e5m2fnuz"},
	"torch float8_e8m0fnu":            scalarType{bytes: 1, name: "float8_e8m0fnu"},
	"torch uint16":                    scalarType{bytes: 2, name: "uint16"},
	"torch uint32":                    scalarType{bytes: 4, name: "uint32"},
	"torch uint64":                    scalarType{bytes: 8, name: "uint64"},
}

// storage is a record that tensors lie in.
type storage struct {
	record
	key   string
	class storageClass
	numel int64
}

// tensorRef is a tensor as the pickle describes it, checked against its storage.
type tensorRef struct {
	storage *storage
	is      scalarType
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
		m.ordered(a)
		return
	case rebuildTensor, rebuildTensorV2:
		if len(a) >= 4 && len(a) <= 7 {
			m.tensor(a, nil)
			return
		}
	case rebuildTensorV3:
		if len(a) >= 7 && len(a) <= 8 {
			if is, ok := a[6].(scalarType); ok {
				m.tensor(a, &is)
				return
			}
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

// ordered makes an OrderedDict: an empty one, or as Python 2 wrote them of a list of
// pairs.
func (m *machine) ordered(a tuple) {
	if !m.spend(32) {
		return
	}
	d := &dict{ordered: true}
	m.push(d)
	if len(a) == 0 {
		return
	}
	l, ok := a[0].(*list)
	if !ok || len(a) != 1 {
		m.fail("PICKLE_TYPE", "OrderedDict with arguments", "an empty one, filled by SETITEMS, or a list of pairs")
		return
	}
	for _, item := range l.items {
		pair, ok := item.(*list)
		if !ok || len(pair.items) != 2 {
			m.fail("PICKLE_TYPE", "OrderedDict of something else than pairs", "[[key, value], …]")
			return
		}
		m.setItems(pair.items...)
	}
}

// tensor takes (storage, offset, size, stride, …), of the storage's type or of another
// one that its bytes are read as.
func (m *machine) tensor(a tuple, as *scalarType) {
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
	t := &tensorRef{storage: s, is: scalarType(s.class), offset: offset, shape: make([]int, len(size)), strides: make([]int64, len(size))}
	if as != nil {
		t.is = *as
	}
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
	size, ok := formats.StorageBytes(t.shape, 1, t.is.bytes)
	if !ok {
		return fmt.Sprintf("size of shape %v overflows", t.shape), "a real shape"
	}
	n := size / int64(t.is.bytes)
	numel := t.storage.numel * int64(t.storage.class.bytes) / int64(t.is.bytes) // the product was seen to fit
	if n == 0 {
		t.offset, t.strides = 0, nil
		return "", ""
	}
	room := numel - 1 - t.offset // elements after the first
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
		return fmt.Sprintf("shape %v, strides %v, offset %d leave the storage of %d elements", t.shape, t.strides, t.offset, numel), "a view inside it"
	case rowMajor:
		t.strides = nil
	case n > 4*numel:
		return fmt.Sprintf("shape %v with strides %v repeats a storage of %d elements", t.shape, t.strides, numel), "a tensor at most 4 times its storage"
	}
	return "", ""
}

// persistent takes ("storage", class, key, location, numel), and a sixth part in the
// form before torch 1.6: the view of another storage that it is, or nothing.
func (m *machine) persistent(id any) {
	parts, want := 5, `("storage", class, key, location, number of elements)`
	if m.legacy {
		parts, want = 6, `("storage", class, key, location, number of elements, no view)`
	}
	a, ok := id.(tuple)
	if !ok || len(a) != parts || a[0] != any("storage") {
		m.fail("PICKLE_PERSISTENT", "malformed persistent id", want)
		return
	}
	class, ok1 := a[1].(storageClass)
	key, ok2 := a[2].(string)
	numel, ok3 := a[4].(int64)
	if _, ok := a[3].(string); !ok || !ok1 || !ok2 || !ok3 || numel < 0 || numel > math.MaxInt64/int64(max(class.bytes, 1)) {
		m.fail("PICKLE_PERSISTENT", "malformed persistent id", want)
		return
	}
	if m.legacy && a[5] != nil {
		m.fail("PICKLE_PERSISTENT", "storage that is a view of another, of torch before 0.4", convert)
		return
	}
	s, err := m.storage(class, key, numel)
	if err != nil {
		m.err = err
		return
	}
	m.push(s)
}
