package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const benchRows = 100_000

// benchmarkRows reads a file of benchRows rows and reports rows and MB a second.
func benchmarkRows(b *testing.B, name, text string) {
	path := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range s.Records() {
			if n++; err != nil {
				b.Fatal(err)
			}
		}
		if n != benchRows {
			b.Fatal(n, " rows")
		}
	}
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

func benchLines(format string) string {
	var text strings.Builder
	for i := range benchRows {
		fmt.Fprintf(&text, format, i, i%7, i%5, i%4)
	}
	return text.String()
}

const benchJSON = `{"id":"row-%d","question":"Which of these %d things is heavier than the %d others?","choices":{"text":["a feather","a stone","a leaf","a hair"],"label":["A","B","C","D"]},"answer":%d}` + "\n"

func BenchmarkJSONL(b *testing.B) { benchmarkRows(b, "f.jsonl", benchLines(benchJSON)) }
func BenchmarkJSONLGzip(b *testing.B) {
	benchmarkRows(b, "f.jsonl.gz", packGzip(benchLines(benchJSON)))
}

func BenchmarkCSV(b *testing.B) {
	benchmarkRows(b, "f.csv", "id,question,a,b\n"+benchLines("row-%d,\"Which of these %d things, if any, is heavier?\",%d,%d\n"))
}
