package dataset

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"lamina/record"
)

// tree writes files below a new directory. A text "-> x" makes a link to x.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// show gives a split as text: "Config/Split: row row …", rows as JSON.
func show(t testing.TB, path string, o Options) string {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), path, "DIR")
	}
	out := s.Config + "/" + s.Split + ":"
	for r, err := range s.Records() {
		if err != nil {
			return out + " error: " + strings.ReplaceAll(err.Error(), path, "DIR")
		}
		out += " " + string(record.AppendPython(nil, r.Fields, 0))
	}
	for _, name := range s.Ignored {
		out += " -" + name
	}
	return out
}

func packGzip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func packZstd(text string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(text), nil))
}

// The same two rows in every form are the same records.
func TestForms(t *testing.T) {
	arc, err := os.ReadFile("parquet/testdata/arc-snappy.parquet")
	if err != nil {
		t.Fatal(err)
	}
	const want = `/: {"a": "x", "b": "1"} {"a": "y", "b": "2"}`
	const wantArc = `/: {"id": "q1", "choices": {"text": ["sun", "moon"], "label": ["A", "B"]}, "answer": 0} ` +
		`{"id": "q2", "choices": {"text": ["salt", "sand"], "label": ["A", "B"]}, "answer": 1}`
	lines := "{\"a\":\"x\",\"b\":\"1\"}\n{\"a\":\"y\",\"b\":\"2\"}\n"
	files := map[string]string{
		"rows.jsonl": lines, "rows.ndjson": lines, "rows.json": lines, "ROWS.JSONL": lines,
		"array.json": "[" + strings.Replace(strings.TrimSpace(lines), "\n", ",", 1) + "]",
		"data.json":  "{\n  \"Data\": [\n" + strings.Replace(strings.TrimSpace(lines), "\n", ",\n", 1) + "\n ],\n \"Version\": 1.0 }\n",
		"rows.csv":   "a,b\nx,1\ny,2\n", "crlf.csv": "\ufeffa,b\r\nx,1\r\n\r\n\"y\",\"2\"", "rows.tsv": "a\tb\nx\t1\ny\t2\n",
		"noname": lines, "arc.parquet": string(arc), "blob": string(arc),
	}
	for name, text := range maps.Clone(files) {
		files[name+".gz"], files[name+".zst"] = packGzip(text), packZstd(text)
		files["sniffed-"+name] = packGzip(text) // named as if it were not packed
	}
	dir := tree(t, files)
	for name, text := range files {
		wanted := want
		if strings.Contains(name, "arc") || strings.Contains(name, "blob") {
			wanted = wantArc
		}
		path := filepath.Join(dir, name)
		if got := show(t, path, Options{}); got != wanted {
			t.Errorf("%s: %s", name, got)
		}
		s, err := Open(path, Options{})
		sum := sha256.Sum256([]byte(text))
		if err != nil || len(s.Files) != 1 || s.Files[0] != (File{path, name, int64(len(text)), hex.EncodeToString(sum[:])}) {
			t.Errorf("%s: %+v, %v", name, s.Files, err)
		}
	}
}

