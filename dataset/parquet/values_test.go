package parquet

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

// deltaHead writes the head of DELTA_BINARY_PACKED.
func deltaHead(block, parts, count uint64, first int64) []byte {
	b := binary.AppendUvarint(nil, block)
	b = binary.AppendUvarint(b, parts)
	return zigzag(binary.AppendUvarint(b, count), first)
}

func TestDeltas(t *testing.T) {
	// Differences 1, 3, 5 from 10: least 1, so 0, 2, 4 in 3 bits.
	good := append(zigzag(deltaHead(128, 4, 4, 10), 1), 3, 0, 0, 0)
	good = append(good, 0b00_010_000, 0b1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	d, err := newDelta(good, 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int64{10, 11, 14, 19} {
		if v, err := d.next(); v != want || err != nil {
			t.Fatalf("%d, %v; want %d", v, err, want)
		}
	}
	if _, err := d.next(); err != errEarly {
		t.Errorf("a fifth of four: %v", err)
	}
	for name, c := range map[string]struct {
		data []byte
		most int64
		want string
	}{
		"nothing":           {nil, 4, "deltas: the bytes end inside a structure"},
		"a block of 0":      {deltaHead(0, 4, 4, 1), 4, "deltas in blocks of 0 with 4 parts"},
		"a block of 2^40":   {deltaHead(1<<40, 4, 4, 1), 4, "deltas in blocks of 1099511627776 with 4 parts"},
		"parts of none":     {deltaHead(128, 0, 4, 1), 4, "deltas in blocks of 128 with 0 parts"},
		"parts of 1":        {deltaHead(128, 128, 4, 1), 4, "deltas in blocks of 128 with 128 parts"},
		"more than values":  {deltaHead(128, 4, math.MaxInt64, 1), 4, "9223372036854775807 deltas in a page of 4 values"},
		"no block":          {deltaHead(128, 4, 2, 1), 4, "deltas end early"},
		"65 bits":           {append(zigzag(deltaHead(128, 4, 2, 1), 1), 65, 0, 0, 0), 4, "deltas of 65 bits in 0 bytes"},
		"a part that's cut": {good[:len(good)-1], 4, "deltas of 3 bits in 11 bytes"},
	} {
		d, err := newDelta(c.data, c.most)
		for i := 0; err == nil && i < 5; i++ {
			_, err = d.next()
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestDeltaTexts(t *testing.T) {
	lengths := func(n int64) []byte { return deltaHead(128, 4, 1, n) }
	for name, c := range map[string]struct {
		body []byte
		want string
	}{
		"good":               {append(lengths(2), "ab"...), ""},
		"longer than bytes":  {append(lengths(3), "ab"...), "a text of 3 bytes, 2 are left"},
		"shorter than bytes": {append(lengths(1), "ab"...), "1 bytes behind the last value"},
		"negative":           {append(lengths(-1), "ab"...), "a text of -1 bytes, 2 are left"},
	} {
		x, err := newDeltaLength(c.body, 1)
		if err == nil {
			_, err = (&deltaTexts{x, &node{physical: pBytes, form: asText}}).next()
		}
		if err == nil {
			err = x.finish()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	leaf := &node{physical: pBytes}
	x, err := newDeltaBytes(leaf, append(append(lengths(1), lengths(1)...), 'a'), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.next(); err == nil || err.Error() != "begins with 1 bytes of a text of 0" {
		t.Errorf("%v", err)
	}
}

func TestHybrid(t *testing.T) {
	// A run of three 5s, then eight numbers of 3 bits: 0 to 7.
	h, err := newHybrid([]byte{3 << 1, 5, 1<<1 | 1, 0b10_001_000, 0b1_100_011_0, 0b111_110_10}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []uint32{5, 5, 5, 0, 1, 2, 3, 4, 5, 6, 7} {
		if v, err := h.next(); v != want || err != nil {
			t.Fatalf("number %d: %d, %v; want %d", i, v, err, want)
		}
	}
	if _, err := h.next(); err == nil {
		t.Error("a number behind the last")
	}
	for name, c := range map[string]struct {
		data  []byte
		width int
		want  string
	}{
		"33 bits":         {nil, 33, "a bit width of 33"},
		"nothing":         {nil, 3, "numbers end early"},
		"a run of 0":      {[]byte{0, 1}, 3, "a run of 0"},
		"a run of 2^40":   {binary.AppendUvarint(nil, 1<<41), 3, "a run of 1099511627776"},
		"a run cut":       {[]byte{2}, 3, "numbers end early"},
		"a value too big": {[]byte{2, 8}, 3, "8 is wider than 3 bits"},
		"packed, cut":     {[]byte{3}, 3, "bit-packed numbers end early"},
	} {
		h, err := newHybrid(c.data, c.width)
		if err == nil {
			_, err = h.next()
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func TestLZ4(t *testing.T) {
	// Three literals, then a match of 9 three bytes back, which overlaps itself, then
	// the last literals.
	block := []byte{0x35, 'a', 'b', 'c', 3, 0, 0x10, 'x'}
	const want = "abcabcabcabcx"
	if got, err := inflateLZ4(make([]byte, 0, 20), block); string(got) != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	for n := range len(want) {
		if _, err := inflateLZ4(make([]byte, 0, n), block); err != errRoom {
			t.Errorf("room for %d: %v", n, err)
		}
	}
	long := append([]byte{0xf0, 255, 255, 0}, make([]byte, 15+510)...)
	if got, err := inflateLZ4(make([]byte, 0, 1000), long); len(got) != 525 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for name, block := range map[string][]byte{
		"literals cut": {0x50, 'a'}, "length cut": {0xf0, 255}, "match cut": {0x10, 'a', 1}, "match of itself": {0x10, 'a', 0, 0}, "match before": {0x10, 'a', 2, 0},
	} {
		if out, err := inflateLZ4(make([]byte, 0, 100), block); err == nil || err == errRoom {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}
