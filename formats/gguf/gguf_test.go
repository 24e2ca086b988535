package gguf_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lamina/formats/gguf"
	"lamina/tensor"
)

func golden(t testing.TB) *gguf.File {
	t.Helper()
	f, err := gguf.Open("testdata/golden.gguf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestTensorsOfEveryType(t *testing.T) {
	f := golden(t)
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for name, values := range want {
		e, ok := f.Entry(name)
		shape := "[3 64]"
		if e.DType.BlockLen() == 256 {
			shape = "[2 256]"
		}
		if !ok || !strings.EqualFold(e.DType.String(), name) || fmt.Sprint(e.Shape) != shape {
			t.Errorf("%s: entry %v, %v", name, e, ok)
		}
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, e.Elems())
		tensor.DecodeF32(got, data, e.DType)
		for i, v := range values {
			if got[i] != float32(v) {
				t.Fatalf("%s[%d] = %g, want %g", name, i, got[i], v)
			}
		}
	}
	if e, _ := f.Entry("i32"); e.DType != tensor.I32 {
		t.Errorf("i32 is %v", e)
	}
}

func TestUnreadableTypeIsListedAndNamed(t *testing.T) {
	f := golden(t)
	if e, ok := f.Entry("k"); !ok || e.DType != tensor.Invalid || fmt.Sprint(e.Shape) != "[1 256]" {
		t.Errorf("entry %v, %v", e, ok)
	}
	if _, err := f.Bytes("k"); err == nil || !strings.Contains(err.Error(), "Q2_K") || !strings.Contains(err.Error(), `tensor "k"`) {
		t.Errorf("error %v names no type or tensor", err)
	}
}

func TestMetadataOfEveryType(t *testing.T) {
	f := golden(t)
	got := map[string]any{}
	uints, ints := []string{"t.u8", "t.u16", "t.u32", "t.u64"}, []string{"t.i8", "t.i16", "t.i32", "t.i64", "t.u32"}
	for _, key := range uints {
		if v, ok := f.Uint(key); ok {
			got["uint "+key] = v
		}
	}
	for _, key := range ints {
		if v, ok := f.Int(key); ok {
			got["int "+key] = v
		}
	}
	got["f32"], _ = f.Float("t.f32")
	got["f64"], _ = f.Float("t.f64")
	got["bool"], _ = f.Bool("t.bool")
	got["string"], _ = f.String("t.string")
	got["strings"], _ = f.Strings("t.strings")
	got["ints"], _ = f.Ints("t.ints")
	got["floats"], _ = f.Floats("t.floats")
	want := map[string]any{
		"uint t.u8": uint64(200), "uint t.u16": uint64(60000), "uint t.u32": uint64(4000000000), "uint t.u64": uint64(math.MaxUint64),
		"int t.i8": int64(-100), "int t.i16": int64(-30000), "int t.i32": int64(-2000000000), "int t.i64": int64(math.MinInt64), "int t.u32": int64(4000000000),
		"f32": 0.5, "f64": 0.1, "bool": true, "string": "snow ☃",
		"strings": []string{"a", "", "é\n"}, "ints": []int64{1, -2, 3}, "floats": []float64{1.5, -2.5},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
}

func TestGettersRefuseOtherTypes(t *testing.T) {
	f := golden(t)
	_, negative := f.Uint("t.i8")
	_, tooLarge := f.Int("t.u64")
	_, number := f.String("t.u8")
	_, text := f.Uint("t.string")
	_, integer := f.Float("t.u8")
	_, scalar := f.Ints("t.u8")
	_, strings := f.Ints("t.strings")
	_, floats := f.Ints("t.floats")
	_, ints := f.Strings("t.ints")
	_, absent := f.Uint("t.none")
	for i, ok := range []bool{negative, tooLarge, number, text, integer, scalar, strings, floats, ints, absent} {
		if ok {
			t.Errorf("case %d succeeds", i)
		}
	}
}

func ExampleOpen() {
	f, err := gguf.Open("testdata/golden.gguf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	arch, _ := f.String("general.architecture")
	e, _ := f.Entry("q4_1")
	data, err := f.Bytes("q4_1")
	fmt.Println(arch, e.DType, e.Shape, len(data), err)
	_, err = f.Bytes("k")
	fmt.Println(err)
	// Output:
	// llama Q4_1 [3 64] 120 <nil>
	// testdata/golden.gguf: tensor "k": type Q2_K cannot be read (want a file converted to another type, F16 for example) [DTYPE]
}
