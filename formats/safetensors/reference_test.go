package safetensors_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/formats"
	"lamina/formats/internal/formattest"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

// TestNamesAreWrittenAsTheReferenceDoes: headers of safetensors.numpy.save, 0.8: only
// quotes, backslashes and control characters are escaped.
func TestNamesAreWrittenAsTheReferenceDoes(t *testing.T) {
	for name, want := range map[string]string{
		"a\u2028b\u2029": "a\u2028b\u2029", "a<&>b": "a<&>b", "a\x7fb": "a\x7fb", "a\x1fb": `a\u001fb`, "a\bb\f\t\n\r": `a\bb\f\t\n\r`,
		"é😀": "é😀", `a"\/b`: `a\"\\/b`,
	} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		entries := []formats.Entry{{Name: name, DType: tensor.F32, Shape: []int{1}}}
		err := safetensors.Write(path, entries, map[string]string{"k" + name: name}, func(_ string, w io.Writer) error {
			_, err := w.Write(make([]byte, 4))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		header := strings.TrimRight(string(data[8:len(data)-4]), " ")
		if w := fmt.Sprintf(`{"__metadata__":{"k%s":"%s"},"%s":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, want, want, want); header != w {
			t.Errorf("%q: header %q, want %q", name, header, w)
		}
		f, err := safetensors.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Names(); len(got) != 1 || got[0] != name || f.Metadata()["k"+name] != name {
			t.Errorf("%q comes back as %q, %q", name, got, f.Metadata())
		}
		f.Close()
	}
}

// TestStricterThanTheReference: the seven points of the package's documentation. The Rust
// code reads each of these headers (safetensors 0.8).
func TestStricterThanTheReference(t *testing.T) {
	const one = `{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	for point, headers := range [][]string{
		{`{"a":` + one + `,"a":` + one + `}`},
		{`{"__metadata__":{"x":"1","x":"2"},"a":` + one + `}`},
		{`{"a":{"x":1,"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`},
		{`{"":` + one + `}`, `{"a\u0000":` + one + `}`, `{"` + strings.Repeat("a", 1025) + `":` + one + `}`},
		{`{"a":{"dtype":"F32","shape":[2` + strings.Repeat(",1", 16) + `],"data_offsets":[0,8]}}`},
		{`{"__metadata__":null,"a":` + one + `}`, `{"a":["F32",[2],[0,8]]}`},
		{`{"a":` + one + `,"b":{"dtype":"F32","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[8,8]}}`,
			`{"a":` + one + `,"b":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[8,8]}}`},
	} {
		for _, header := range headers {
			data := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
			if _, err := safetensors.Parse("m.safetensors", append(data, make([]byte, 8)...)); err == nil {
				t.Errorf("point %d: %.80s is read", point+1, header)
			} else {
				formattest.CheckError(t, err)
			}
		}
	}
}
