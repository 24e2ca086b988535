package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"lamina/internal/cases"
	"lamina/internal/heaptest"
)

// wide is a table or a line of JSON with n empty cells a row.
func wide(rows, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("c", i)
	}
	return strings.Join(names, ",") + "\n" + strings.Repeat(strings.Repeat(",", n-1)+"\n", rows)
}

// windowed is a zstd frame that says it looks back 128 MiB, and holds a few bytes.
func windowed(text string) string {
	head := []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 17 << 3} // no size, a window of 2^(10+17)
	block := binary.LittleEndian.AppendUint32(nil, uint32(len(text))<<3|1)[:3]
	return string(head) + string(block) + text
}

// parquetFile is a file of package parquet's tests; "same" has 20,000 rows that are all
// the same in 484 bytes.
func parquetFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("parquet", "testdata", name+".parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// memoryFiles are files that would take far more memory than they have bytes if they
// were believed, or kept without counting; good says that they are read all the same
// where nothing is kept.
func memoryFiles(t testing.TB) map[string]struct {
	text string
	good bool
} {
	tiny := strings.Repeat("{\"text\":\"a\"}\n", 1<<19)
	empties := strings.Repeat("[],", 2<<20)
	return map[string]struct {
		text string
		good bool
	}{
		"tiny.jsonl":          {tiny, true},
		"tiny.jsonl.gz":       {packGzip(tiny), true},
		"tiny.jsonl.zst":      {packZstd(tiny), true},
		"blank.jsonl.zst":     {packZstd("{\"a\":1}\n" + strings.Repeat("\n", 20<<20)), true},
		"line.jsonl":          {`{"a":[` + empties + "[]]}\n", true},
		"line.jsonl.zst":      {packZstd(`{"a":[` + empties + "[]]}\n"), false},
		"spaces.jsonl.gz":     {packGzip(strings.Repeat(" ", 15<<20) + "{\"a\":1}\n"), false},
		"array.json":          {"[" + strings.TrimSuffix(strings.Repeat("{\"text\":\"a\"},", 1<<19), ",") + "]", true},
		"array.json.zst":      {packZstd("[" + strings.Repeat("{\"text\":\"a\"},", 1<<19)), false},
		"arrayitem.json.zst":  {packZstd(`[{"a":[` + empties + "[]]}]"), false},
		"member.json.gz":      {packGzip(`{"Data":[{"a":[` + empties + "[]]}]}"), false},
		"objects.jsonl.zst":   {packZstd(strings.Repeat(`{"a":[`+strings.Repeat("{},", 9999)+"{}]}\n", 1500)), true},
		"wide.csv":            {wide(3000, 1024), true},
		"wide.csv.zst":        {packZstd(wide(10000, 1024)), true},
		"quote.tsv.gz":        {packGzip("a\tb\n\"" + strings.Repeat("x\n", 8<<20)), false},
		"window.jsonl.zst":    {windowed("{\"a\":1}\n"), false},
		"same.parquet":        {parquetFile(t, "same"), true},
		"packed.parquet.zst":  {packZstd("PAR1" + strings.Repeat("\x00", 60<<20) + "PAR1"), false},
		"passage.txt.zst":     {packZstd(`{"article":[` + empties + `[]]}`), false},
		"unclosed.json.zst":   {packZstd(`[{"a":"` + strings.Repeat("a", 60<<20)), false},
		"names.jsonl.zst":     {packZstd("{" + strings.Repeat(`"":[],`, 1<<20) + "}\n"), false},
		"deep.jsonl.zst":      {packZstd(`{"a":` + strings.Repeat("[", 3<<20) + "\n"), false},
		"numbers.jsonl.zst":   {packZstd(`{"a":[` + strings.Repeat("1,", 2<<20) + "1]}\n"), false},
		"labels.jsonl.zst":    {packZstd(tiny[:13<<10]), true},
		"zeros.parquet.gz":    {packGzip(strings.Repeat("\x00", 60<<20)), false},
		"emptyobjects.csv.gz": {packGzip("a\n" + strings.Repeat("\"\"\n", 4<<20)), true},
	}
}

// Reading, counting and keeping the rows of any file takes at most 16 times its bytes and
// 64 MiB, and keeping them does where it is cut. What is no more than small or repeated is
// read.
func TestMemoryIsBoundedByBytes(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	all := memoryFiles(t)
	for i, name := range slices.Sorted(maps.Keys(all)) {
		if i%cases.Each(4) != 0 {
			continue
		}
		c, path := all[name], filepath.Join(t.TempDir(), name)
		for _, n := range []int{len(c.text), len(c.text) / 2} {
			if err := os.WriteFile(path, []byte(c.text[:n]), 0o644); err != nil {
				t.Fatal(err)
			}
			for how, read := range readers {
				if n < len(c.text) && how != "kept" {
					continue
				}
				err := checkPeak(t, fmt.Sprintf("%s of %d bytes, %s", name, n, how), path, n, read)
				if n == len(c.text) && how == "read" && (err == nil) != c.good {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

// Good files of every form, each cut at ten places.
func TestMemoryOfCutFiles(t *testing.T) {
	lines := strings.Repeat("{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":1}\n", 3000)
	array := "[" + strings.TrimSuffix(strings.ReplaceAll(lines, "\n", ",\n"), ",\n") + "]"
	for name, text := range map[string]string{
		"a.jsonl": lines, "a.jsonl.gz": packGzip(lines), "a.jsonl.zst": packZstd(lines), "a.json": array, "a.json.gz": packGzip(array),
		"data.json": `{"Data":` + array + `}`, "a.csv": wide(2000, 9), "a.csv.zst": packZstd(wide(2000, 9)),
		"a.tsv.gz":      packGzip(strings.ReplaceAll(wide(2000, 9), ",", "\t")),
		"a.parquet":     parquetFile(t, "rows-delta"),
		"b.parquet":     parquetFile(t, "rows-zstd-v2"),
		"a.parquet.zst": packZstd(parquetFile(t, "rows-none-v1")),
		"a.txt":         "{\"article\":\"" + strings.Repeat("a ", 9999) + "\"}",
	} {
		path := filepath.Join(t.TempDir(), name)
		for i := range 11 {
			n := len(text) * i / 10
			if err := os.WriteFile(path, []byte(text[:n]), 0o644); err != nil {
				t.Fatal(err)
			}
			err := checkPeak(t, fmt.Sprintf("%s of %d bytes", name, n), path, n, readers["kept"])
			if i == 10 && err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// readers are the ways to read a file.
var readers = map[string]func(path string) error{
	"read": drain,
	"kept": func(path string) error { _, _, err := ReadAll(path, Options{}); return err },
	"counted": func(path string) error {
		s, err := Open(path, Options{})
		if err == nil {
			_, err = s.Count()
		}
		return err
	},
}

// checkPeak holds the memory of reading a file of n bytes against them, and the error
// against what errors are. A busy machine collects garbage late: what is too much is
// measured again.
func checkPeak(t *testing.T, what, path string, n int, read func(path string) error) (err error) {
	t.Helper()
	var peak uint64
	for range 3 {
		if peak = heaptest.Peak(func() { err = read(path) }); peak <= heaptest.Limit(n) {
			break
		}
	}
	if peak > heaptest.Limit(n) && heaptest.Counts {
		t.Errorf("%s: a peak of %d MiB, want %d: %v", what, peak>>20, heaptest.Limit(n)>>20, err)
	}
	if err != nil && (!strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n")) {
		t.Errorf("%s: %v", what, err)
	}
	return err
}

func drain(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	for _, err := range s.Records() {
		if err != nil {
			return err
		}
	}
	return nil
}

// A zstd stream of the widest window that its own program writes is read if the file is
// large enough to need it.
func TestWindowsFitTheFile(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100_000 {
		fmt.Fprintf(w, "{\"text\":\"row %d\"}\n", i)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "f.jsonl.zst")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := drain(path); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte(windowed("{\"a\":1}\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := drain(path); err == nil || !strings.Contains(err.Error(), "looks back further than a file of its size may: decompress it yourself") {
		t.Errorf("a window of 128 MiB: %v", err)
	}
}

// Count is the number of records that Records gives.
func TestCountIsThatOfRecords(t *testing.T) {
	for name, text := range map[string]string{
		"a.jsonl": "{\"a\":1}\n\n \t\r\n{\"a\":2}", "bom.jsonl": "\ufeff{\"a\":1}\r\n{\"a\":2}\r\n", "bomline.jsonl": "\ufeff\n{\"a\":1}\n",
		"long.jsonl": "{\"a\":\"" + strings.Repeat("x", 9000) + "\"}\n" + strings.Repeat(" ", 9000) + "\n{\"a\":1}\n",
		"a.json":     "[{\"a\":1},\n{\"a\":2}]", "data.json": "{\"Data\":[{\"a\":1},{\"a\":2},{}]}",
		"a.csv": "a,b\n\"x\ny\",1\n\nz,2\n", "a.tsv": "a\n1\n2\n", "a.jsonl.gz": packGzip("{\"a\":1}\n{\"a\":2}\n"), "a.jsonl.zst": packZstd("{\"a\":1}\n"),
		"same.parquet": parquetFile(t, "same"), "same.parquet.gz": packGzip(parquetFile(t, "same")), "a.txt": "{\"article\":\"a\"}",
	} {
		path := filepath.Join(tree(t, map[string]string{name: text}), name)
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, err := range s.Records() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want++
		}
		if n, err := s.Count(); n != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, n, err, want)
		}
	}
}
