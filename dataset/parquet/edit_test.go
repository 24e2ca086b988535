package parquet

import (
	"encoding/binary"
	"math"
	"testing"
)

// item is a value of Thrift's compact protocol, so that a test can change one
// field of a good file and leave the rest.
type item struct {
	kind  byte
	n     int64
	text  []byte
	of    byte // kind of a list's items
	items []*item
	ids   []int // of a structure's items
}

func decode(t *testing.T, r *thrift, kind byte) *item {
	v := &item{kind: kind}
	switch kind {
	case tTrue, tFalse:
	case tByte:
		v.n = int64(r.byte())
	case tI16, tI32, tI64:
		v.n = r.int()
	case tBinary:
		v.text = append([]byte{}, r.text()...)
	case tList:
		of, n := r.listHead()
		v.of = of
		for range n {
			v.items = append(v.items, decode(t, r, of))
		}
	case tStruct:
		id := 0
		for {
			head := r.byte()
			if head == tStop || r.err != nil {
				break
			}
			if id += int(head >> 4); head>>4 == 0 {
				id = int(r.int())
			}
			v.ids = append(v.ids, id)
			v.items = append(v.items, decode(t, r, head&15))
		}
	default:
		t.Fatalf("kind %d", kind)
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	return v
}

func zigzag(dst []byte, n int64) []byte { return binary.AppendUvarint(dst, uint64(n<<1)^uint64(n>>63)) }

func (v *item) encode(dst []byte) []byte {
	switch v.kind {
	case tByte:
		return append(dst, byte(v.n))
	case tI16, tI32, tI64:
		return zigzag(dst, v.n)
	case tBinary:
		return append(binary.AppendUvarint(dst, uint64(len(v.text))), v.text...)
	case tList:
		dst = append(dst, 0xf0|v.of)
		n := uint64(len(v.items))
		if v.n != 0 { // a count that lies
			n = uint64(v.n)
		}
		dst = binary.AppendUvarint(dst, n)
		for _, x := range v.items {
			dst = x.encode(dst)
		}
	case tStruct:
		for i, x := range v.items {
			dst = zigzag(append(dst, x.kind), int64(v.ids[i]))
			dst = x.encode(dst)
		}
		dst = append(dst, tStop)
	}
	return dst
}

// at returns the item down a path: field ids of structures, indices of lists.
func (v *item) at(path ...int) *item {
	for _, step := range path {
		if v.kind == tList {
			v = v.items[step]
			continue
		}
		found := -1
		for i, id := range v.ids {
			if id == step {
				found = i
			}
		}
		if found < 0 {
			return nil
		}
		v = v.items[found]
	}
	return v
}

// drop takes a field out of a structure.
func (v *item) drop(id int) {
	for i := range v.ids {
		if v.ids[i] == id {
			v.ids = append(v.ids[:i:i], v.ids[i+1:]...)
			v.items = append(v.items[:i:i], v.items[i+1:]...)
			return
		}
	}
}

// put adds a field to a structure.
func (v *item) put(id int, x *item) {
	v.drop(id)
	v.ids, v.items = append(v.ids, id), append(v.items, x)
}

// editor holds a file in parts.
type editor struct {
	t      *testing.T
	data   []byte // what lies before the footer
	footer *item
}

func edit(t *testing.T, name string) *editor {
	file := load(t, name)
	n := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	end := len(file) - 8 - n
	r := &thrift{data: file[end : end+n]}
	return &editor{t, append([]byte{}, file[:end]...), decode(t, r, tStruct)}
}

func (e *editor) bytes() []byte {
	foot := e.footer.encode(nil)
	out := append(append([]byte{}, e.data...), foot...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(foot)))
	return append(out, magic...)
}

// meta returns ColumnMetaData of a column of the first row group.
func (e *editor) meta(column int) *item { return e.footer.at(4, 0, 1, column, 3) }

// page changes the head and the bytes of a column's page (counted in the chunk
// from 0), which is written anew at the end of the data with the rest of its
// chunk. Sizes in the head follow the bytes unless change sets them.
func (e *editor) page(column, page int, change func(head *item, body []byte) []byte) {
	m := e.meta(column)
	start := m.at(9).n
	if d := m.at(11); d != nil && d.n < start {
		start = d.n
	}
	chunk := e.data[start : start+m.at(7).n]
	r := &thrift{data: chunk}
	var out []byte
	data, dictionary := int64(math.MaxInt64), int64(-1)
	for i := 0; r.pos < len(chunk); i++ {
		head := decode(e.t, r, tStruct)
		body := chunk[r.pos : r.pos+int(head.at(3).n)]
		r.pos += len(body)
		if head.at(1).n == pageDictionary {
			dictionary = int64(len(out))
		} else {
			data = min(data, int64(len(out)))
		}
		if i == page {
			body = change(head, append([]byte{}, body...))
		}
		out = append(head.encode(out), body...)
	}
	at := int64(len(e.data))
	// The old bytes stay, so that columns do not overlap.
	m.at(9).n = at + data
	if dictionary >= 0 {
		m.at(11).n = at + dictionary
	}
	m.at(7).n = int64(len(out))
	e.data = append(e.data, out...)
}
