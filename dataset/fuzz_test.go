package dataset

import (
	"bufio"
	"bytes"
	"runtime"
	"strings"
	"testing"

	"lamina/internal/heaptest"
	"lamina/record"
)

// checkRows holds that reading any bytes ends in records or one line of error that
// begins with the file, with memory bounded by the bytes that are there.
func checkRows(t *testing.T, size int, all func() rows) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fields := 0
	var last error
	for r, err := range all() {
		if last = err; err == nil {
			fields += len(r.Fields)
		}
	}
	runtime.ReadMemStats(&after)
	// A cell may be of no bytes: a field of a record costs 48, its value 16.
	if spent, limit := after.TotalAlloc-before.TotalAlloc, uint64(16*size+64*fields+128<<10); spent > limit {
		t.Fatalf("%d bytes allocated for %d and %d fields", spent, size, fields)
	}
	if last != nil && (strings.Contains(last.Error(), "\n") || !strings.HasPrefix(last.Error(), "f:")) {
		t.Fatalf("%q", last)
	}
}

func FuzzTable(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\ufeffa,b\r\n\"x\ny\",\"\"\"\"\r\n", "a\n\n", "a,a\n", ",\n,\n", "a,b\n1,\"2", "a\tb\n1\t2", "\"\"\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, separator := range []byte{',', '\t'} {
			checkRows(t, len(data), func() rows { return scanTable(bytes.NewReader(data), "f", separator, record.MaxLine) })
		}
	})
}

// FuzzReleases reads the forms of original releases: rows in one object, a passage
// a file, and what decides between forms.
func FuzzReleases(f *testing.F) {
	for _, s := range []string{
		"{\"Data\":[{\"a\":1},{\"b\":\"]}\\\"\"}],\"x\":[]}", "{ \"Data\" : [ ] }", "{\"Data\":[{\"a\":{}}", "{\"a\":1}", "[{\"a\":1}]", "{\"Data\":[{}]}x", "plain",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text := func() *stream { return &stream{Reader: bufio.NewReader(bytes.NewReader(data))} }
		if member.Match(data) {
			checkRows(t, len(data), func() rows { return scanMember(text(), "f", record.MaxLine) })
		}
		checkRows(t, len(data), func() rows { return scanPassage(text(), "f", record.MaxLine) })
	})
}

func FuzzCard(f *testing.F) {
	for _, s := range []string{
		"- config_name: a\n  data_files: x/*\n", "- data_files:\n  - split: a\n    path: [\"b\"]\n", "[{a: 1}]", "- &a b\n", "- |\n  x\n", "- {config_name: x, data_dir: y, default: true}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		configs, err := parseCard([]byte("---\nconfigs:\n" + s + "\n---\n"))
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("%q", err)
		}
		for _, c := range configs {
			files, _ := c.assign([]string{"a/train.jsonl", "b.csv"})
			for _, x := range files {
				if x.name != "a/train.jsonl" && x.name != "b.csv" {
					t.Fatalf("%q gives %v", s, x)
				}
			}
		}
	})
}

// FuzzStream holds that any packed bytes end in text or an error, and cost no more than
// the text that they hold.
func FuzzStream(f *testing.F) {
	f.Add([]byte(packGzip("{\"a\":1}\n")))
	f.Add([]byte(packZstd("{\"a\":1}\n")))
	f.Add([]byte(packZstd(strings.Repeat("{\"text\":\"a\"}\n", 5000))))
	f.Add([]byte(packGzip("[" + strings.Repeat("{\"text\":\"a\"},", 5000) + "{}]")))
	f.Add([]byte(packZstd(`{"a":[` + strings.Repeat("[],", 5000) + "[]]}\n")))
	f.Add([]byte(windowed("{\"a\":1}\n")))
	f.Fuzz(func(t *testing.T, data []byte) {
		out := 0
		spent := heaptest.Allocated(func() {
			s, err := openStream(bytes.NewReader(data), "f", int64(len(data)))
			if err != nil {
				return
			}
			defer s.close()
			counted := readerFunc(func(p []byte) (int, error) {
				n, err := s.Read(p)
				out += n
				return n, err
			})
			for _, err := range record.ScanUpTo(counted, "f", s.longest(int64(len(data)))) {
				if err != nil && !strings.HasPrefix(err.Error(), "f:") {
					t.Fatalf("%v", err)
				}
			}
		})
		if limit := uint64(64*(len(data)+out) + 64<<20); spent > limit {
			t.Fatalf("%d bytes allocated for %d that hold %d", spent, len(data), out)
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
