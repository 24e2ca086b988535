package torchbin_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/formats"
	"lamina/formats/torchbin"
	"lamina/tensor"
)

// written are the entries and bytes of testdata/written.bin.
func written() ([]formats.Entry, map[string][]byte) {
	entries := []formats.Entry{
		{Name: "1.weight", DType: tensor.F32, Shape: []int{2, 3}},
		{Name: "0.bias", DType: tensor.F32, Shape: []int{3}},
		{Name: "half", DType: tensor.F16, Shape: []int{2}},
		{Name: "brain", DType: tensor.BF16, Shape: []int{1, 2}},
		{Name: "long", DType: tensor.I64, Shape: []int{1}},
		{Name: "none", DType: tensor.F32, Shape: []int{0, 3}},
		{Name: "scalar", DType: tensor.F64, Shape: []int{}},
		{Name: "größe", DType: tensor.Bool, Shape: []int{2}},
	}
	return entries, map[string][]byte{
		"1.weight": {0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 64, 64, 0, 0, 128, 192, 0, 0, 160, 64, 0, 0, 192, 192}, // 1 -2 3 -4 5 -6
		"0.bias":   {0, 0, 0, 63, 0, 0, 128, 62, 0, 0, 0, 0},                                                   // .5 .25 0
		"half":     {0, 60, 0, 192}, "brain": {128, 63, 0, 192},                                                // 1 -2, twice
		"long": {1, 0, 0, 0, 0, 0, 0, 128}, "none": {}, // 1 - 2⁶³
		"scalar": {0, 0, 0, 0, 0, 0, 28, 64}, "größe": {1, 0}, // 7
	}
}

func write(t *testing.T, path string) error {
	t.Helper()
	entries, data := written()
	return torchbin.Write(path, entries, func(name string, w io.Writer) error {
		_, err := w.Write(data[name])
		return err
	})
}

// TestWriteIsWhatTorchLoads: testdata/written.bin is a file of ours that check_written.py has
// held against torch.load(weights_only=True); these are its bytes.
func TestWriteIsWhatTorchLoads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.bin")
	if err := write(t, path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/written.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the bytes are not those that torch has loaded: run testdata/check_written.py on a new testdata/written.bin")
	}
}

func TestWriteIsReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.bin")
	if err := write(t, path); err != nil {
		t.Fatal(err)
	}
	f, err := torchbin.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, data := written()
	for _, want := range entries {
		e, ok := f.Entry(want.Name)
		got, err := f.Bytes(want.Name)
		if !ok || err != nil || e.DType != want.DType || len(e.Shape) != len(want.Shape) || !bytes.Equal(got, data[want.Name]) {
			t.Errorf("%v: %v, %v, %v", want, e, got, err)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	nothing := func(string, io.Writer) error { return nil }
	for want, entries := range map[string][]formats.Entry{
		"TORCH_DTYPE":            {{Name: "a", DType: tensor.Q8_0, Shape: []int{32}}},
		"TORCH_SHAPE":            {{Name: "a", DType: tensor.F32, Shape: []int{1 << 30}}},
		"TORCH_DUPLICATE":        {{Name: "a", DType: tensor.F32, Shape: []int{0}}, {Name: "a", DType: tensor.F32, Shape: []int{0}}},
		"bytes were not written": {{Name: "a", DType: tensor.F32, Shape: []int{1}}},
	} {
		path := filepath.Join(dir, "w.bin")
		if err := torchbin.Write(path, entries, nothing); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file is left", want)
		}
	}
	more := func(_ string, w io.Writer) error { _, err := w.Write(make([]byte, 5)); return err }
	if err := torchbin.Write(filepath.Join(dir, "w.bin"), []formats.Entry{{Name: "a", DType: tensor.F32, Shape: []int{1}}}, more); err == nil || !strings.Contains(err.Error(), "more than declared") {
		t.Errorf("a byte too many: %v", err)
	}
	bad := errors.New("no")
	if err := torchbin.Write(filepath.Join(dir, "w.bin"), []formats.Entry{{Name: "a", DType: tensor.F32, Shape: []int{1}}}, func(string, io.Writer) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("%v", err)
	}
}
