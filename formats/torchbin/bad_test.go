package torchbin_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"strings"
	"testing"

	"lamina/formats/internal/formattest"
	"lamina/formats/torchbin"
)

// record is a member of a hand-made archive. Zero fields are filled in right.
type record struct {
	name      string
	data      []byte
	localName string // in the local header
	flags     uint16
	method    uint16
	crc       uint32
	size      uint32 // in the directory
	offset    uint32 // of the local header, plus one
	wide      []byte // extra field; when set, sizes and offset say "see there"
}

// zipOf writes local headers and data, the directory and the end record.
func zipOf(records ...record) []byte {
	le := binary.LittleEndian
	var b, dir []byte
	for _, r := range records {
		if r.localName == "" {
			r.localName = r.name
		}
		if r.crc == 0 {
			r.crc = crc32.ChecksumIEEE(r.data)
		}
		if r.size == 0 {
			r.size = uint32(len(r.data))
		}
		if r.offset == 0 {
			r.offset = uint32(len(b)) + 1
		}
		sizes := func(b []byte) []byte {
			return le.AppendUint32(le.AppendUint32(le.AppendUint32(b, r.crc), r.size), r.size)
		}
		offset := r.offset - 1
		if r.wide != nil {
			r.size, offset = math.MaxUint32, math.MaxUint32
		}
		dir = append(dir, "PK\x01\x02\x00\x00\x00\x00"...)
		dir = le.AppendUint16(le.AppendUint16(dir, r.flags), r.method)
		dir = sizes(append(dir, 0, 0, 0, 0))
		dir = le.AppendUint16(le.AppendUint16(dir, uint16(len(r.name))), uint16(len(r.wide)))
		dir = append(le.AppendUint32(append(dir, make([]byte, 10)...), offset), r.name...)
		dir = append(dir, r.wide...)
		b = append(b, "PK\x03\x04\x00\x00"...)
		b = le.AppendUint16(le.AppendUint16(b, r.flags), r.method)
		b = sizes(append(b, 0, 0, 0, 0))
		b = le.AppendUint16(le.AppendUint16(b, uint16(len(r.localName))), 0)
		b = append(append(b, r.localName...), r.data...)
	}
	return append(b, end(dir, len(records), len(b))...)
}

// end is the directory and the record that closes an archive.
func end(dir []byte, n, offset int) []byte {
	le := binary.LittleEndian
	b := append(dir, "PK\x05\x06\x00\x00\x00\x00"...)
	b = le.AppendUint16(le.AppendUint16(b, uint16(n)), uint16(n))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(dir))), uint32(offset))
	return append(b, 0, 0)
}

// wideField is the zip64 extra field of size and local header offset, after a
// field that must be skipped.
func wideField(size, offset int) []byte {
	le := binary.LittleEndian
	b := append([]byte{9, 9, 1, 0, 0}, 1, 0, 24, 0)
	return le.AppendUint64(le.AppendUint64(le.AppendUint64(b, uint64(size)), uint64(size)), uint64(offset))
}

// end64 replaces the end record of an archive by a zip64 one, a locator and an
// end record that refers to them.
func end64(zip []byte, records int) []byte {
	le := binary.LittleEndian
	at := len(zip) - 22
	size, offset := uint64(le.Uint32(zip[at+12:])), uint64(le.Uint32(zip[at+16:]))
	b := append(bytes.Clone(zip[:at]), "PK\x06\x06"...)
	b = append(le.AppendUint64(b, 44), make([]byte, 12)...)
	b = le.AppendUint64(le.AppendUint64(b, uint64(records)), uint64(records))
	b = le.AppendUint64(le.AppendUint64(b, size), offset)
	b = append(b, "PK\x06\x07\x00\x00\x00\x00"...)
	b = le.AppendUint32(le.AppendUint64(b, uint64(at)), 1)
	return append(b, "PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00"...)
}

