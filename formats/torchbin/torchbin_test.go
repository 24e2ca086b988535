package torchbin_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lamina/formats"
	"lamina/formats/torchbin"
	"lamina/tensor"
)

func decode(t *testing.T, src formats.Reader, name string) []float32 {
	t.Helper()
	e, ok := src.Entry(name)
	if !ok {
		t.Fatalf("no %s", name)
	}
	data, err := src.Bytes(name)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, e.Elems())
	tensor.DecodeF32(got, data, e.DType)
	return got
}

func TestStateDictOfTorch(t *testing.T) {
	f, err := torchbin.Open("testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, values := range want {
		got := decode(t, f, name)
		if len(got) != len(values) {
			t.Errorf("%s has %d elements, want %d", name, len(got), len(values))
			continue
		}
		for i, v := range values {
			if got[i] != float32(v) {
				t.Errorf("%s[%d] = %g, want %g", name, i, got[i], v)
			}
		}
	}
	names := []string{"bf16", "bool", "column", "f16", "f32", "f64", "i64", "none", "parameter", "row", "scalar", "tied", "transposed"}
	if diff := cmp.Diff(names, f.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	shapes := map[string]string{"f64": "F64 [2 6]", "transposed": "F32 [6 4]", "scalar": "F32 []", "none": "F32 [0 3]", "bf16": "BF16 [4 6]", "bool": "BOOL [2]"}
	for name, want := range shapes {
		if e, _ := f.Entry(name); fmt.Sprint(e.DType, " ", e.Shape) != want {
			t.Errorf("%s is %v, want %s", name, e, want)
		}
	}
	f.Release("tied")
	decode(t, f, "tied")
}

func TestTiedTensorsShareBytes(t *testing.T) {
	f, err := torchbin.Open("testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	a, err1 := f.Bytes("f32")
	b, err2 := f.Bytes("tied")
	row, err3 := f.Bytes("row")
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	if &a[0] != &b[0] || &row[0] != &a[2*6*4] {
		t.Error("tensors of one storage are copies")
	}
}

func TestShards(t *testing.T) {
	src, err := torchbin.OpenIndex("testdata/pytorch_model.bin.index.json")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	whole, err := torchbin.Open("testdata/golden.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	x := decode(t, whole, "f32")
	got := append(decode(t, src, "a"), decode(t, src, "b")...)
	if diff := cmp.Diff(x[:12], got); diff != "" {
		t.Errorf("first shard (-want +got):\n%s", diff)
	}
	for i, v := range decode(t, src, "c") {
		if math.Abs(float64(v-x[12+i])) > math.Abs(float64(v))*0x1p-11 {
			t.Errorf("c[%d] = %g, want %g", i, v, x[12+i])
		}
	}
}

func TestMissingShardIsNamed(t *testing.T) {
	dir := t.TempDir()
	index, err := os.ReadFile("testdata/pytorch_model.bin.index.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pytorch_model.bin.index.json")
	if err := os.WriteFile(path, index, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := torchbin.OpenIndex(path); err == nil || !strings.Contains(err.Error(), "pytorch_model-00001-of-00002.bin") {
		t.Errorf("error %v names no shard", err)
	}
}

// TestTypesThatAreListedOnly: their names, shapes and what stands beside them are read.
func TestTypesThatAreListedOnly(t *testing.T) {
	f, err := torchbin.Open("testdata/float8.bin")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := decode(t, f, "w"); len(got) != 6 {
		t.Errorf("w is %v", got)
	}
	for name, want := range map[string]string{"e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2", "complex": "complex64", "uint16": "uint16"} {
		e, ok := f.Entry(name)
		if _, err := f.Bytes(name); !ok || e.TypeName() != want || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %+v, %v, want %s", name, e, err, want)
		}
	}
}

func TestChecksumIsComparedWhenBytesAreRead(t *testing.T) {
	data := archive(pickled(f32("w", 2, 0, []int{2}, []int{1})), record{name: "m/data/w", data: make([]byte, 8), crc: 1})
	f, err := torchbin.Parse("m.bin", data)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := f.Bytes("w"); err == nil || !strings.Contains(err.Error(), "ZIP_CRC") {
			t.Errorf("error %v, want a checksum error", err)
		}
	}
	path := filepath.Join(t.TempDir(), "m.bin")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err = torchbin.Options{SkipCRC: true}.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Bytes("w"); err != nil {
		t.Error(err)
	}
}

func ExampleOpen() {
	f, err := torchbin.Open("testdata/golden.bin")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	e, _ := f.Entry("parameter")
	data, err := f.Bytes("parameter")
	x := make([]float32, e.Elems())
	tensor.DecodeF32(x, data, e.DType)
	fmt.Println(e.DType, e.Shape, x, err)
	// Output: F32 [3] [0 1 2] <nil>
}
