package safetensors_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"lamina/formats/internal/formattest"
	"lamina/formats/safetensors"
)

// file puts length, header and n data bytes together.
func file(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// declared is a file whose first 8 bytes say n.
func declared(n uint64) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, n), "{}"...)
}

func parse(data []byte) error {
	_, err := safetensors.Parse("m.safetensors", data)
	return err
}

// a is a tensor entry of 8 bytes.
const a = `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`

func b(fields string) string { return `{` + a + `,"b":{` + fields + `}}` }

func TestBadFilesAreRefused(t *testing.T) {
	bad := formattest.Bad
	deep := strings.Repeat("[", 9)
	goodB := file(b(`"dtype":"F32","shape":[1],"data_offsets":[8,12]`), 12)
	one := file(`{`+a+`}`, 8)
	cases := []formattest.Case{
		bad("no length", []byte{2, 0, 0}, "ST_SHORT", file("{}", 0)),
		bad("header of nothing", declared(0), "ST_HEADER_SIZE", declared(2)),
		bad("header over the limit", declared(100_000_001), "ST_HEADER_SIZE", declared(2)),
		bad("header of 2^63", declared(1<<63), "ST_HEADER_SIZE", declared(2)),
		bad("header past the file", declared(3), "ST_TRUNCATED", declared(2)),
		bad("array at top", file("[]", 0), "ST_JSON", file("{}", 0)),
		bad("byte order mark", file("\ufeff{}", 0), "ST_JSON", file("{}", 0)),
		bad("NUL padding", file("{}\x00", 0), "ST_JSON", file("{} ", 0)),
		bad("text after the object", file("{}x", 0), "ST_JSON", file("{}\n", 0)),
		bad("second object", file("{}{}", 0), "ST_JSON", file(" {}", 0)),
		bad("not UTF-8", file("{\"\xff\":{}}", 0), "ST_JSON", file(strings.Replace(`{`+a+`}`, `"a"`, `"é"`, 1), 8)),
		bad("lone surrogate", file(strings.Replace(`{`+a+`}`, `"a"`, `"\ud800"`, 1), 8), "ST_JSON",
			file(strings.Replace(`{`+a+`}`, `"a"`, `"\ud83d\ude00"`, 1), 8)),
		bad("control character", file(strings.Replace(`{`+a+`}`, `"a"`, "\"\n\"", 1), 8), "ST_JSON",
			file(strings.Replace(`{`+a+`}`, `"a"`, `"\n"`, 1), 8)),
		bad("cut inside", file(`{`+a, 8), "ST_JSON", one),
		bad("trailing comma", file(`{`+a+`,}`, 8), "ST_JSON", one),
		bad("deep nesting", file(`{"a":{"dtype":`+deep+`}}`, 0), "ST_JSON", one),
		bad("empty name", file(strings.Replace(`{`+a+`}`, `"a"`, `""`, 1), 8), "ST_NAME", one),
		bad("NUL in a name", file(strings.Replace(`{`+a+`}`, `"a"`, `"\u0000"`, 1), 8), "ST_NAME", one),
		bad("name too long", file(strings.Replace(`{`+a+`}`, `"a"`, `"`+strings.Repeat("n", 1025)+`"`, 1), 8), "ST_NAME",
			file(strings.Replace(`{`+a+`}`, `"a"`, `"`+strings.Repeat("n", 1024)+`"`, 1), 8)),
		bad("name twice", file(`{`+a+`,`+a+`}`, 8), "ST_DUPLICATE", one),
		bad("name twice, once escaped", file(`{`+a+`,`+strings.Replace(a, `"a"`, `"\u0061"`, 1)+`}`, 8), "ST_DUPLICATE", one),
		bad("metadata twice", file(`{"__metadata__":{},"__metadata__":{}}`, 0), "ST_DUPLICATE", file(`{"__metadata__":{}}`, 0)),
		bad("metadata key twice", file(`{"__metadata__":{"k":"1","k":"2"}}`, 0), "ST_DUPLICATE", file(`{"__metadata__":{"k":"1","K":"2"}}`, 0)),
		bad("metadata of a number", file(`{"__metadata__":{"k":1}}`, 0), "ST_JSON", file(`{"__metadata__":{"k":"1"}}`, 0)),
		bad("field twice", file(b(`"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[8,12]`), 12), "ST_DUPLICATE", goodB),
		bad("field in capitals", file(b(`"Dtype":"F32","shape":[1],"data_offsets":[8,12]`), 12), "ST_FIELD", goodB),
		bad("field missing", file(b(`"dtype":"F32","data_offsets":[8,12]`), 12), "ST_FIELD", goodB),
		bad("field null", file(b(`"dtype":"F32","shape":null,"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("unknown field", file(b(`"dtype":"F32","shape":[1],"data_offsets":[8,12],"x":1`), 12), "ST_FIELD", goodB),
		bad("unknown dtype", file(b(`"dtype":"f32","shape":[1],"data_offsets":[8,12]`), 12), "ST_DTYPE", goodB),
		bad("three offsets", file(b(`"dtype":"F32","shape":[1],"data_offsets":[8,12,12]`), 12), "ST_OFFSETS", goodB),
		bad("one offset", file(b(`"dtype":"F32","shape":[1],"data_offsets":[8]`), 12), "ST_OFFSETS", goodB),
		bad("offsets backwards", file(b(`"dtype":"F32","shape":[1],"data_offsets":[12,8]`), 12), "ST_OFFSETS", goodB),
		bad("fraction", file(b(`"dtype":"F32","shape":[1.0],"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("exponent", file(b(`"dtype":"F32","shape":[1e0],"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("negative axis", file(b(`"dtype":"F32","shape":[-1],"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("leading zero", file(b(`"dtype":"F32","shape":[01],"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("axis of 2^63", file(b(`"dtype":"F32","shape":[9223372036854775808],"data_offsets":[8,12]`), 12), "ST_JSON", goodB),
		bad("product overflows", file(b(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[8,12]`), 12), "ST_SHAPE", goodB),
		bad("product overflows beside a zero", file(b(`"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[8,8]`), 8), "ST_SHAPE",
			file(b(`"dtype":"F32","shape":[0,9223372,9],"data_offsets":[8,8]`), 8)),
		bad("bytes overflow", file(b(`"dtype":"F64","shape":[2305843009213693952],"data_offsets":[8,8]`), 8), "ST_SHAPE", goodB),
		bad("too many axes", file(b(`"dtype":"F32","shape":[1`+strings.Repeat(",1", 16)+`],"data_offsets":[8,12]`), 12), "ST_SHAPE",
			file(b(`"dtype":"F32","shape":[1`+strings.Repeat(",1", 15)+`],"data_offsets":[8,12]`), 12)),
		bad("half a byte", file(b(`"dtype":"F4","shape":[3],"data_offsets":[8,9]`), 9), "ST_SHAPE",
			file(b(`"dtype":"F4","shape":[2],"data_offsets":[8,9]`), 9)),
		bad("size against shape", file(b(`"dtype":"F32","shape":[1],"data_offsets":[8,13]`), 13), "ST_SIZE", goodB),
		bad("first start not 0", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2), "ST_HOLE",
			file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1)),
		bad("hole", file(b(`"dtype":"U8","shape":[1],"data_offsets":[9,10]`), 10), "ST_HOLE",
			file(b(`"dtype":"U8","shape":[1],"data_offsets":[8,9]`), 9)),
		bad("overlap", file(b(`"dtype":"F32","shape":[1],"data_offsets":[4,8]`), 8), "ST_OVERLAP", goodB),
		bad("data truncated", goodB[:len(goodB)-1], "ST_TRUNCATED", goodB),
		bad("data trailing", append(goodB[:len(goodB):len(goodB)], 0), "ST_TRAILING", goodB),
		bad("terminal escape in a name", file(`{"\u001b[31m":{"dtype":"x"}}`, 0), "ST_FIELD", one),
	}
	formattest.Reject(t, cases, parse)
}

// Everything the format allows and a stricter reader might refuse.
func TestOddButGoodFiles(t *testing.T) {
	for name, data := range map[string][]byte{
		"no tensors":             file(`{}`, 0),
		"white space everywhere": file(" \n{ \"a\" : { \"shape\" : [ ] ,\t\"data_offsets\" : [ 0 , 4 ] , \"dtype\" : \"F32\" } } \r", 4),
		"zero-size tensor":       file(`{"z":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}`, 0),
		"zero-size in between": file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"z":{"dtype":"F32","shape":[0],"data_offsets":[1,1]},`+
			`"b":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}`, 5),
		"F32 at an odd byte, any order": file(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 5),
	} {
		if err := parse(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnreadableTypeIsListedAndNamed(t *testing.T) {
	f, err := safetensors.Parse("m.safetensors", file(`{"w":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}`, 4))
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := f.Entry("w"); !ok || e.Shape[0] != 4 {
		t.Errorf("entry %v, %v", e, ok)
	}
	if _, err := f.Bytes("w"); err == nil || !strings.Contains(err.Error(), "F8_E4M3") {
		t.Errorf("error %v does not name the type", err)
	}
}

func TestManyTensorsStayWithinTheBound(t *testing.T) {
	var h strings.Builder
	h.WriteByte('{')
	for i := range 20_000 {
		fmt.Fprintf(&h, `"%x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`, i)
	}
	h.WriteString(`"!":0}`) // refused at the very end
	if err := formattest.Bounded(t, file(h.String(), 0), parse); err == nil {
		t.Error("accepted")
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(file(`{`+a+`}`, 8))
	f.Add(file(`{"__metadata__":{"format":"pt"},`+a+`,"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[8,12]}}`, 12))
	f.Add(declared(1 << 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		err := formattest.Bounded(t, data, parse)
		if err != nil {
			formattest.CheckError(t, err)
			return
		}
		st, err := safetensors.Parse("m.safetensors", data)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range st.Names() {
			e, _ := st.Entry(name)
			got, err := st.Bytes(name)
			if err == nil && e.DType.Bytes(e.Elems()) != len(got) {
				t.Errorf("%q: %d bytes for %v", name, len(got), e)
			}
		}
	})
}