// archive is a torch file of the given pickle and records.
func archive(pickle string, records ...record) []byte {
	return zipOf(append([]record{{name: "m/data.pkl", data: []byte(pickle)}}, records...)...)
}

// w is the storage of most tests: 8 bytes.
var w = record{name: "m/data/w", data: make([]byte, 8)}

func str(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func num(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func nums(n []int) string {
	s := "("
	for _, n := range n {
		s += num(n)
	}
	return s + "t"
}

func storageID(class, key string, numel int) string {
	return "(" + str("storage") + "ctorch\n" + class + "\n" + str(key) + str("cpu") + num(numel) + "tQ"
}

func rebuild(storage string, offset int, size, stride []int) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + num(offset) + nums(size) + nums(stride) + "\x89ccollections\nOrderedDict\n)RtR"
}

// f32 pushes a float tensor in the storage called key.
func f32(key string, numel, offset int, size, stride []int) string {
	return rebuild(storageID("FloatStorage", key, numel), offset, size, stride)
}

// pickled is a state dict of one tensor, called w.
func pickled(tensor string) string { return "\x80\x02}" + str("w") + tensor + "s." }

func parse(data []byte) error {
	f, err := torchbin.Parse("m.bin", data)
	if err == nil {
		for _, name := range f.Names() {
			if _, err := f.Bytes(name); err != nil {
				return err
			}
		}
	}
	return err
}

var plain = pickled(f32("w", 2, 0, []int{2}, []int{1}))

func TestBadArchivesAreRefused(t *testing.T) {
	bad := formattest.Bad
	ok := archive(plain, w)
	pkl := record{name: "m/data.pkl", data: []byte(plain)}
	with := func(edit func(r *record)) []byte {
		r := w
		edit(&r)
		return zipOf(pkl, r)
	}
	wide := end64(with(func(r *record) { r.wide = wideField(8, 30+len(pkl.name)+len(plain)) }), 2)
	tar := append(make([]byte, 257), "ustar\x0000"...)
	formattest.Reject(t, []formattest.Case{
		bad("legacy pickle", []byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), "TORCH_LEGACY", ok),
		bad("tar", append(tar, make([]byte, 300)...), "TORCH_LEGACY", ok),
		bad("other magic", []byte("hello"), "TORCH_MAGIC", ok),
		bad("truncated", ok[:len(ok)-1], "ZIP_TRUNCATED", ok),
		bad("bytes after the end", append(bytes.Clone(ok), 0), "ZIP_TRUNCATED", ok),
		bad("prefix", append([]byte("PK\x03\x04"), ok...), "ZIP_DIRECTORY", ok),
		bad("directory past the file", append([]byte("PK\x03\x04"), end(nil, 0, 1<<20)...), "ZIP_TRUNCATED", ok),
		bad("65534 entries declared", append([]byte("PK\x03\x04"), end(nil, 65534, 4)...), "ZIP_TRUNCATED", ok),
		bad("one entry too few declared", bytes.Replace(ok, []byte("\x02\x00\x02\x00"), []byte("\x01\x00\x01\x00"), 1), "ZIP_DIRECTORY", ok),
		bad("compressed", with(func(r *record) { r.method = 8 }), "ZIP_COMPRESSED", ok),
		bad("encrypted", with(func(r *record) { r.flags = 1 }), "ZIP_ENCRYPTED", with(func(r *record) { r.flags = 0x800 })),
		bad("name twice", zipOf(pkl, w, w), "ZIP_DUPLICATE", ok),
		bad("name leads out", zipOf(pkl, w, record{name: "m/../x"}), "ZIP_NAME", zipOf(pkl, w, record{name: "m/..x"})),
		bad("absolute name", zipOf(pkl, w, record{name: "/m/x"}), "ZIP_NAME", zipOf(pkl, w, record{name: "m/x"})),
		bad("backslash in a name", zipOf(pkl, w, record{name: `m\x`}), "ZIP_NAME", zipOf(pkl, w, record{name: "m/x"})),
		bad("NUL in a name", zipOf(pkl, w, record{name: "m/x\x00"}), "ZIP_NAME", zipOf(pkl, w, record{name: "m/x"})),
		bad("local name differs", with(func(r *record) { r.localName = "m/data/v" }), "ZIP_LOCAL", ok),
		bad("local header elsewhere", with(func(r *record) { r.offset = 3 }), "ZIP_LOCAL", ok),
		bad("local header past the file", with(func(r *record) { r.offset = 1 << 30 }), "ZIP_LOCAL", ok),
		bad("record past the file", with(func(r *record) { r.size = 1 << 30 }), "ZIP_TRUNCATED", ok),
		bad("record into the directory", with(func(r *record) { r.size = 9 }), "ZIP_OVERLAP", ok),
		bad("records overlap", zipOf(record{name: "m/data.pkl", data: []byte(plain), size: uint32(len(plain)) + 1}, w), "ZIP_OVERLAP", ok),
		bad("checksum", with(func(r *record) { r.crc = 1 }), "ZIP_CRC", ok),
		bad("checksum of the pickle", zipOf(record{name: "m/data.pkl", data: []byte(plain), crc: 1}, w), "ZIP_CRC", ok),
		bad("no pickle", zipOf(w), "TORCH_RECORD", ok),
		bad("two pickles", zipOf(pkl, w, record{name: "n/data.pkl", data: []byte(plain)}), "TORCH_RECORD", ok),
		bad("TorchScript", zipOf(pkl, w, record{name: "m/constants.pkl"}), "TORCH_SCRIPT", ok),
		bad("big-endian", zipOf(pkl, w, record{name: "m/byteorder", data: []byte("big")}), "TORCH_ENDIAN",
			zipOf(pkl, w, record{name: "m/byteorder", data: []byte("little")})),
		bad("no storage record", zipOf(pkl), "TORCH_STORAGE", ok),
		bad("storage of another size", zipOf(pkl, record{name: w.name, data: make([]byte, 12)}), "TORCH_STORAGE", ok),
		bad("zip64 end record gone", bytes.Replace(end64(ok, 2), []byte("PK\x06\x06"), []byte("PK\x06\x05"), 1), "ZIP_TRUNCATED", end64(ok, 2)),
		bad("zip64 field too short", with(func(r *record) { r.wide = wideField(8, 0)[:17] }), "ZIP_DIRECTORY", wide),
		bad("zip64 field absent", with(func(r *record) { r.wide = []byte{9, 9, 0, 0} }), "ZIP_DIRECTORY", wide),
		bad("zip64 offset past the file", with(func(r *record) { r.wide = wideField(8, 1<<40) }), "ZIP_LOCAL", wide),
		bad("zip64 size past the file", with(func(r *record) { r.wide = wideField(1<<62, 40+len(plain)) }), "ZIP_TRUNCATED", wide),
		bad("zip64 without locator", append([]byte("PK\x03\x04"), end(nil, 0xffff, 4)...), "ZIP_TRUNCATED", ok),
	}, parse)
}

