package formats_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lamina/formats"
	"lamina/formats/internal/formattest"
	"lamina/tensor"
)

func TestStorageBytes(t *testing.T) {
	const big = math.MaxInt
	for _, c := range []struct {
		shape             []int
		block, blockBytes int
		want              int64
		ok                bool
	}{
		{nil, 1, 4, 4, true},
		{[]int{2, 3}, 1, 2, 12, true},
		{[]int{0, 3}, 1, 2, 0, true},
		{[]int{3, 64}, 32, 18, 108, true},
		{[]int{64, 3}, 32, 18, 0, false},
		{[]int{3, 0}, 32, 18, 0, true},
		{nil, 32, 18, 0, false},
		{[]int{-1}, 1, 1, 0, false},
		{[]int{big}, 1, 1, big, true},
		{[]int{big}, 1, 2, 0, false},
		{[]int{big, big}, 1, 1, 0, false},
		{[]int{big, 2, 0}, 1, 1, 0, false},
	} {
		got, ok := formats.StorageBytes(c.shape, c.block, c.blockBytes)
		if got != c.want || ok != c.ok {
			t.Errorf("StorageBytes(%v, %d, %d) = %d, %v, want %d, %v", c.shape, c.block, c.blockBytes, got, ok, c.want, c.ok)
		}
	}
}

func TestQuote(t *testing.T) {
	for name, want := range map[string]string{
		"h.3.w":                       `"h.3.w"`,
		"\x1b[31mred\n":               `"\x1b[31mred\n"`,
		strings.Repeat("é", 64):       `"` + strings.Repeat("é", 64) + `"`,
		strings.Repeat("é", 65):       `"` + strings.Repeat("é", 64) + `"…`,
		"x" + strings.Repeat("é", 64): `"x` + strings.Repeat("é", 63) + `"…`,
	} {
		if got := formats.Quote(name); got != want {
			t.Errorf("Quote(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestErrorIsOneLineAndWraps(t *testing.T) {
	err := error(&formats.Error{Path: "a\nb", Code: "OPEN", Got: "cannot open", Err: fs.ErrNotExist})
	if strings.Contains(err.Error(), "\n") || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q", err)
	}
}

// fileOf returns a mapped file of several pages and its contents.
func fileOf(t *testing.T) (*formats.Mapping, []byte) {
	t.Helper()
	want := make([]byte, 5*os.Getpagesize()+100)
	for i := range want {
		want[i] = byte(i * 7)
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := formats.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f, want
}

func TestReleasedPagesStayReadable(t *testing.T) {
	f, want := fileOf(t)
	for start := int64(0); start < 3; start++ {
		for end := start; end <= int64(len(want)); end += 4097 {
			f.Release(start, end)
		}
	}
	if string(f.Data()) != string(want) {
		t.Error("contents changed")
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil {
		t.Error(err)
	}
}

func TestBytesAfterClose(t *testing.T) {
	f, _ := fileOf(t)
	set := formats.NewTensors(f, 1)
	if !set.Add(formats.Entry{Name: "a", DType: tensor.F32, Shape: []int{2}}, 4, 12) {
		t.Fatal("refused")
	}
	if set.Add(formats.Entry{Name: "a"}, 0, 0) {
		t.Error("a second a is accepted")
	}
	set.Seal()
	if err := set.Close(); err != nil {
		t.Fatal(err)
	}
	set.Release("a")
	for _, name := range []string{"a", "b"} {
		if _, err := set.Bytes(name); err == nil {
			t.Errorf("%s is still there", name)
		} else {
			formattest.CheckError(t, err)
		}
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, code := range map[string]string{dir: "NOT_REGULAR", os.DevNull: "NOT_REGULAR", empty: "EMPTY", filepath.Join(dir, "none"): "OPEN"} {
		f, err := formats.Open(path)
		if err == nil {
			f.Close()
			t.Errorf("%s is opened", path)
			continue
		}
		formattest.CheckError(t, err)
		if !strings.Contains(err.Error(), "["+code+"]") {
			t.Errorf("%s: %v, want code %s", path, err, code)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":8},"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "index.json")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		none := errors.New("no shard")
		_, err := formats.OpenIndex(path, func(shard string) (formats.Reader, error) {
			if filepath.Dir(shard) != filepath.Dir(path) {
				t.Errorf("shard %q leaves the directory", shard)
			}
			return nil, none
		})
		if err == nil {
			t.Error("an index without shards is accepted")
		} else if !errors.Is(err, none) {
			formattest.CheckError(t, err)
		}
	})
}

func ExampleError() {
	err := &formats.Error{
		Path: "model-2.safetensors", Item: formats.TensorItem("h.3.w"), Code: "ST_OVERLAP",
		Got: `data_offsets [8,16) overlap "h.2.w"`, Want: "start 12",
	}
	fmt.Println(err)
	// Output: model-2.safetensors: tensor "h.3.w": data_offsets [8,16) overlap "h.2.w" (want start 12) [ST_OVERLAP]
}
