package parquet

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// An edit is four bytes: whether the footer or a page's head is changed, which item of it
// (two bytes), and how. The file is written anew around it with lengths that fit, so that
// a fuzzer's bytes reach what lies behind the first checks.
const editBytes = 4

// editedFrom are the files that are edited.
var editedFrom = []string{"arc-none", "arc-snappy", "arc-lz4", "arc-v2", "rows-delta", "rows-plain", "rows-legacy", "same", "types-split", "types-ints"}

// flat returns an item and all below it.
func (v *item) flat() []*item {
	all := []*item{v}
	for _, x := range v.items {
		all = append(all, x.flat()...)
	}
	return all
}

// numbers are what a whole number is changed to, from what it was.
var numbers = []func(n int64) int64{
	func(n int64) int64 { return n + 1 }, func(n int64) int64 { return n - 1 }, func(n int64) int64 { return -n }, func(n int64) int64 { return 2 * n },
	func(n int64) int64 { return n / 2 }, func(int64) int64 { return 0 }, func(int64) int64 { return 1 }, func(int64) int64 { return 1<<31 - 1 },
	func(int64) int64 { return 1 << 20 }, func(int64) int64 { return 1 << 62 }, func(int64) int64 { return -1 << 63 }, func(n int64) int64 { return n ^ 8 },
}

// change changes one of the items below v.
func (v *item) change(which int, how byte) {
	all := v.flat()
	x := all[which%len(all)]
	switch x.kind {
	case tI16, tI32, tI64, tByte:
		x.n = numbers[int(how)%len(numbers)](x.n)
	case tBinary:
		switch how % 3 {
		case 0:
			x.text = x.text[:len(x.text)/2]
		case 1:
			x.text = append(x.text, x.text...)
		default:
			x.text = append(x.text, how)
		}
	case tList, tStruct:
		if len(x.items) == 0 {
			return
		}
		i := int(how>>1) % len(x.items)
		switch {
		case how&1 == 0 && x.kind == tStruct:
			x.drop(x.ids[i])
		case how&1 == 0:
			x.items = append(x.items[:i:i], x.items[i+1:]...)
		case x.kind == tStruct:
			x.ids, x.items = append(x.ids, x.ids[i]), append(x.items, x.items[i])
		default:
			x.items = append(x.items, x.items[i])
		}
	}
}

// edited applies edits to a file: at most one to a page of each column, then those of
// the footer.
func edited(t *testing.T, from byte, edits []byte) []byte {
	e := edit(t, editedFrom[int(from)%len(editedFrom)])
	columns := len(e.footer.at(4, 0, 1).items)
	done := map[int]bool{}
	for rest := edits; len(rest) >= editBytes; rest = rest[editBytes:] {
		column := int(rest[1]) % columns
		if rest[0]%2 == 0 || done[column] {
			continue
		}
		done[column] = true
		which, how := int(rest[2]), rest[3]
		e.page(column, int(rest[0]>>1)%2, func(head *item, body []byte) []byte {
			if which%4 == 0 && len(body) > 0 { // its bytes
				body[which*int(how)%len(body)] ^= how | 1
			} else {
				head.change(which, how)
			}
			return body
		})
	}
	for rest := edits; len(rest) >= editBytes; rest = rest[editBytes:] {
		if rest[0]%2 == 0 {
			e.footer.change(int(rest[1])<<8|int(rest[2]), rest[3])
		}
	}
	return e.bytes()
}

// FuzzEdited reads files of which a few fields are wrong.
func FuzzEdited(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 2 * len(editedFrom) {
		edits := make([]byte, editBytes*(1+i%3))
		for j := range edits {
			edits[j] = byte(rng.Uint32())
		}
		f.Add(byte(i), edits)
	}
	f.Fuzz(func(t *testing.T, from byte, edits []byte) {
		checkAny(t, edited(t, from, edits[:min(len(edits), 16*editBytes)]), "input")
	})
}

// At least half of the edited files pass the checks of the footer, so that pages are what
// is tried.
func TestEditedFilesPassTheFooter(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	passed, read := 0, 0
	const tries = 1000
	for i := range tries {
		edits := make([]byte, editBytes*(1+i%2))
		for j := range edits {
			edits[j] = byte(rng.Uint32())
		}
		data := edited(t, byte(i), edits)
		checkAny(t, data, "edited")
		if _, err := readFooter(bytes.NewReader(data), int64(len(data))); err == nil {
			passed++
			if _, err := drain(data); err == nil {
				read++
			}
		}
	}
	if passed < tries/2 || passed-read < tries/10 {
		t.Errorf("of %d edited files %d pass the footer, %d of them are read", tries, passed, read)
	}
}
