package parquet

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// fixedCost is what a decompressor allocates once for itself, whatever the file
// says. Of snappy and LZ4 it is nothing.
var fixedCost = map[string]uint64{"arc-zstd": 256 << 10, "arc-gzip": 64 << 10}

// The columns of arc-*.parquet, in which every column has a page with a
// dictionary before its page of data: id, choices.text, choices.label, answer.
// Its schema: 0 root, 1 id, 2 choices, 3 text, 4 list, 5 element, 6 label, …, 9 answer.
const (
	colID = iota
	colText
	colLabel
	colAnswer
)

// resize makes a head say how long the bytes are.
func resize(head *item, body []byte) []byte {
	head.at(2).n, head.at(3).n = int64(len(body)), int64(len(body))
	return body
}

func setPage(column, page int, field []int, n int64) func(e *editor) {
	return func(e *editor) {
		e.page(column, page, func(head *item, body []byte) []byte {
			head.at(field...).n = n
			return body
		})
	}
}

func setBody(column, page int, change func(body []byte) []byte) func(e *editor) {
	return func(e *editor) {
		e.page(column, page, func(head *item, body []byte) []byte { return resize(head, change(body)) })
	}
}

func setMeta(column, field int, n int64) func(e *editor) {
	return func(e *editor) { e.meta(column).at(field).n = n }
}

func setSchema(element, field int, n int64) func(e *editor) {
	return func(e *editor) { e.footer.at(2, element, field).n = n }
}

// bad is a file one edit away from a good one, and what is said of it.
type bad struct {
	name, good string
	change     func(e *editor)
	want       string
}

