package record

// What records may take that somebody keeps: a multiple of the bytes that lie on disk,
// and something free for small files. Text packs to a tenth and a row of few letters is
// kept in many times its own bytes, so that both are less than what a file could claim.
const (
	freeKept    = 40 << 20
	keptPerByte = 10
)

// Kept counts the memory of records that are kept, against the bytes of the files they
// come from. Who reads records one after the other and keeps none needs none of it.
type Kept struct {
	size, most, held int64
	rows             int
}

// NewKept returns the count for files of size bytes, as they lie on disk.
func NewKept(size int64) *Kept {
	return &Kept{size: size, most: freeKept + keptPerByte*min(size, 1<<40)}
}

// Add counts the fields of a record, and beside them what the keeper has for each. It is
// an error, which begins with the record's place, if all of them take too much.
func (k *Kept) Add(r Record, beside int64) error {
	k.rows++
	k.held += Bytes(r.Fields) + beside
	return k.Check(r.At, 0)
}

// RecordBytes is what a record takes in a list that grows, without what it points to:
// while the list is copied it is there twice and some more.
const RecordBytes = 56 * 9 / 4

// Check returns the error of Add if what is held and n bytes more are too much.
func (k *Kept) Check(at Location, n int64) error {
	if k.held+n <= k.most {
		return nil
	}
	return at.Errorf("to keep %d rows takes more than %d MiB, the most for %d bytes of data: read the first ones only (--limit), or decompress the file first if it is packed", k.rows, k.most>>20, k.size)
}

// Bytes returns about how much memory a value takes that stands in a field or a list.
func Bytes(v Value) int64 {
	const word = 8 // allocations are rounded up to it, or a little more
	text := func(n int) int64 { return 2*word + int64(n+word-1)&^(word-1) }
	switch v := v.(type) {
	case nil, bool:
		return 0
	case string:
		return text(len(v))
	case Number:
		return text(len(v))
	case Cell:
		return text(len(v))
	case Unread:
		return 2*word + text(len(v.Text)) + text(len(v.Why))
	case []int64:
		return 3*word + word*int64(len(v))
	case List:
		n := 3*word + 2*word*int64(len(v))
		for _, x := range v {
			n += Bytes(x)
		}
		return n
	case Object:
		n := 3*word + 4*word*int64(len(v))
		for _, f := range v {
			n += int64(len(f.Name)) + Bytes(f.Value)
		}
		return n
	}
	return word
}
