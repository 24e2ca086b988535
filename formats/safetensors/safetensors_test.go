package safetensors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lamina/formats"
	"lamina/formats/internal/formattest"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

func TestReferenceFile(t *testing.T) {
	f, err := safetensors.Open("testdata/golden.safetensors")
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
		e, _ := f.Entry(name)
		data, err := f.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, e.Elems())
		tensor.DecodeF32(got, data, e.DType)
		for i, v := range values {
			if got[i] != float32(v) {
				t.Errorf("%s[%d] = %g, want %g", name, i, got[i], v)
			}
		}
		if len(got) != len(values) {
			t.Errorf("%s has %d elements, want %d", name, len(got), len(values))
		}
	}
	wantNames := []string{"bf16", "bool", "f16", "f32", "f64", "i32", "i64", "none", "scalar", "u8", "é\"\\"}
	if diff := cmp.Diff(wantNames, f.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if got := f.Metadata()["note"]; got != "golden ☃" {
		t.Errorf("metadata note %q", got)
	}
	if data, _ := f.Bytes("i64"); !bytes.Equal(data, []byte{0, 0, 0, 0, 0, 0, 0, 0x80, 255, 255, 255, 255, 255, 255, 255, 0x7f}) {
		t.Errorf("i64 is % x", data)
	}
}