func badFooters() []bad {
	num := func(n int64) *item { return &item{kind: tI64, n: n} }
	return []bad{
		{"rows: more than the groups have", "arc-none", func(e *editor) { e.footer.at(3).n = 3 }, `footer: 3 rows, but the row groups have 2`},
		{"rows: negative", "arc-none", func(e *editor) { e.footer.at(3).n = -2 }, `footer: -2 rows, but the row groups have 2`},
		{"rows of a group: negative", "arc-none", func(e *editor) { e.footer.at(4, 0, 3).n = -1 }, `footer: row group 0: -1 rows in a file of`},
		{"rows of a group: absurd", "arc-none", func(e *editor) { e.footer.at(4, 0, 3).n = 1 << 60 }, `footer: row group 0: 1152921504606846976 rows in a file of`},
		{"no schema", "arc-none", func(e *editor) { e.footer.drop(2) }, `footer: row groups before the schema`},
		{"a schema of nothing", "arc-none", func(e *editor) { e.footer.at(2).items = nil }, `footer: no schema`},
		{"a schema without columns", "arc-none", func(e *editor) { s := e.footer.at(2); s.items = s.items[:1]; s.items[0].at(5).n = 0 },
			`footer: schema: column "": a group of 0, and 0 elements are left`},
		{"children: too many", "arc-none", setSchema(0, 5, 4), `footer: schema: fewer elements than it says`},
		{"children: more than elements", "arc-none", setSchema(0, 5, 1<<30), `footer: schema: column "": a group of 1073741824, and 9 elements are left`},
		{"children: negative", "arc-none", setSchema(2, 5, -1), `footer: schema: column "choices": a group of -1, and`},
		{"children: too few", "arc-none", setSchema(0, 5, 2), `footer: schema: 1 elements belong to no column`},
		{"repetition: unknown", "arc-none", setSchema(1, 3, 3), `footer: schema: column "id": a name of 2 bytes, repetition 3`},
		{"a name twice", "arc-none", func(e *editor) { e.footer.at(2, 9, 4).text = []byte("id") }, `footer: schema: column "id" comes twice`},
		{"a name that is no text", "arc-none", func(e *editor) { e.footer.at(2, 9, 4).text = []byte("\xff") }, `footer: schema: column "\xff": "\xff" is no UTF-8 text`},
		{"a name too long", "arc-none", func(e *editor) { e.footer.at(2, 9, 4).text = bytes.Repeat([]byte("n"), 1025) }, `footer: schema: column "nnn`},
		{"a list of two", "arc-none", func(e *editor) { e.footer.at(2, 4, 3).n = 0 }, `footer: schema: column "choices.text": a list without one repeated field`},
		{"the type of a group's column", "arc-none", setMeta(colAnswer, 1, pDouble), `footer: row group 0: column "answer": type 5 in the row group, 2 in the schema`},
		{"a count of columns", "arc-none", func(e *editor) { l := e.footer.at(4, 0, 1); l.items = l.items[:3] }, `footer: row group 0 has 3 columns, the schema 4`},
		{"a list that lies of its length", "arc-none", func(e *editor) { e.footer.at(2).n = 1 << 40 }, `footer: the bytes end inside a structure`},
		{"nested too deep", "arc-none", deepen(65), `footer: schema: nested deeper than 64`},
		{"values: other than rows", "arc-none", setMeta(colID, 5, 3), `footer: row group 0: column "id": 3 values in 2 rows`},
		{"values: fewer than rows", "arc-none", setMeta(colText, 5, 1), `footer: row group 0: column "choices.text.list.element": 1 values in 2 rows`},
		{"values: negative", "arc-none", setMeta(colText, 5, -4), `footer: row group 0: column "choices.text.list.element": -4 values in 2 rows`},
		{"values: absurd", "arc-none", setMeta(colText, 5, 1<<50), `footer: row group 0: column "choices.text.list.element": 1125899906842624 values in 2 rows`},
		{"column: behind the file", "arc-none", func(e *editor) { e.meta(colID).drop(11); e.meta(colID).at(9).n = 1 << 40 }, `footer: row group 0: column "id": begins at byte 1099511627776`},
		{"column: before the file", "arc-none", func(e *editor) { e.meta(colID).drop(11); e.meta(colID).at(9).n = -8 }, `footer: row group 0: column "id": begins at byte -8`},
		{"column: into the footer", "arc-none", setMeta(colAnswer, 7, 400), `footer: row group 0: column "answer": begins at byte`},
		{"column: negative bytes", "arc-none", setMeta(colAnswer, 7, -1), `footer: row group 0: column "answer": begins at byte`},
		{"columns share bytes", "arc-none", func(e *editor) {
			for i := 1; i < 4; i++ {
				e.meta(i).at(7).n = e.meta(colAnswer).at(7).n + 100
				e.meta(i).at(11).n, e.meta(i).at(9).n = 4, 40
			}
		}, `footer: row group 0: column`},
		{"another file", "arc-none", func(e *editor) { e.footer.at(4, 0, 1, 0).put(1, &item{kind: tBinary, text: []byte("x")}) },
			`footer: row group 0: column "id": lies in another file: only whole files are read`},
		{"an encrypted column", "arc-none", func(e *editor) { e.footer.at(4, 0, 1, 0).put(8, &item{kind: tStruct}) }, `footer: row group 0: column "id": is encrypted: write it without encryption`},
		{"an encrypted file", "arc-none", func(e *editor) { e.footer.put(8, &item{kind: tStruct}) }, `footer: columns are encrypted: write them without encryption`},
		{"a field of another kind", "arc-none", func(e *editor) { e.footer.put(3, &item{kind: tBinary}) }, `footer: a field of Thrift type 8, want 6`},
		{"structures in structures", "arc-none", func(e *editor) {
			deep := num(1)
			for range 40 {
				deep = &item{kind: tStruct, ids: []int{1}, items: []*item{deep}}
			}
			e.footer.put(99, deep)
		}, `footer: structures nest deeper than 16`},
	}
}

// deepen wraps the column id in n groups.
func deepen(n int) func(e *editor) {
	return func(e *editor) {
		s := e.footer.at(2)
		group := func() *item {
			return &item{kind: tStruct, ids: []int{3, 4, 5}, items: []*item{{kind: tI32}, {kind: tBinary, text: []byte("g")}, {kind: tI32, n: 1}}}
		}
		var groups []*item
		for range n {
			groups = append(groups, group())
		}
		s.items = slices.Insert(s.items, 1, groups...)
	}
}

func chop(n int) func(b []byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }

func put(at int, bytes ...byte) func(b []byte) []byte {
	return func(b []byte) []byte { copy(b[at:], bytes); return b }
}

