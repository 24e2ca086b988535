package parquet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lamina/record"
)

// Any single byte changed gives rows or one line of error, within the memory that
// a file of this size may cost.
func TestEveryByteOfAFile(t *testing.T) {
	for _, name := range []string{"arc-none", "arc-snappy", "arc-lz4", "arc-v2"} {
		good := load(t, name)
		for i := range good {
			for _, x := range []byte{0x01, 0x80, 0xff} {
				data := slices.Clone(good)
				data[i] ^= x
				checkAny(t, data, fmt.Sprintf("%s with byte %d", name, i))
			}
		}
	}
}

// checkAny holds what must be true of any bytes.
func checkAny(t *testing.T, data []byte, name string) {
	t.Helper()
	var err error
	rows, items := 0, 0
	spent := allocated(func() {
		for r, e := range Scan(bytes.NewReader(data), int64(len(data)), "f.parquet") {
			if err = e; err != nil {
				break
			}
			items += count(r.Fields)
			if rows++; items > 1<<16 {
				break
			}
		}
	})
	if err != nil && (strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "f.parquet:")) {
		t.Fatalf("%s: %q", name, err)
	}
	// What was read costs what it holds: at most 200 bytes for a field or an item.
	// A page may be stored in far fewer bytes than it has (freePage), which only a
	// stream that holds them makes it cost.
	limit := uint64(16*len(data) + 64<<10 + 256<<10 + 200*items)
	if err != nil && strings.Contains(err.Error(), "a row of more than") { // freeItems, in a list that doubled
		limit += 128 * freeItems
	}
	if spent > limit {
		t.Fatalf("%s: %d bytes allocated for %d and %d items: %v", name, spent, len(data), items, err)
	}
}

// count returns the values in a value.
func count(v record.Value) int {
	n := 1
	switch v := v.(type) {
	case []int64:
		n += len(v)
	case record.List:
		for _, x := range v {
			n += count(x)
		}
	case record.Object:
		for _, f := range v {
			n += count(f.Value)
		}
	case string:
		n += len(v) / 64
	}
	return n
}

func FuzzScan(f *testing.F) {
	for _, name := range []string{"arc-none", "arc-snappy", "arc-lz4", "arc-v2", "rows-delta", "rows-plain", "rows-legacy", "same"} {
		f.Add(load(f, name))
	}
	// What claims much in few bytes.
	for _, cols := range [][]col{
		{nulls(1 << 20)}, {constant(1<<20, "hello world")}, columns(40, nulls(99)), {repeated(60_000)}, {repeated(1 << 20)},
		{{kind: pInt64, values: 1 << 20, encoding: encDeltaBinary, body: deltas(1<<20, nil)}},
	} {
		rows := cols[0].values
		if cols[0].repetition == 2 {
			rows = 1
		}
		f.Add(fileOf(f, rows, 1, cols...))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkAny(t, data, "input") })
}
