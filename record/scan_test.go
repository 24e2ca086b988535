package record

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"lamina/internal/heaptest"
)

// all reads every record of a text.
func all(r io.Reader) (records []Record, err error) {
	for r, err := range Scan(r, "f") {
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
	return records, nil
}

func TestLongLines(t *testing.T) {
	line := func(n int) io.Reader {
		head, tail := `{"text":"`, "\"}\n"
		return io.MultiReader(strings.NewReader(head), strings.NewReader(strings.Repeat("a", n-len(head)-len(tail))), strings.NewReader(tail))
	}
	if records, err := all(line(MaxLine)); err != nil || len(records) != 1 {
		t.Errorf("a line of %d bytes: %v", MaxLine, err)
	}
	if _, err := all(line(MaxLine + 1)); err == nil || err.Error() != "f:1: line longer than 16 MiB" {
		t.Errorf("%v", err)
	}
}

// An array may stand in one line, longer than a line of records may be.
func TestArrayInOneLine(t *testing.T) {
	long := strings.Repeat("a", MaxLine/2)
	text := "\ufeff [" + strings.Repeat(`{"text":"`+long+`"},`, 3) + `{"text":"b"}]`
	if records, err := all(strings.NewReader(text)); err != nil || len(records) != 4 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

// endless gives one line without end: reading must stop, not collect it.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// Each byte of it is looked at a few times, however long it is. Three seconds are a
// hundred times what that takes.
func TestEndlessLineIsBounded(t *testing.T) {
	began := time.Now()
	for _, head := range []string{"", "\ufeff", `["`} {
		if _, err := all(io.MultiReader(strings.NewReader(head), endless{})); err == nil {
			t.Errorf("%q and no end was read", head)
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestScanStopsWhenAsked(t *testing.T) {
	for _, text := range []string{"{\"text\":\"a\"}\n{\"text\":\"b\"}\nbad", `[{"text":"a"},{"text":"b"},bad`} {
		n := 0
		for _, err := range Scan(strings.NewReader(text), "f") {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == 2 {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d records", n)
		}
	}
}

func TestReadErrorIsPassedOn(t *testing.T) {
	r := io.MultiReader(strings.NewReader("{\"text\":\"a\"}\n"), &failing{})
	if _, err := all(r); err == nil || err.Error() != "f:2 (byte 13): disk on fire" {
		t.Errorf("%v", err)
	}
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, fmt.Errorf("disk on fire") }

// maxSpent is how many bytes may be allocated for one of a file.
const maxSpent = 16

// Small records, small fields and small items each cost the most per byte.
func TestScanAllocatesLittle(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("{\"text\":\"a\"}\n", 1e5),
		"[" + strings.Repeat("{\"text\":\"a\"},", 1e5) + "1]",
		strings.Repeat("{\"query\":\"q\",\"choices\":[\"a\",\"b\"],\"gold\":1}\n", 1e4),
		`{"context_ids":[` + strings.Repeat("1,", 1e6) + "1],\"target_ids\":[]}\n",
		`{"query":"q","gold":0,"choices":[` + strings.Repeat(`"a",`, 1e5) + `"a"]}`,
		`{"text":"` + strings.Repeat(`\n`, 1e6) + `"}`,
		`{"text":"a","x":[` + strings.Repeat(`{"":""},`, 1e5) + `1]}`,
		strings.Repeat("{", 1e6), strings.Repeat("[", 1e6), strings.Repeat("\n", 1e6),
	} {
		spent := heaptest.Allocated(func() {
			for range Scan(strings.NewReader(text), "f") {
			}
		})
		if limit := uint64(16*len(text) + 64<<10); spent > limit {
			t.Errorf("%.40q…: %d bytes allocated for %d", text, spent, len(text))
		}
	}
}

// FuzzScan holds that reading any bytes ends in records or in one line of error,
// with memory bounded by the bytes that are there.
func FuzzScan(f *testing.F) {
	for _, s := range []string{"", "\ufeff{\"text\":\"a\"}\r\n", `[{"qText":"q","answers":["a"]}]`, `{"x":[[{"a":-1.5e+3}],[1,2,null]]}`, "{\"text\":\"\xff\"}", `{"gold":1e400}`,
		"[\n{\"a\":\"]}\\\"\"},\n{}]\n", `[{"a":1}`, `[{"a":1}] x`, "[{\"a\":[[],[],{},{}]}]", strings.Repeat("{\"text\":\"a\"}\n", 50)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var last error
		spent := heaptest.Allocated(func() {
			for _, err := range Scan(bytes.NewReader(data), "f") {
				last = err
			}
		})
		if limit := uint64(maxSpent*len(data) + 64<<10); spent > limit {
			t.Fatalf("%d bytes allocated for %d", spent, len(data))
		}
		if last != nil && (strings.Contains(last.Error(), "\n") || !strings.HasPrefix(last.Error(), "f:")) {
			t.Fatalf("%q", last)
		}
	})
}