func badPages() []bad {
	return []bad{
		{"page: more bytes than the column", "arc-none", setPage(colID, 1, []int{3}, 5000), `:1: column "id": page 1: 5000 bytes, the column has`},
		{"page: negative bytes", "arc-none", setPage(colID, 1, []int{3}, -1), `:1: column "id": page 1: -1 bytes, the column has`},
		{"page: negative size", "arc-none", setPage(colID, 1, []int{2}, -1), `:1: column "id": page 1: 2 values in -1 bytes`},
		{"page: other size than bytes", "arc-none", setPage(colID, 1, []int{2}, 7), `:1: column "id": page 1: page has`},
		{"page: 256 MiB in a few bytes", "arc-snappy", setPage(colID, 0, []int{2}, 256<<20), `:1: column "id": page 0: 268435456 bytes in a page of`},
		{"page: 2 GiB", "arc-none", setPage(colID, 0, []int{2}, math.MaxInt32), `:1: column "id": page 0: 2147483647 bytes in a page of`},
		{"page: more values than the column", "arc-none", setPage(colID, 1, []int{5, 1}, 3), `:1: column "id": page 1: 3 values, the column has 2 more`},
		{"page: fewer values than the column", "arc-none", setPage(colID, 1, []int{5, 1}, 1), `:2: column "id": page 2: the column ends 1 values early`},
		{"page: negative values", "arc-none", setPage(colID, 1, []int{5, 1}, -1), `:1: column "id": page 1: -1 values in`},
		{"page: no values", "arc-none", setPage(colID, 1, []int{5, 1}, 0), `:1: column "id": page 2: the column ends 2 values early`},
		{"page: unknown kind", "arc-none", setPage(colID, 1, []int{1}, 7), `:1: column "id": page 1: unknown kind 7`},
		{"page: unknown encoding", "arc-none", setPage(colID, 1, []int{5, 2}, 99), `:1: column "id": page 1: encoding 99 of type 6 is not read`},
		{"page: an encoding of another type", "arc-none", setPage(colID, 1, []int{5, 2}, encDeltaBinary), `:1: column "id": page 1: encoding 5 of type 6 is not read`},
		{"page: levels of the old form", "arc-none", setPage(colID, 1, []int{5, 3}, 4), `:1: column "id": page 1: definition levels: encoding 4 is not read`},
		{"page: levels longer than it", "arc-none", setBody(colID, 1, put(0, 0xff, 0xff, 0xff, 0x7f)), `:1: column "id": page 1: definition levels: 2147483647 bytes of the`},
		{"page: a level too high", "arc-none", setBody(colText, 1, setDefs(7)), `:1: column "choices.text.list.element": page 1: levels 0 and 7, at most 1 and 4`},
		{"page: a run of no levels", "arc-none", setBody(colID, 1, put(4, 0)), `:1: column "id": page 1: definition levels: a run of 0`},
		{"page: levels end early", "arc-none", setBody(colID, 1, put(4, 2)), `:2: column "id": page 1: definition levels: numbers end early`},
		{"page: indices 40 bits wide", "arc-none", setBody(colID, 1, put(6, 40)), `:1: column "id": page 1: a bit width of 40`},
		{"page: an index outside the dictionary", "arc-none", setBody(colID, 1, func(b []byte) []byte { return append(b[:6], 8, 4, 7) }), `:1: column "id": page 1: value 7 of a dictionary of 2`},
		{"page: indices end early", "arc-none", setBody(colID, 1, chop(1)), `:1: column "id": page 1:`},
		{"page: two million items in a run", "arc-none", manyItems(2 << 20), `:1: column "choices.text.list.element": a row of more than 65`},
		{"page: a wrong checksum", "arc-none", func(e *editor) {
			e.page(colID, 1, func(head *item, body []byte) []byte { head.put(4, &item{kind: tI32, n: 1}); return body })
		}, `:1: column "id": page 1: checksum`},
		{"page: columns of a list differ", "arc-none", setBody(colLabel, 1, func(b []byte) []byte { return swapReps(b) }), `column "choices.label.list.element"`},
		{"page: a null beside a value", "arc-none", setBody(colLabel, 1, setDefs(0)), `column "choices.label.list.element": page 1: definition level`},
	}
}

