package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"lamina/internal/heaptest"
)

// col is a column of a file made for a test: one page, a dictionary before it if it has
// one, and the levels of lists if it has some.
type col struct {
	kind, encoding int
	repetition     int // 0 required, 1 optional, 2 repeated
	codec          int
	values         int
	dict           []byte // of one value
	body           []byte
}

// run is a run of n equal numbers of one byte, with its length in front as levels have it.
func run(n int, value byte) []byte { return append(binary.AppendUvarint(nil, uint64(n)<<1), value) }

func levels(n int, value byte) []byte {
	r := run(n, value)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(r))), r...)
}

func plainText(s string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...)
}

// fileOf writes groups of rows that all have the same bytes of columns.
func fileOf(t testing.TB, rows, groups int, cols ...col) []byte {
	t.Helper()
	out := []byte(magic)
	schema := listOf(structure(4, name("schema"), 5, len(cols)))
	list := listOf()
	for g := range groups {
		var chunks []*item
		for i, c := range cols {
			start, data := len(out), len(out)
			page := func(kind int, body []byte, field int, head *item) {
				stored := pack(t, c.codec, body)
				h := structure(1, kind, 2, len(body), 3, len(stored), field, head)
				out = append(h.encode(out), stored...)
			}
			if c.dict != nil {
				page(pageDictionary, c.dict, 7, structure(1, 1, 2, encPlain))
				data = len(out)
			}
			page(pageData, c.body, 5, structure(1, c.values, 2, c.encoding, 3, encRLE, 4, encRLE))
			meta := structure(1, c.kind, 4, c.codec, 5, c.values, 7, len(out)-start, 9, data)
			if c.dict != nil {
				meta.put(11, &item{kind: tI64, n: int64(start)})
			}
			chunks = append(chunks, structure(3, meta))
			if g == 0 {
				schema.items = append(schema.items, structure(1, c.kind, 3, c.repetition, 4, name(fmt.Sprint("c", i))))
			}
		}
		list.items = append(list.items, structure(1, listOf(chunks...), 3, rows))
	}
	foot := structure(2, schema, 3, rows*groups, 4, list).encode(nil)
	return append(binary.LittleEndian.AppendUint32(append(out, foot...), uint32(len(foot))), magic...)
}

// nulls is a column without a value in n rows, constant one of the same text in all.
func nulls(n int) col {
	return col{kind: pInt64, repetition: 1, values: n, body: levels(n, 0), encoding: encPlain}
}

func constant(n int, text string) col {
	return col{kind: pBytes, values: n, codec: codecZstd, encoding: encDictionary, dict: plainText(text), body: append([]byte{1}, run(n, 0)...)}
}

func columns(n int, c col) []col {
	all := make([]col, n)
	for i := range all {
		all[i] = c
	}
	return all
}

// repeated is a column whose every row is a list of n nulls beside n items.
func repeated(n int) col {
	reps := append(run(1, 0), run(n-1, 1)...)
	return col{kind: pBytes, repetition: 2, values: n, encoding: encDictionary, dict: plainText("a"),
		body: append(append(append(binary.LittleEndian.AppendUint32(nil, uint32(len(reps))), reps...), levels(n, 1)...), append([]byte{1}, run(n, 0)...)...)}
}

// deltas claims n numbers in a block that is not there, or is of no bits.
func deltas(n int, block []byte) []byte {
	head := binary.AppendUvarint(binary.AppendUvarint(nil, 128), 4)
	return append(zigzag(binary.AppendUvarint(head, uint64(n)), 0), block...)
}

