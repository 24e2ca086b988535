package parquet

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lamina/record"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// scan reads a file from memory.
func scan(data []byte) ([]record.Record, error) {
	var out []record.Record
	for r, err := range Scan(bytes.NewReader(data), int64(len(data)), "f.parquet") {
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

func lines(t *testing.T, name string) []record.Record {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []record.Record
	for r, err := range record.Scan(f, name) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// What pyarrow wrote in every codec, page version and encoding reads back as the
// rows it was given.
func TestReadsBackEqual(t *testing.T) {
	for form, names := range map[string][]string{
		"rows": {"rows-none-v1", "rows-none-v2", "rows-snappy-v1", "rows-snappy-v2", "rows-gzip-v1", "rows-gzip-v2", "rows-zstd-v1",
			"rows-zstd-v2", "rows-lz4-v1", "rows-lz4-v2", "rows-plain", "rows-delta", "rows-legacy"},
		"arc": {"arc-none", "arc-snappy", "arc-gzip", "arc-zstd", "arc-lz4", "arc-v2"},
	} {
		want := lines(t, form)
		for _, name := range names {
			got, err := scan(load(t, name))
			if err != nil || len(got) != len(want) {
				t.Errorf("%s: %d rows, %v; want %d", name, len(got), err, len(want))
				continue
			}
			for i := range want {
				a, b := record.AppendPython(nil, got[i].Fields, 0), record.AppendPython(nil, want[i].Fields, 0)
				if !bytes.Equal(a, b) {
					t.Errorf("%s: row %d:\n%s\nwant\n%s", name, i+1, a, b)
				}
			}
		}
	}
}

func TestKindsOfValues(t *testing.T) {
	all, err := scan(load(t, "rows-snappy-v1"))
	if err != nil {
		t.Fatal(err)
	}
	r := all[6]
	for path, want := range map[string]string{
		"id": "string", "small": "int64", "big": "int64", "unsigned": "int64", "score": "float64", "half": "float64", "yes": "bool",
		"nothing": "<nil>", "ids": "[]int64", "holes": "record.List", "day": "string", "at": "string", "pairs": "record.List",
	} {
		v, err := r.Get(path)
		if got := fmt.Sprintf("%T", v); err != nil || got != want {
			t.Errorf("%s: a %s, want %s, %v", path, got, want, err)
		}
	}
	if got := r.At; got != (record.Location{File: "f.parquet", Line: 7, Byte: -1}) {
		t.Errorf("%+v", got)
	}
	if v, _ := all[0].Get("ids"); !record.Equal(v, record.List(nil)) {
		t.Errorf("an empty list is %#v", v)
	}
	texts, err := all[5].Texts("choices.text")
	if err != nil || len(texts) != 5 {
		t.Errorf("%q, %v", texts, err)
	}
}

// 20,000 rows in 484 bytes: runs are not spread out in memory.
func TestRunsAreRead(t *testing.T) {
	n := 0
	data := load(t, "same")
	for r, err := range Scan(bytes.NewReader(data), int64(len(data)), "f") {
		if v, _ := r.Int("label"); err != nil || v != 1 || r.Has("none") {
			t.Fatalf("row %d: %v, %v", n, r.Fields, err)
		}
		n++
	}
	if n != 20000 {
		t.Errorf("%d rows", n)
	}
	if rows, err := scan(load(t, "empty")); len(rows) > 0 || err != nil {
		t.Errorf("%v, %v", rows, err)
	}
}

// Files that were refused as a whole once: the columns of today's tables.
func TestFormerlyRefused(t *testing.T) {
	for name, want := range map[string]string{
		"decimal": `"1.25"`, "time": `"00:00:00.000005"`, "float16": `1.5`, "int96": `"1970-01-01T00:00:00"`, "brotli": "", "bytes": "null",
	} {
		rows, err := scan(load(t, "refused-"+name))
		if err != nil || len(rows) != 1 {
			t.Errorf("%s: %v, %v", name, rows, err)
			continue
		}
		if id, err := rows[0].Text("id"); id != "a" || err != nil {
			t.Errorf("%s: %q, %v", name, id, err)
		}
		v, _ := rows[0].Fields.Get(name)
		if got := string(record.AppendPython(nil, v, 0)); want != "" && got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Stopping early reads no further.
func TestScanStops(t *testing.T) {
	data := load(t, "rows-snappy-v1")
	for range Scan(bytes.NewReader(data), int64(len(data)), "f") {
		return
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Memory does not grow with the file: of 100 row groups, 11 MB decompressed, the
// buffers of one are held.
func TestNoGroupIsHeld(t *testing.T) {
	data := writeFile(100_000, 1000)
	var peak uint64
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	start := m.HeapAlloc
	n := 0
	for _, err := range Scan(bytes.NewReader(data), int64(len(data)), "f") {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc-min(start, m.HeapAlloc))
		}
	}
	if n != 100_000 || peak > 1<<20 {
		t.Errorf("%d bytes held while reading %d rows of a file of %d bytes", peak, n, len(data))
	}
}

// fastparquet writes eight zeros behind the values of a page; other bytes there are
// no padding.
func TestPaddingIsAccepted(t *testing.T) {
	for pad, want := range map[string]string{
		"\x00\x00\x00\x00\x00\x00\x00\x00":     "",
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00": "9 bytes behind the last value",
		"\x00\x01":                             "2 bytes behind the last value",
	} {
		e := edit(t, "arc-none")
		e.page(colID, 0, func(head *item, body []byte) []byte { return resize(head, append(body, pad...)) })
		if _, err := scan(e.bytes()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", pad, err)
		}
	}
}

func TestCutFiles(t *testing.T) {
	for _, name := range []string{"arc-none", "arc-snappy", "arc-zstd"} {
		data := load(t, name)
		for n := range data {
			if _, err := scan(data[:n]); err == nil {
				t.Fatalf("%s cut to %d bytes was read", name, n)
			} else if !strings.HasPrefix(err.Error(), "f.parquet: ") {
				t.Fatalf("%v", err)
			}
		}
	}
}