func badBodies() []bad {
	return []bad{
		{"dictionary: fewer values than it says", "arc-none", setPage(colID, 0, []int{7, 1}, 3), `:1: column "id": page 0: dictionary: values end early`},
		{"dictionary: more values than bytes", "arc-none", setPage(colID, 0, []int{7, 1}, 1<<30), `:1: column "id": page 0: dictionary: 1073741824 values in 12 bytes`},
		{"dictionary: bytes left over", "arc-none", setPage(colID, 0, []int{7, 1}, 1), `:1: column "id": page 0: dictionary: 6 bytes behind the last value`},
		{"dictionary: a text longer than it", "arc-none", setBody(colID, 0, put(0, 0xff, 0xff, 0xff, 0xff)), `:1: column "id": page 0: dictionary: a text of 4294967295 bytes, 8 are left`},
		{"dictionary: no UTF-8", "arc-none", setBody(colID, 0, put(4, 0xff)), `:1: column "id": page 0: dictionary: "\xff1" is no UTF-8 text`},
		{"dictionary: unknown encoding", "arc-none", setPage(colID, 0, []int{7, 2}, encRLE), `:1: column "id": page 0: dictionary: encoding 3`},
		{"dictionary: none", "arc-none", func(e *editor) { m := e.meta(colID); m.at(7).n -= m.at(9).n - m.at(11).n; m.drop(11) }, `:1: column "id": page 0: numbers of a dictionary that is not there`},
		{"dictionary: two", "arc-none", func(e *editor) {
			e.page(colID, 1, func(head *item, body []byte) []byte {
				head.at(1).n = pageDictionary
				head.put(7, head.at(5))
				return body
			})
		}, `:1: column "id": page 1: dictionary: the column has two`},
		{"snappy: another length", "arc-snappy", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte { body[0]++; return body })
		}, `:1: column "id": page 0: page does not decompress: it says 13 bytes, its head 12`},
		{"snappy: garbage", "arc-snappy", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte { body[1] = 0xff; return body })
		}, `:1: column "id": page 0: page does not decompress: `},
		{"gzip: garbage", "arc-gzip", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte { body[12] ^= 0xff; return body })
		}, `:1: column "id": page 0: page does not decompress: `},
		{"zstd: garbage", "arc-zstd", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte { body[0] ^= 0xff; return body })
		}, `:1: column "id": page 0: page does not decompress: `},
		{"lz4: a match before the block", "arc-lz4", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte { return append([]byte{0x10, 'a', 9, 0}, body[4:]...) })
		}, `:1: column "id": page 0: page does not decompress: an LZ4 match 9 bytes back of 1`},
		{"zstd: a frame and a head that lie alike", "arc-zstd", func(e *editor) {
			e.page(colID, 0, func(head *item, body []byte) []byte {
				head.at(2).n, head.at(3).n = 8<<20, head.at(3).n+3
				return slices.Concat(body[:4], []byte{0xa0}, binary.LittleEndian.AppendUint32(nil, 8<<20), body[6:])
			})
		}, `:1: column "id": page 0: page has 12 bytes, its head says 8388608`},
		{"zstd: a frame that lies", "arc-zstd", func(e *editor) {
			e.page(colID, 0, func(_ *item, body []byte) []byte {
				return slices.Concat(body[:4], []byte{0xa0}, binary.LittleEndian.AppendUint32(nil, 1<<31-1), body[6:])
			})
		}, `:1: column "id": page 0: page does not decompress: it says 2147483647 bytes, its head 12`},
		{"version 2: levels longer than the page", "arc-v2", setPage(colText, 1, []int{8, 6}, 4000), `:1: column "choices.text.list.element": page 1: levels of 4000 and`},
		{"version 2: negative levels", "arc-v2", setPage(colText, 1, []int{8, 5}, -1), `:1: column "choices.text.list.element": page 1: levels of`},
		{"version 2: levels longer than the size", "arc-v2", setPage(colText, 1, []int{2}, 1), `:1: column "choices.text.list.element": page 1: levels of`},
	}
}

// manyItems makes the first row's list n times its first text, which takes a few
// bytes; the file gets as many bytes as so many values need.
func manyItems(n int) func(e *editor) {
	return func(e *editor) {
		e.data = append(e.data, make([]byte, n/rowsPerByte)...)
		e.meta(colText).at(5).n = int64(n)
		e.page(colText, 1, func(head *item, _ []byte) []byte {
			head.at(5, 1).n = int64(n)
			reps := append([]byte{1 << 1, 0}, append(binary.AppendUvarint(nil, uint64(n-1)<<1), 1)...)
			defs := append(binary.AppendUvarint(nil, uint64(n)<<1), 4)
			var body []byte
			for _, levels := range [][]byte{reps, defs} {
				body = append(binary.LittleEndian.AppendUint32(body, uint32(len(levels))), levels...)
			}
			return resize(head, append(append(append(body, 1), binary.AppendUvarint(nil, uint64(n)<<1)...), 0))
		})
	}
}

