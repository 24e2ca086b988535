package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/klauspost/compress/snappy"
)

func structure(fields ...any) *item {
	s := &item{kind: tStruct}
	for i := 0; i < len(fields); i += 2 {
		v, ok := fields[i+1].(*item)
		if !ok {
			v = &item{kind: tI64, n: int64(fields[i+1].(int))}
		}
		s.put(fields[i].(int), v)
	}
	return s
}

func listOf(items ...*item) *item { return &item{kind: tList, of: tStruct, items: items} }

func name(s string) *item { return &item{kind: tBinary, text: []byte(s)} }

// writeFile writes rows of {"id", "question", "choices": [4 texts], "answer"} in
// groups of per rows, a snappy page a column: the least of a writer that a
// benchmark needs.
func writeFile(rows, per int) []byte {
	out := []byte(magic)
	var groups []*item
	text := func(b []byte, s string) []byte {
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	for at := 0; at < rows; at += per {
		var columns [4][]byte
		// Repetition levels 0 1 1 1, bit-packed; definition levels a run of 1.
		reps := append(binary.AppendUvarint(nil, uint64(per*4/8)<<1|1), bytes.Repeat([]byte{0xee}, per*4/8)...)
		defs := append(binary.AppendUvarint(nil, uint64(per*4)<<1), 1)
		for _, levels := range [][]byte{reps, defs} {
			columns[2] = append(binary.LittleEndian.AppendUint32(columns[2], uint32(len(levels))), levels...)
		}
		for i := at; i < at+per; i++ {
			columns[0] = text(columns[0], fmt.Sprintf("row-%d", i))
			columns[1] = text(columns[1], fmt.Sprintf("Which of these %d things is heavier than the %d others?", i%7, i%5))
			for _, s := range []string{"a feather", "a stone", "a leaf", "a hair"} {
				columns[2] = text(columns[2], s)
			}
			columns[3] = binary.LittleEndian.AppendUint64(columns[3], uint64(i%4))
		}
		var chunks []*item
		for c, body := range columns {
			stored := snappy.Encode(nil, body)
			values := per
			if c == 2 {
				values *= 4
			}
			start := len(out)
			head := structure(1, pageData, 2, len(body), 3, len(stored), 5, structure(1, values, 2, encPlain, 3, encRLE, 4, encRLE))
			out = append(head.encode(out), stored...)
			kind := []int{pBytes, pBytes, pBytes, pInt64}[c]
			chunks = append(chunks, structure(3, structure(1, kind, 4, codecSnappy, 5, values, 7, len(out)-start, 9, start)))
		}
		groups = append(groups, structure(1, listOf(chunks...), 3, per))
	}
	schema := listOf(structure(4, name("schema"), 5, 4),
		structure(1, pBytes, 3, 0, 4, name("id"), 6, convertedUTF8), structure(1, pBytes, 3, 0, 4, name("question"), 6, convertedUTF8),
		structure(1, pBytes, 3, 2, 4, name("choices"), 6, convertedUTF8), structure(1, pInt64, 3, 0, 4, name("answer")))
	foot := structure(2, schema, 3, rows, 4, listOf(groups...)).encode(nil)
	out = append(out, foot...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(foot))), magic...)
}

// The writer's file reads as what was written: the benchmark reads rows, not errors.
func TestWrittenFileIsRead(t *testing.T) {
	all, err := scan(writeFile(64, 16))
	if err != nil || len(all) != 64 {
		t.Fatalf("%d rows, %v", len(all), err)
	}
	choices, err := all[63].Texts("choices")
	id, _ := all[63].Text("id")
	if n, _ := all[63].Int("answer"); n != 3 || id != "row-63" || len(choices) != 4 || choices[3] != "a hair" || err != nil {
		t.Errorf("%v, %v", all[63].Fields, err)
	}
}

// BenchmarkScan reads 100,000 rows; MB are of the file, which is compressed.
func BenchmarkScan(b *testing.B) {
	const rows = 100_000
	data := writeFile(rows, 10_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Scan(bytes.NewReader(data), int64(len(data)), "f") {
			if n++; err != nil {
				b.Fatal(err)
			}
		}
		if n != rows {
			b.Fatal(n, " rows")
		}
	}
	b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
}