func TestPlacesOfForms(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.csv":      "a,b\n\"x\ny\",1\n\nz,2\n",
		"a.json":     "{\"Data\":[\n {\"a\":1},\n\n {\"a\":2}]}",
		"a.jsonl.gz": packGzip("{\"a\":1}\n{\"a\":2}\n"),
	})
	for name, want := range map[string]string{
		"a.csv": "a.csv:2 (byte 4) a.csv:5 (byte 13)", "a.json": "a.json:2 (byte 11) a.json:4 (byte 22)", "a.jsonl.gz": "a.jsonl.gz:1 a.jsonl.gz:2 (byte 8)",
	} {
		all, _, err := ReadAll(filepath.Join(dir, name), Options{})
		if err != nil || len(all) != 2 {
			t.Errorf("%s: %d rows, %v", name, len(all), err)
			continue
		}
		got := strings.ReplaceAll(fmt.Sprint(all[0].At, " ", all[1].At), dir+"/", "")
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestCells(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\n\"x,\"\"q\"\"\nline\",\n":     `{"a": "x,\"q\"\nline", "b": ""}`,
		"a,b\nsay \"hi\",2":                 `{"a": "say \"hi\"", "b": "2"}`,
		",a\n0,x\n":                         `{"": "0", "a": "x"}`,
		"a\n\"\"\n":                         `{"a": ""}`,
		"\"a\r\nb\",c\r\n\"\r\n\",\" 1\"\n": `{"a\r\nb": "\r\n", "c": " 1"}`,
	} {
		path := filepath.Join(tree(t, map[string]string{"f.csv": text}), "f.csv")
		if got := show(t, path, Options{}); got != "/: "+want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Each bad file differs from a good one by one thing, and is refused with its place.
func TestBadFilesAreNamed(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	row := "{\"a\":\"x\",\"b\":[\"1\",\"2\"]}\n"
	long := strings.Repeat(row, 1000)
	zeros := strings.Repeat(strings.Repeat(" ", 1<<20)+"\n", 80) + row
	for _, c := range []struct{ name, text, want string }{
		{"f.jsonl", "", "error: DIR: the file is empty"},
		{"f.csv", "", "error: DIR: the file is empty"},
		{"f.parquet", "", "error: DIR: the file is empty"},
		{"f.jsonl", "\n \n", "/: error: DIR: no records"},
		{"f.csv", "a,b\n", "/: error: DIR: no records"},
		{"f.json", "[]", "/: error: DIR: no records"},
		{"f.jsonl", row + row[:20], "error: DIR:2 (byte 24): field \"b\": column 21: the text ends"},
		{"f.jsonl", row + "{\"a\":1,\"a\":2}\n", `error: DIR:2 (byte 24): field "a" comes twice`},
		{"f.jsonl", "\xff\xfe{\x00", "error: DIR:1: invalid UTF-8 at byte 1"},
		{"f.csv", "a,a\n1,2\n", `error: DIR:1: column "a" comes twice`},
		{"f.csv", "a,b\n1,2\n3\n", "error: DIR:3 (byte 8): 1 cells, the header has 2"},
		{"f.csv", "a,b\n1,2,3\n", "error: DIR:2 (byte 4): 3 cells, the header has 2"},
		{"f.csv", "a,b\n1,2\n3", "error: DIR:3 (byte 8): 1 cells, the header has 2 (the last line has no line end: is the file cut?)"},
		{"f.csv", "a,b\n1,\"2\n", "error: DIR:2 (byte 4): column 2: the quote is never closed: is the file cut?"},
		{"f.csv", "a,b\n1,\"2\"x\n", `error: DIR:2 (byte 4): column 2: "x" behind a closing quote: write quotes in a cell twice`},
		{"f.csv", "a,b\n1,\xff\n", "error: DIR:2 (byte 4): invalid UTF-8: save the file as UTF-8"},
		{"f.csv", "a\n1\n\n2\n", "error: DIR:3 (byte 4): a blank line in a table of one column"},
		{"f.csv", strings.Repeat("a,", 2000), "error: DIR:1: more than 1024 cells"},
		{"f.csv", "a\n\"" + strings.Repeat("x\n", 9<<20), "error: DIR:2 (byte 2): row longer than 16 MiB: is a quote not closed?"},
		{"f.jsonl.gz", row, `error: DIR: is named .gz and holds no such stream (it begins with "{\"a\"")`},
		{"f.jsonl.zst", packGzip(row)[:0] + "abcd", `error: DIR: is named .zst and holds no such stream`},
		{"f.jsonl.gz", packGzip(long)[:120], "error: DIR:"},
		{"f.jsonl.gz", packGzip(long)[:len(packGzip(long))-4], "error: DIR:1001 (byte 24000): the gzip stream is cut"},
		{"f.jsonl.gz", packGzip(row) + "x", "error: DIR:2 (byte 24): the gzip stream is cut"},
		{"f.jsonl.gz", packGzip(row) + strings.Repeat("x", 20), "error: DIR:2 (byte 24): the gzip stream is damaged: "},
		{"f.jsonl.gz", flip(packGzip(row), 12), "error: DIR:"},
		{"f.jsonl.gz", packGzip(row)[:5], "error: DIR: the gzip stream is cut or damaged: "},
		{"f.jsonl.zst", packZstd(long)[:40], "the zstd stream is cut"},
		{"f.jsonl.zst", flip(packZstd(row), 16), "the zstd stream is damaged: "},
		{"f.jsonl.gz", packGzip(zeros), "the gzip stream grows to more than 256 times its bytes"},
		{"f.jsonl.zst", packZstd(zeros), "the zstd stream grows to more than 256 times its bytes"},
		{"f.parquet", "PAR1PAR1", "error: DIR: 8 bytes are no Parquet file"},
		{"f.parquet.gz", packGzip("PAR1PAR1"), "error: DIR: 8 bytes are no Parquet file"},
		{"f.json", "{\"Data\":[{\"a\":1},{\"a\":2}", `error: DIR:1 (byte 24): the text ends inside the array: is the file cut?`},
		{"f.json", "{\"Data\":[{\"a\":1}{\"a\":2}]}", `error: DIR:1 (byte 16): found '{', want ',' or ']'`},
		{"f.json", "{\"Data\":[{\"a\":1},]}", `error: DIR:1 (byte 17): found ']', want '{'`},
		{"f.json", "{\"Data\":[{\"a\":1,\"a\":1}]}", `error: DIR:1 (byte 9): field "a" comes twice`},
		{"f.json", "{\"Data\":[{\"a\":1}],\"Data\":2}", `error: DIR: behind "Data": field "Data" comes twice`},
		{"f.json", "{\"Data\":[{\"a\":1}]", `error: DIR: behind "Data": column`},
		{"f.json", "{\"Data\":[]}", "error: DIR: no records"},
		{"f.txt", "some words\n", `error: DIR: plain text has no rows: write JSON lines, {"text": …} for each`},
		{"f.txt", row + row, "error: DIR:2 (byte 24): a second object"},
		{"f.bin", "some words\n", "error: DIR: neither JSON lines, CSV, TSV nor Parquet"},
		{"f.zip", "PK\x03\x04xxxx", "error: DIR: a zip archive: unpack it"},
	} {
		path := filepath.Join(tree(t, map[string]string{c.name: c.text}), c.name)
		if got := show(t, path, Options{}); !strings.Contains(got, c.want) || strings.Contains(got, "\n") || !strings.Contains(got, "error: DIR") {
			t.Errorf("%s %.40q:\n%.300s, want\n%s", c.name, c.text, got, c.want)
		}
	}
}

func flip(s string, i int) string { return s[:i] + string([]byte{s[i] ^ 0xff}) + s[i+1:] }

func TestLimit(t *testing.T) {
	dir := tree(t, map[string]string{"train.jsonl": "{\"a\":1}\n{\"a\":2}\nbad"})
	all, files, err := ReadAll(dir, Options{Limit: 2})
	if len(all) != 2 || len(files) != 1 || err != nil {
		t.Errorf("%v, %v, %v", all, files, err)
	}
	if _, _, err := ReadAll(dir, Options{}); err == nil {
		t.Error("a bad row was not reached")
	}
	if _, _, err := ReadAll(filepath.Join(dir, "none.jsonl"), Options{}); err == nil || !strings.Contains(err.Error(), "none.jsonl") {
		t.Errorf("%v", err)
	}
}

// TestHolesEndSoon: files of a terabyte that take no room on the disk, whatever their form,
// are refused before they are hashed to their end.
func TestHolesEndSoon(t *testing.T) {
	if testing.Short() {
		t.Skip("one step after another, for long: not under -short")
	}
	for _, name := range []string{"all.jsonl", "all.json", "all.csv", "all.tsv", "all.jsonl.gz", "all.jsonl.zst", "all.parquet", "all"} {
		for _, head := range []string{"", `{"query": "a"}` + "\n"} {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(head), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Truncate(path, 1<<40); err != nil {
				t.Skipf("the file system refuses a sparse file of 1 TiB: %v", err)
			}
			began := time.Now()
			_, err := Open(path, Options{})
			if took := time.Since(began); err == nil || !strings.Contains(err.Error(), path) || took > 5*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "good.jsonl") // zeros that a text holds are no hole
	if err := os.WriteFile(path, []byte(`{"query": "a"}`+"\n"+strings.Repeat("\x00", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{}); err != nil {
		t.Error(err)
	}
}
