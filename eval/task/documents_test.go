package task

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"lamina/internal/heaptest"
	"lamina/record"
)

// countingReader counts what is read of a text.
type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// A limit ends the reading: the bytes read are those of the first documents and a buffer.
// Tasks whose rows make documents together read them all.
func TestFirstReadsNoFurther(t *testing.T) {
	choice := `{"query":"q","choices":["a","b"],"gold":1}` + "\n"
	race := `{"article":"%d","question":"q","options":["a","b"],"answer":"A"}` + "\n"
	for _, c := range []struct {
		task, row string
		rows      int
		all       bool
	}{{"", choice, 100_000, false}, {"piqa", choice, 100_000, false}, {"race", race, 5000, true}, {"wikitext", `{"text":" = %d = \n"}` + "\n", 5000, true}, {"wikitext", `{"page":"a %d"}` + "\n", 5000, false}} {
		var b strings.Builder
		for i := range c.rows {
			if strings.Contains(c.row, "%d") {
				fmt.Fprintf(&b, c.row, i)
			} else {
				b.WriteString(c.row)
			}
		}
		text := b.String()
		r := &countingReader{r: strings.NewReader(text)}
		docs, total, err := mustNamed(t, c.task).First(record.Scan(r, "f"), 10, int64(len(text)))
		if err != nil || len(docs) != 10 {
			t.Errorf("%s: %d documents, %v", c.task, len(docs), err)
		}
		if c.all && (total != c.rows || r.n != len(text)) || !c.all && (total != -1 || r.n > 10*len(c.row)+64<<10) {
			t.Errorf("%s: %d documents in all, %d of %d bytes read", c.task, total, r.n, len(text))
		}
	}
}

// Documents take at most 16 times the bytes of their file and 64 MiB; where rows are so
// short that they would take more, the error says so and what to do.
func TestDocumentsAreBoundedByBytes(t *testing.T) {
	if !heaptest.Counts {
		t.Skip("memory is counted without the race detector")
	}
	passage := strings.Repeat("word ", 300)
	for name, c := range map[string]struct {
		task, text string
		size       int // of the file, 0: as many bytes as the text
		want       string
	}{
		"few short rows":        {"", strings.Repeat("{\"text\":\"a\"}\n", 80_000), 0, ""},
		"many short rows":       {"", strings.Repeat("{\"text\":\"a\"}\n", 1_000_000), 0, "the most for 13000000 bytes of data: read the first ones only (--limit)"},
		"many rows":             {"", strings.Repeat("{\"text\":\"a text of forty letters in all, so it seems\"}\n", 200_000), 0, ""},
		"packed rows":           {"", strings.Repeat("{\"text\":\"a text of forty letters in all, so it seems\"}\n", 200_000), 10_000, "or decompress the file first if it is packed"},
		"questions and choices": {"", strings.Repeat(`{"query":"What is it?","choices":["this","that","both","none"],"gold":1}`+"\n", 100_000), 0, ""},
		"questions of passages": {"boolq", strings.Repeat(`{"passage":"`+passage+`","question":"q","answer":true}`+"\n", 10_000), 0, ""},
		"packed passages":       {"boolq", strings.Repeat(`{"passage":"`+passage+`","question":"q","answer":true}`+"\n", 60_000), 100_000, "to keep "},
		"an article":            {"race", strings.Repeat(`{"article":"`+passage+`","question":"q","options":["a","b"],"answer":"A"}`+"\n", 20_000), 0, ""},
		"packed articles":       {"race", strings.Repeat(`{"article":"`+passage+`","question":"q","options":["a","b"],"answer":"A"}`+"\n", 60_000), 100_000, "to keep "},
		"lines of a page":       {"wikitext", strings.Repeat("{\"text\":\" = Title = \\n\"}\n{\"text\":\"\"}\n", 100_000), 0, ""},
		"packed lines":          {"wikitext", strings.Repeat("{\"text\":\" = Title = \\n\"}\n{\"text\":\"\"}\n", 200_000), 50_000, "to keep "},
	} {
		size := c.size
		if size == 0 {
			size = len(c.text)
		}
		var docs []Document
		var err error
		var peak uint64
		for range 6 { // a busy machine collects garbage late
			docs = nil
			peak = heaptest.Peak(func() {
				docs, _, err = mustNamed(t, c.task).First(record.Scan(strings.NewReader(c.text), "f"), 0, int64(size))
			})
			if peak <= heaptest.Limit(size) {
				break
			}
		}
		if peak > heaptest.Limit(size) {
			t.Errorf("%s: a peak of %d MiB for %d bytes: %v", name, peak>>20, size, err)
		}
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "f:")) {
			t.Errorf("%s: %d documents, %v; want %q", name, len(docs), err, c.want)
		}
	}
}

// What documents hold once they are read, in bytes for each byte of their file.
func TestDocumentsShareTheirTexts(t *testing.T) {
	for _, c := range []struct {
		task, file string
		most       float64
	}{{"arc_easy", "eval/arc_easy.jsonl", 4}, {"boolq", "eval/boolq.jsonl", 2.5}, {"wikitext", "wikitext-2/test.txt", 1.3}} {
		path := dataFile(t, c.file)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var docs []Document
		var err error
		if of := mustNamed(t, c.task); of.ReadsPages(path) {
			docs, err = ReadPages(path)
		} else {
			docs, err = of.ReadFile(path)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		info, other := os.Stat(path)
		if err != nil || other != nil {
			t.Fatal(err, other)
		}
		if held := float64(after.HeapAlloc) - float64(before.HeapAlloc); held > c.most*float64(info.Size()) {
			t.Errorf("%s: %d documents hold %.0f bytes, %.2f for each of the file", filepath.Base(path), len(docs), held, held/float64(info.Size()))
		}
		runtime.KeepAlive(docs)
	}
}