// swapReps makes the second item of the first list begin a row.
func swapReps(b []byte) []byte {
	b[5] = 0 // bit-packed repetition levels: 0 1 0 1 become 0 0 0 0
	return b
}

// setDefs makes all definition levels n, which lie behind the repetition levels as
// a run.
func setDefs(n byte) func(b []byte) []byte {
	return func(b []byte) []byte {
		reps := binary.LittleEndian.Uint32(b)
		b[4+reps+5] = n
		return b
	}
}

func TestBadFilesAreNamed(t *testing.T) {
	all := slices.Concat(badFooters(), badPages(), badBodies())
	names := map[string]bool{}
	for _, b := range all {
		names[b.name] = true
		// The twin differs by the edit only.
		twin := edit(t, b.good)
		if rows, err := scan(twin.bytes()); err != nil || len(rows) != 2 {
			t.Fatalf("%s: the good twin: %d rows, %v", b.good, len(rows), err)
		}
		b.change(twin)
		file := twin.bytes()
		var err error
		spent := allocated(func() { _, err = scan(file) })
		switch {
		case err == nil:
			t.Errorf("%s: was read", b.name)
		case !strings.HasPrefix(err.Error(), "f.parquet:") || !strings.Contains(err.Error(), b.want):
			t.Errorf("%s:\n%v, want\n%s", b.name, err, b.want)
		case strings.Contains(err.Error(), "\n") || len(err.Error()) > 500:
			t.Errorf("%s: not one short line: %q", b.name, err)
		}
		limit := uint64(16*len(file)) + 64<<10 + fixedCost[b.good]
		if strings.Contains(b.name, "million") { // freeItems, in a list that doubled
			limit += 128 * freeItems
		}
		if spent > limit {
			t.Errorf("%s: %d bytes allocated for a file of %d", b.name, spent, len(file))
		}
	}
	if len(names) != len(all) || len(all) < 60 {
		t.Errorf("%d names of %d files", len(names), len(all))
	}
}

// A page written anew as it was is read: the edits above are what is refused.
func TestPagesWrittenAnewAreRead(t *testing.T) {
	for _, name := range []string{"arc-none", "arc-snappy", "arc-gzip", "arc-zstd", "arc-lz4", "arc-v2"} {
		e := edit(t, name)
		for column := range 4 {
			for page := range 2 {
				e.page(column, page, func(_ *item, body []byte) []byte { return body })
			}
		}
		if rows, err := scan(e.bytes()); err != nil || len(rows) != 2 {
			t.Errorf("%s: %d rows, %v", name, len(rows), err)
		}
	}
}

func TestBadEnds(t *testing.T) {
	good := load(t, "arc-none")
	tail := func(n uint32) []byte { return append(binary.LittleEndian.AppendUint32([]byte("PAR1"), n), "PAR1"...) }
	for _, b := range []struct {
		data []byte
		want string
	}{
		{nil, "f.parquet: 0 bytes are no Parquet file"},
		{[]byte("PAR1PAR1"), "f.parquet: 8 bytes are no Parquet file"},
		{tail(0), "f.parquet: footer: the bytes end inside a structure"},
		{tail(1), "f.parquet: a footer of 1 bytes in a file of 12"},
		{tail(math.MaxUint32), "f.parquet: a footer of 4294967295 bytes in a file of 12"},
		{append([]byte("PAR2"), good[4:]...), `f.parquet: no Parquet file: it begins with "PAR2", not "PAR1"`},
		{append([]byte("PARE"), good[4:]...), `f.parquet: encrypted: write it without encryption`},
		{append(slices.Clone(good), '\n'), `f.parquet: ends with "AR1\n", not "PAR1": is the file cut?`},
		{[]byte(strings.Repeat("PAR1", 100)), `f.parquet: a footer of 827474256 bytes in a file of 400`},
	} {
		var err error
		spent := allocated(func() { _, err = scan(b.data) })
		if err == nil || err.Error() != b.want {
			t.Errorf("%.20q:\n%v, want\n%s", b.data, err, b.want)
		}
		if spent > 128<<10 {
			t.Errorf("%.20q: %d bytes allocated", b.data, spent)
		}
	}
}