func TestBadPicklesAreRefused(t *testing.T) {
	good := archive(plain, w)
	p := func(pickle string) []byte { return archive(pickle, w) }
	view := func(offset int, size, stride []int) []byte {
		return p(pickled(f32("w", 2, offset, size, stride)))
	}
	item := str("w") + f32("w", 2, 0, []int{2}, []int{1})
	cases := []struct {
		name, code string
		data       []byte
	}{
		{"system call", "PICKLE_GLOBAL", p("\x80\x02cos\nsystem\n(" + str("true") + "tR.")},
		{"eval", "PICKLE_GLOBAL", p(pickled("c__builtin__\neval\n(" + str("1") + "tR"))},
		{"getattr of torch", "PICKLE_GLOBAL", p(pickled("ctorch.hub\nload\n)R"))},
		{"terminal escape in a name", "PICKLE_GLOBAL", p("c\x1b[31m\nx\n.")},
		{"complex storage", "DTYPE", p(pickled(rebuild(storageID("ComplexFloatStorage", "w", 1), 0, []int{1}, []int{1})))},
		{"name without an end", "PICKLE_TRUNCATED", p("ctorch")},
		{"INST", "PICKLE_OPCODE", p("(ios\nsystem\n.")},
		{"OBJ", "PICKLE_OPCODE", p("(o.")},
		{"STACK_GLOBAL", "PICKLE_OPCODE", p(str("os") + str("system") + "\x93.")},
		{"EXT1", "PICKLE_OPCODE", p("\x82\x01.")},
		{"text persistent id", "PICKLE_OPCODE", p("Pw\n.")},
		{"protocol 4 string", "PICKLE_OPCODE", p("\x80\x04\x8c\x01w.")},
		{"protocol 9", "PICKLE_OPCODE", p("\x80\x09N.")},
		{"long of 4 GiB", "PICKLE_OPCODE", p("\x8b\xff\xff\xff\x7f.")},
		{"no STOP", "PICKLE_TRUNCATED", p("\x80\x02N")},
		{"bytes after STOP", "PICKLE_TRAILING", p(plain + "N")},
		{"empty", "PICKLE_TRUNCATED", p("")},
		{"nothing on the stack", "PICKLE_STACK", p(".")},
		{"two values left", "PICKLE_STACK", p("NN.")},
		{"mark left", "PICKLE_STACK", p("N(N.")},
		{"pop past the mark", "PICKLE_STACK", p("}(\x85.")},
		{"no mark", "PICKLE_STACK", p("}t.")},
		{"key without a value", "PICKLE_STACK", p("}(" + str("w") + "u.")},
		{"memo never stored", "PICKLE_MEMO", p("h\x07.")},
		{"memo of 2^30", "PICKLE_MEMO", p("Nr\x00\x00\x00\x40.")},
		{"memo far out", "PICKLE_MEMORY", p("Nr\x00\x00\xff\x00.")},
		{"string past the end", "PICKLE_TRUNCATED", p("X\xff\xff\xff\x00w.")},
		{"string of 4 GiB", "PICKLE_TRUNCATED", p("X\xff\xff\xff\xffw.")},
		{"string not UTF-8", "PICKLE_STRING", p("}" + str("\xff") + "Ns.")},
		{"integer of 9 bytes", "PICKLE_TYPE", p("\x8a\x09123456789.")},
		{"append to a dict", "PICKLE_TYPE", p("}Na.")},
		{"items in a list", "PICKLE_TYPE", p("]NNs.")},
		{"call of a string", "PICKLE_TYPE", p(str("x") + ")R.")},
		{"call with a list", "PICKLE_TYPE", p("ccollections\nOrderedDict\n]R.")},
		{"call of a storage class", "PICKLE_TYPE", p("ctorch\nFloatStorage\n)R.")},
		{"OrderedDict of a number", "PICKLE_TYPE", p("ccollections\nOrderedDict\n(" + num(1) + "tR.")},
		{"OrderedDict of no pairs", "PICKLE_TYPE", p("ccollections\nOrderedDict\n(](" + num(1) + num(2) + "etR.")},
		{"BUILD of a dict", "PICKLE_TYPE", p("}}b.")},
		{"rebuild without arguments", "PICKLE_TYPE", p("ctorch._utils\n_rebuild_tensor_v2\n)R.")},
		{"parameter of a number", "PICKLE_TYPE", p("ctorch._utils\n_rebuild_parameter\n(" + num(1) + "\x89}tR.")},
		{"Size of a number", "PICKLE_TYPE", p("ctorch\nSize\n(" + num(1) + "tR.")},
		{"persistent id of four", "PICKLE_PERSISTENT", p("(" + str("storage") + "NNNtQ.")},
		{"persistent id of a module", "PICKLE_PERSISTENT", p("(" + str("module") + "NNNNtQ.")},
		{"persistent id, wrong types", "PICKLE_PERSISTENT", p("(" + str("storage") + "NNNNtQ.")},
		{"negative number of elements", "PICKLE_PERSISTENT", p(storageID("FloatStorage", "w", -1) + ".")},
		{"storage of two types", "TORCH_STORAGE", p("(" + storageID("FloatStorage", "w", 2) + storageID("IntStorage", "w", 2) + "t.")},
		{"number of elements", "TORCH_STORAGE", p(pickled(f32("w", 3, 0, []int{2}, []int{1})))},
		{"key that leads elsewhere", "TORCH_STORAGE", p(pickled(f32("../data.pkl", 2, 0, []int{2}, []int{1})))},
		{"offset outside", "PICKLE_TENSOR", view(1, []int{2}, []int{1})},
		{"negative offset", "PICKLE_TENSOR", view(-1, []int{2}, []int{1})},
		{"size outside", "PICKLE_TENSOR", view(0, []int{3}, []int{1})},
		{"stride outside", "PICKLE_TENSOR", view(0, []int{2}, []int{2})},
		{"negative stride", "PICKLE_TENSOR", view(1, []int{2}, []int{-1})},
		{"negative size", "PICKLE_TENSOR", view(0, []int{-2}, []int{1})},
		{"size without stride", "PICKLE_TENSOR", view(0, []int{2}, nil)},
		{"size overflows", "PICKLE_TENSOR", view(0, []int{1 << 30, 1 << 30, 1 << 30}, []int{0, 0, 0})},
		{"expand bomb", "PICKLE_TENSOR", view(0, []int{1 << 30, 1 << 20}, []int{0, 0})},
		{"nine times its storage", "PICKLE_TENSOR", view(0, []int{9}, []int{0})},
		{"17 axes", "PICKLE_TENSOR", view(0, make([]int, 17), make([]int, 17))},
		{"top is a tensor", "TORCH_DICT", p(f32("w", 2, 0, []int{2}, []int{1}) + ".")},
		{"nested dict", "TORCH_DICT", p("}" + str("state_dict") + "}" + item + "ss.")},
		{"number as a key", "TORCH_DICT", p("}" + num(1) + f32("w", 2, 0, []int{2}, []int{1}) + "s.")},
		{"key twice", "TORCH_DUPLICATE", p("}(" + item + item + "u.")},
		{"a million lists", "PICKLE_MEMORY", p(strings.Repeat("]", 1<<20))},
		{"a million marks", "PICKLE_MEMORY", p(strings.Repeat("(", 1<<20))},
		{"tuples of tuples", "PICKLE_MEMORY", p("N" + strings.Repeat("\x85", 1<<16) + ".")},
		{"many OrderedDicts", "PICKLE_MEMORY", p("ccollections\nOrderedDict\nq\x00" + strings.Repeat(")R}h\x00", 1<<16))},
	}
	table := make([]formattest.Case, len(cases))
	for i, c := range cases {
		table[i] = formattest.Bad(c.name, c.data, c.code, good)
	}
	formattest.Reject(t, table, parse)
}