// What files claim costs nothing until it is there: rows of nulls and of one value, one
// long text in a million rows, thousands of columns, lists of nothing, deltas and runs that
// lie, a hundred thousand row groups.
func TestMemoryIsBoundedByTheFile(t *testing.T) {
	long := strings.Repeat("long text ", 1<<20)
	noBits := bytes.Repeat([]byte{0, 0, 0, 0, 0}, 1<<13)
	for name, c := range map[string]struct {
		file []byte
		rows int // that are read before an error, if there is one
		want string
	}{
		"a million rows of nulls":        {fileOf(t, 1<<20, 1, nulls(1<<20)), 1 << 20, ""},
		"a million rows of one value":    {fileOf(t, 1<<20, 1, constant(1<<20, "a")), 1 << 20, ""},
		"a long text in a million rows":  {fileOf(t, 1<<20, 1, constant(1<<20, long)), 1 << 20, ""},
		"4,001 columns of nulls":         {fileOf(t, 1000, 1, columns(4001, nulls(1000))...), 1000, ""},
		"4,001 columns of one value":     {fileOf(t, 500, 1, columns(4001, constant(500, "abc"))...), 500, ""},
		"40 columns of a long text":      {fileOf(t, 9, 1, columns(40, constant(9, long))...), 0, "is the most that reading a file of"},
		"a list of a million":            {fileOf(t, 1, 1, repeated(1<<20)), 0, "a row of more than"},
		"a list of 60,000":               {fileOf(t, 1, 1, repeated(60_000)), 1, ""},
		"400 lists of 60,000":            {fileOf(t, 1, 1, columns(400, repeated(60_000))...), 0, "a row of more than"},
		"a hundred thousand row groups":  {fileOf(t, 1, 100_000, nulls(1)), 100_000, ""},
		"a million numbers in no deltas": {fileOf(t, 1<<20, 1, col{kind: pInt64, values: 1 << 20, encoding: encDeltaBinary, body: deltas(1<<20, nil)}), 1, "deltas end early"},
		"numbers in deltas of no bits":   {fileOf(t, 1<<20, 1, col{kind: pInt64, values: 1 << 20, encoding: encDeltaBinary, body: deltas(1<<20, noBits)}), 1 << 20, ""},
		"lengths in deltas of no bits":   {fileOf(t, 1<<20, 1, col{kind: pBytes, values: 1 << 20, encoding: encDeltaLength, body: deltas(1<<20, noBits)}), 1 << 20, ""},
		"more deltas than values":        {fileOf(t, 9, 1, col{kind: pInt64, values: 9, encoding: encDeltaBinary, body: deltas(1<<40, noBits)}), 0, "1099511627776 deltas in a page of 9 values"},
		"a run of fewer than rows":       {fileOf(t, 9, 1, col{kind: pInt64, repetition: 1, values: 9, encoding: encPlain, body: levels(3, 0)}), 3, "numbers end early"},
		"a run of more than rows":        {fileOf(t, 9, 1, nulls(9)), 9, ""},
	} {
		rows := 0
		var err error
		var peak uint64
		for range 3 { // a busy machine collects garbage late
			peak = heaptest.Peak(func() { rows, err = drain(c.file) })
			if peak <= heaptest.Limit(len(c.file)) {
				break
			}
		}
		if rows != c.rows || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d rows, %v; want %d, %s", name, rows, err, c.rows, c.want)
		}
		if peak > heaptest.Limit(len(c.file)) && heaptest.Counts {
			t.Errorf("%s: a peak of %d MiB for a file of %d bytes: %v", name, peak>>20, len(c.file), err)
		}
	}
}

// Rows that share a value of a dictionary share its bytes.
func TestDictionaryTextsAreShared(t *testing.T) {
	file := fileOf(t, 1000, 1, constant(1000, strings.Repeat("x", 1<<20)))
	var kept [][]any
	peak := heaptest.Peak(func() {
		for r, err := range Scan(bytes.NewReader(file), int64(len(file)), "f") {
			if err != nil {
				t.Fatal(err)
			}
			kept = append(kept, []any{r.Fields})
		}
	})
	if len(kept) != 1000 || peak > 16<<20 {
		t.Errorf("%d rows of one text of 1 MiB: a peak of %d bytes", len(kept), peak)
	}
}
