package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

// packLZ4 writes a block of LZ4: a literal for each byte that is no repetition of what
// stands a row before it, and a match for what is.
func packLZ4(src []byte, back int) []byte {
	var out []byte
	length := func(n int) {
		for ; n >= 255; n -= 255 {
			out = append(out, 255)
		}
		out = append(out, byte(n))
	}
	sequence := func(literals []byte, match int) {
		token := byte(min(len(literals), 15)) << 4
		if match > 0 {
			token |= byte(min(match-4, 15))
		}
		if out = append(out, token); len(literals) >= 15 {
			length(len(literals) - 15)
		}
		if out = append(out, literals...); match > 0 {
			if out = binary.LittleEndian.AppendUint16(out, uint16(back)); match-4 >= 15 {
				length(match - 4 - 15)
			}
		}
	}
	from := 0
	for at := back; at < len(src); {
		n := 0
		for at+n < len(src) && src[at+n] == src[at+n-back] {
			n++
		}
		if n < 16 {
			at++
			continue
		}
		sequence(src[from:at], n)
		at += n
		from = at
	}
	sequence(src[from:], 0)
	return out
}

// zstdWriter is one encoder for all pages: some files here have thousands.
var zstdWriter = sync.OnceValues(func() (*zstd.Encoder, error) { return zstd.NewWriter(nil) })

// pack compresses a page.
func pack(t testing.TB, codec int, page []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch codec {
	case codecPlain:
		return page
	case codecSnappy:
		return snappy.Encode(nil, page)
	case codecGzip:
		w := gzip.NewWriter(&b)
		_, err = w.Write(page)
		w.Close()
	case codecBrotli:
		w := brotli.NewWriter(&b)
		_, err = w.Write(page)
		w.Close()
	case codecLZ4Raw:
		return packLZ4(page, ratioRow)
	case codecZstd:
		w, err := zstdWriter()
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(page, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const ratioRow = 1000 // bytes of a row's text with its length

// textPage is a page of rows of one text each, of which one in so many bytes is new
// and the rest repeats the row before.
func textPage(rows, ratio int) []byte {
	rng := rand.New(rand.NewPCG(1, uint64(ratio)))
	row := slices.Concat(binary.LittleEndian.AppendUint32(nil, ratioRow-4), bytes.Repeat([]byte("a"), ratioRow-4))
	var page []byte
	for range rows {
		for i := range (ratioRow - 4 + ratio - 1) / ratio {
			row[4+i] = byte(' ' + rng.IntN(95))
		}
		page = append(page, row...)
	}
	return page
}

// textFile is a file of one column with one page, whose head says that it has size bytes
// when decompressed.
func textFile(codec, rows, size int, stored []byte) []byte {
	out := []byte(magic)
	head := structure(1, pageData, 2, size, 3, len(stored), 5, structure(1, rows, 2, encPlain, 3, encRLE, 4, encRLE))
	out = append(head.encode(out), stored...)
	chunk := structure(3, structure(1, pBytes, 4, codec, 5, rows, 7, len(out)-4, 9, 4))
	schema := listOf(structure(4, name("schema"), 5, 1), structure(1, pBytes, 3, 0, 4, name("text"), 6, convertedUTF8))
	foot := structure(2, schema, 3, rows, 4, listOf(structure(1, listOf(chunk), 3, rows))).encode(nil)
	return append(binary.LittleEndian.AppendUint32(append(out, foot...), uint32(len(foot))), magic...)
}

var codecs = map[string]int{"plain": codecPlain, "snappy": codecSnappy, "gzip": codecGzip, "brotli": codecBrotli, "zstd": codecZstd, "lz4": codecLZ4Raw}

// Pages of every codec are read however far they are compressed, and one that holds
// another number of bytes than its head says is refused.
func TestPagesOfAnyRatio(t *testing.T) {
	const rows = 1000
	for name, codec := range codecs {
		for _, ratio := range []int{1, 10, 100, 1000} {
			page := textPage(rows, ratio)
			stored := pack(t, codec, page)
			if got := len(page) / len(stored); (codec == codecGzip || codec == codecBrotli || codec == codecZstd) && got < min(ratio/3, 100) {
				t.Errorf("%s: compressed to 1/%d, want 1/%d", name, got, ratio)
			}
			all, err := scan(textFile(codec, rows, len(page), stored))
			if err != nil || len(all) != rows {
				t.Errorf("%s, 1/%d: %d rows, %v", name, len(page)/len(stored), len(all), err)
				continue
			}
			for i, r := range all {
				if text, err := r.Text("text"); err != nil || text != string(page[i*ratioRow+4:(i+1)*ratioRow]) {
					t.Fatalf("%s, ratio %d: row %d: %.20q, %v", name, ratio, i+1, text, err)
				}
			}
			for _, size := range []int{0, 1, len(page) - 1, len(page) + 1, 18 << 20, maxPage, 1<<31 - 1} {
				file := textFile(codec, rows, size, stored)
				var err error
				spent := allocated(func() { _, err = scan(file) })
				if err == nil || !strings.HasPrefix(err.Error(), `f.parquet:1: column "text": page 0: `) {
					t.Errorf("%s, ratio %d: %d bytes, the head says %d: %v", name, ratio, len(page), size, err)
				}
				if limit := uint64(16*len(file) + 64<<20); spent > limit {
					t.Errorf("%s, ratio %d: the head says %d: %d bytes allocated for a file of %d", name, ratio, size, spent, len(file))
				}
			}
		}
	}
}

// Columns that each decompress to a thousand times their bytes are read while they are
// few, and refused with what to do about it where they would take more memory together
// than the file justifies.
func TestColumnsShareMemory(t *testing.T) {
	const rows = 4000
	page := textPage(rows, 1000)
	stored := pack(t, codecZstd, page)
	wide := func(columns int) []byte {
		out := []byte(magic)
		schema := listOf(structure(4, name("schema"), 5, columns))
		var chunks []*item
		for i := range columns {
			start := len(out)
			head := structure(1, pageData, 2, len(page), 3, len(stored), 5, structure(1, rows, 2, encPlain, 3, encRLE, 4, encRLE))
			out = append(head.encode(out), stored...)
			chunks = append(chunks, structure(3, structure(1, pBytes, 4, codecZstd, 5, rows, 7, len(out)-start, 9, start)))
			schema.items = append(schema.items, structure(1, pBytes, 3, 0, 4, name(fmt.Sprint("c", i)), 6, convertedUTF8))
		}
		foot := structure(2, schema, 3, rows, 4, listOf(structure(1, listOf(chunks...), 3, rows))).encode(nil)
		return append(binary.LittleEndian.AppendUint32(append(out, foot...), uint32(len(foot))), magic...)
	}
	if n, err := drain(wide(4)); n != rows || err != nil {
		t.Errorf("4 columns: %d rows, %v", n, err)
	}
	file := wide(maxColumns)
	var err error
	spent := allocated(func() { _, err = drain(file) })
	if err == nil || !strings.Contains(err.Error(), "is the most that reading a file of") || !strings.Contains(err.Error(), "write it with smaller pages") {
		t.Errorf("%d columns: %v", maxColumns, err)
	}
	if limit := uint64(16*len(file) + 64<<20); spent > limit {
		t.Errorf("%d columns: %d bytes allocated for a file of %d", maxColumns, spent, len(file))
	}
}

// drain reads a file and keeps nothing.
func drain(data []byte) (n int, err error) {
	for _, err := range Scan(bytes.NewReader(data), int64(len(data)), "f.parquet") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