func TestOddButGoodFiles(t *testing.T) {
	dict := func(items string) string { return "\x80\x02}(" + items + "u." }
	item := str("w") + f32("w", 2, 0, []int{2}, []int{1})
	for name, data := range map[string][]byte{
		"other values beside tensors": archive(dict(str("epoch")+num(3)+item+str("note")+"N"), w),
		"list, floats, long, size":    archive(dict(str("l")+"](G\x00\x00\x00\x00\x00\x00\x00\x00\x8a\x00\x8a\x01\xffe"+str("s")+"ctorch\nSize\n("+nums([]int{1})+"tR"+item), w),
		"stride of a single row":      archive(pickled(f32("w", 2, 0, []int{1, 2}, []int{99, 1})), w),
		"broadcast four times":        archive(pickled(f32("w", 2, 0, []int{4, 2}, []int{0, 1})), w),
		"zero-size, any offset":       archive(pickled(f32("w", 2, 77, []int{0, 5}, []int{5, 1})), w),
		"old rebuild":                 archive(pickled("ctorch._utils\n_rebuild_tensor\n("+storageID("FloatStorage", "w", 2)+num(0)+nums([]int{2})+nums([]int{1})+"tR"), w),
	} {
		if err := parse(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStridedTensorsAreCopiedInOrder(t *testing.T) {
	r := record{name: "m/data/w", data: []byte("0123456789ab")}
	for _, c := range []struct {
		offset       int
		size, stride []int
		want         string
	}{
		{0, []int{3, 4}, []int{4, 1}, "0123456789ab"},
		{0, []int{4, 3}, []int{1, 4}, "04815926a37b"},
		{1, []int{3}, []int{4}, "159"},
		{2, []int{2, 2, 2}, []int{6, 0, 1}, "23238989"},
		{11, []int{}, nil, "b"},
	} {
		id := storageID("ByteStorage", "w", len(r.data))
		f, err := torchbin.Parse("m.bin", archive(pickled(rebuild(id, c.offset, c.size, c.stride)), r))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Bytes("w"); err != nil || string(got) != c.want {
			t.Errorf("size %v stride %v: %q, %v, want %q", c.size, c.stride, got, err, c.want)
		}
	}
}

// torch memoises almost every value; the shortest names make the densest pickle.
func TestManyTensorsStayWithinTheBudget(t *testing.T) {
	var items strings.Builder
	memo := 5
	put := func() string {
		memo++
		return "r" + string(binary.LittleEndian.AppendUint32(nil, uint32(memo)))
	}
	for i := range 5000 {
		items.WriteString(str(fmt.Sprintf("%x", i)) + put() + "h\x01((h\x02h\x03" + str("w") + put() + "h\x04K\x02t" + put() + "QK\x00" +
			"K\x01K\x02\x86" + put() + "K\x02K\x01\x86" + put() + "\x89h\x00)R" + put() + "t" + put() + "R" + put())
	}
	head := "\x80\x02(ccollections\nOrderedDict\nq\x00ctorch._utils\n_rebuild_tensor_v2\nq\x01" +
		str("storage") + "q\x02ctorch\nFloatStorage\nq\x03" + str("cpu") + "q\x04}(" + items.String() + "u"
	err := formattest.Bounded(t, archive(head+"t.", w), parse) // a tuple at the top: refused at the very end
	if err == nil || !strings.Contains(err.Error(), "TORCH_DICT") {
		t.Errorf("error %v, want TORCH_DICT", err)
	}
}

func FuzzTorchBin(f *testing.F) {
	whole, err := os.ReadFile("testdata/golden.bin")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(archive(plain, w))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzParse(t, data) })
}

// FuzzPickle spares the fuzzer the archive: pickles reach the machine whole.
func FuzzPickle(f *testing.F) {
	f.Add(plain)
	f.Add("\x80\x02ccollections\nOrderedDict\n)R(" + str("w") + f32("w", 2, 0, []int{2, 1}, []int{1, 2}) + "u}" + str("_metadata") + "}sb.")
	f.Fuzz(func(t *testing.T, pickle string) { fuzzParse(t, archive(pickle, w)) })
}

func fuzzParse(t *testing.T, data []byte) {
	if err := formattest.Bounded(t, data, parse); err != nil {
		formattest.CheckError(t, err)
		return
	}
	f, err := torchbin.Parse("m.bin", data)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range f.Names() {
		e, _ := f.Entry(name)
		if got, err := f.Bytes(name); err != nil || e.DType.Bytes(e.Elems()) != len(got) {
			t.Errorf("%q: %d bytes for %v, %v", name, len(got), e, err)
		}
	}
}