// Order, padding and escapes are those of the reference.
func TestWriteGivesTheReferencesBytes(t *testing.T) {
	src, err := safetensors.Open("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var entries []formats.Entry
	for _, name := range src.Names() {
		e, _ := src.Entry(name)
		entries = append(entries, e)
	}
	path := filepath.Join(t.TempDir(), "copy.safetensors")
	if err := safetensors.Write(path, entries, src.Metadata(), copyFrom(src)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/golden.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func copyFrom(src formats.Reader) func(string, io.Writer) error {
	return func(name string, w io.Writer) error {
		data, err := src.Bytes(name)
		if err == nil {
			_, err = w.Write(data)
		}
		return err
	}
}

// shards are five tensors of 12 bytes each.
func shards() []formats.Entry {
	var entries []formats.Entry
	for i := range 5 {
		entries = append(entries, formats.Entry{Name: fmt.Sprintf("h.%d", i), DType: tensor.F32, Shape: []int{3}})
	}
	return entries
}

func fill(name string, w io.Writer) error {
	_, err := io.WriteString(w, strings.Repeat(name, 4))
	return err
}

func TestSharded(t *testing.T) {
	for _, c := range []struct {
		limit int64
		files int
	}{{0, 1}, {60, 1}, {59, 2}, {24, 3}, {12, 5}, {1, 5}} {
		dir := t.TempDir()
		if err := safetensors.WriteSharded(dir, shards(), c.limit, func(n string, w io.Writer) error { return fill(n[:3], w) }); err != nil {
			t.Fatal(err)
		}
		found, _ := filepath.Glob(filepath.Join(dir, "*.safetensors"))
		if len(found) != c.files {
			t.Errorf("limit %d: %v, want %d files", c.limit, found, c.files)
		}
		var src formats.Reader
		var err error
		if c.files == 1 {
			src, err = safetensors.Open(found[0])
		} else {
			src, err = safetensors.OpenIndex(filepath.Join(dir, "model.safetensors.index.json"))
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"h.0", "h.4"} {
			if data, err := src.Bytes(name); err != nil || string(data) != strings.Repeat(name, 4) {
				t.Errorf("limit %d: %s is %q, %v", c.limit, name, data, err)
			}
			src.Release(name)
			if data, err := src.Bytes(name); err != nil || string(data) != strings.Repeat(name, 4) {
				t.Errorf("limit %d: %s after Release is %q, %v", c.limit, name, data, err)
			}
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestShardsThatDoNotFitTheIndex(t *testing.T) {
	const index = "model.safetensors.index.json"
	damage := map[string]struct {
		edit func(dir string) error
		code string
		says string
	}{
		"all shards missing": {func(dir string) error {
			for i := 1; i <= 3; i++ {
				if err := os.Remove(filepath.Join(dir, fmt.Sprintf("model-%05d-of-00003.safetensors", i))); err != nil {
					return err
				}
			}
			return nil
		}, "OPEN", "model-00001-of-00003.safetensors"},
		"shard truncated": {func(dir string) error {
			return os.Truncate(filepath.Join(dir, "model-00002-of-00003.safetensors"), 100)
		}, "ST_TRUNCATED", "fetch it again"},
		"parent directory": {replaceIn(index, `"h.1": "`, `"h.1": "../`), "INDEX_SHARD_NAME", "plain file name"},
		"absolute":         {replaceIn(index, `"h.1": "`, `"h.1": "/`), "INDEX_SHARD_NAME", "plain file name"},
		"backslash":        {replaceIn(index, `"h.1": "`, `"h.1": "a\\`), "INDEX_SHARD_NAME", "plain file name"},
		"NUL":              {replaceIn(index, `"h.1": "`, `"h.1": "a\u0000`), "INDEX_SHARD_NAME", "plain file name"},
		"no map":           {replaceIn(index, `weight_map`, `weights`), "INDEX_EMPTY", "weight_map"},
		"broken JSON":      {replaceIn(index, `}`, `]`), "INDEX_JSON", "byte"},
	}
	for name, d := range damage {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := safetensors.WriteSharded(dir, shards(), 24, func(n string, w io.Writer) error { return fill(n, w) }); err != nil {
				t.Fatal(err)
			}
			if err := d.edit(dir); err != nil {
				t.Fatal(err)
			}
			_, err := safetensors.OpenIndex(filepath.Join(dir, index))
			if err == nil {
				t.Fatal("accepted")
			}
			formattest.CheckError(t, err)
			if !strings.Contains(err.Error(), "["+d.code+"]") || !strings.Contains(err.Error(), d.says) {
				t.Errorf("error %v, want code %s and %q", err, d.code, d.says)
			}
		})
	}
}

// TestWhatIndexAndShardsDoNotAgreeOn: such a tensor is an error of who asks for it, and
// for nobody else.
func TestWhatIndexAndShardsDoNotAgreeOn(t *testing.T) {
	const index = "model.safetensors.index.json"
	for name, d := range map[string]struct {
		edit   func(dir string) error
		tensor string
		code   string
		says   string
	}{
		"shard missing": {func(dir string) error {
			return os.Remove(filepath.Join(dir, "model-00002-of-00003.safetensors"))
		}, "h.2", "OPEN", "model-00002-of-00003.safetensors"},
		"tensor in two shards": {func(dir string) error {
			data, err := os.ReadFile(filepath.Join(dir, "model-00001-of-00003.safetensors"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "model-00002-of-00003.safetensors"), data, 0o644)
		}, "h.0", "INDEX_MISMATCH", `tensor "h.0": is in model-00001-of-00003.safetensors and in`},
		"tensor moved":    {replaceIn(index, `"h.1": "model-00001`, `"h.1": "model-00002`), "h.1", "INDEX_MISMATCH", `"h.1": is not in`},
		"tensor left out": {replaceIn(index, `"h.1": "model-00001-of-00003.safetensors",`, ``), "h.1", "INDEX_MISMATCH", "not in the index"},
		"tensor nowhere":  {replaceIn(index, `"h.1": "`, `"lm_head.weight": "model-00001-of-00003.safetensors", "h.1": "`), "lm_head.weight", "INDEX_MISMATCH", `is not in "model-00001`},
		"in two places":   {replaceIn(index, `"h.1": "`, `"h.1": "model-00002-of-00003.safetensors", "h.1": "`), "h.1", "INDEX_", `"h.1"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := safetensors.WriteSharded(dir, shards(), 24, func(n string, w io.Writer) error { return fill(n, w) }); err != nil {
				t.Fatal(err)
			}
			if err := d.edit(dir); err != nil {
				t.Fatal(err)
			}
			src, err := safetensors.OpenIndex(filepath.Join(dir, index))
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			if data, err := src.Bytes("h.4"); err != nil || string(data) != strings.Repeat("h.4", 4) {
				t.Errorf("h.4 is %q, %v", data, err)
			}
			_, err = src.Bytes(d.tensor)
			if err == nil || formats.Faults(src)[d.tensor] == nil || slices.Contains(src.Names(), d.tensor) {
				t.Fatalf("%s is there: %v, %v", d.tensor, err, src.Names())
			}
			formattest.CheckError(t, err)
			if !strings.Contains(err.Error(), "["+d.code) || !strings.Contains(err.Error(), d.says) {
				t.Errorf("error %v, want code %s and %q", err, d.code, d.says)
			}
		})
	}
}

func replaceIn(name, from, to string) func(dir string) error {
	return func(dir string) error {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		edited := strings.Replace(string(data), from, to, 1)
		if edited == string(data) {
			return fmt.Errorf("%s holds no %s", name, from)
		}
		return os.WriteFile(path, []byte(edited), 0o644)
	}
}

func TestWriteRefusesAndLeavesNothing(t *testing.T) {
	entry := func(name string, d tensor.DType, shape ...int) []formats.Entry {
		return []formats.Entry{{Name: name, DType: d, Shape: shape}}
	}
	for name, c := range map[string]struct {
		entries []formats.Entry
		data    string
	}{
		"too few bytes":  {entry("a", tensor.F32, 2), "1234567"},
		"too many bytes": {entry("a", tensor.F32, 2), "123456789"},
		"block type":     {entry("a", tensor.Q4_0, 32), strings.Repeat("x", 18)},
		"negative axis":  {entry("a", tensor.F32, -1), ""},
		"reserved name":  {entry("__metadata__", tensor.F32), "1234"},
		"empty name":     {entry("", tensor.F32), "1234"},
		"name twice":     {append(entry("a", tensor.F32), entry("a", tensor.F32)...), "1234"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := safetensors.Write(filepath.Join(dir, "m.safetensors"), c.entries, nil, func(_ string, w io.Writer) error {
				_, err := io.WriteString(w, c.data)
				return err
			})
			if err == nil {
				t.Error("accepted")
			} else if !strings.Contains(err.Error(), "m.safetensors") || !strings.Contains(err.Error(), "tensor ") {
				t.Errorf("error %v names no file or tensor", err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("%v left behind", left)
			}
		})
	}
}

func TestMissingFileAndDirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := safetensors.Open(filepath.Join(dir, "none.safetensors"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that is fs.ErrNotExist", err)
	}
	if _, err := safetensors.Open(dir); err == nil || !strings.Contains(err.Error(), "NOT_REGULAR") {
		t.Errorf("opening a directory: %v", err)
	}
}

func TestSparseFileWithABadHeaderIsNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.safetensors")
	if err := os.WriteFile(path, file(`{`+a+`}`, 8), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 10<<30); err != nil {
		t.Skipf("the file system refuses a sparse file of 10 GiB: %v", err)
	}
	_, err := safetensors.Open(path)
	if err == nil || !strings.Contains(err.Error(), "ST_TRAILING") {
		t.Errorf("error %v, want ST_TRAILING", err)
	}
}

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")
	entries := []formats.Entry{{Name: "w", DType: tensor.BF16, Shape: []int{2, 2}}}
	err = safetensors.Write(path, entries, nil, func(name string, w io.Writer) error {
		data := make([]byte, tensor.BF16.Bytes(4))
		tensor.EncodeF32(data, []float32{1, 2, 3, 4}, tensor.BF16)
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	src, err := safetensors.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer src.Close()
	e, _ := src.Entry("w")
	data, err := src.Bytes("w")
	x := make([]float32, e.Elems())
	tensor.DecodeF32(x, data, e.DType)
	fmt.Println(e.DType, e.Shape, x, src.Metadata(), err)
	// Output: BF16 [2 2] [1 2 3 4] map[format:pt] <nil>
}
