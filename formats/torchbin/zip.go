package torchbin

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"lamina/formats"
)

// record is an uncompressed member of the archive: data[start:end] of the file.
type record struct {
	name       string
	start, end int64
	crc        uint32
}

const (
	endSize     = 22 // end of central directory, without comment
	end64Size   = 56
	locatorSize = 20
	centralSize = 46
	localSize   = 30
)

// archive reads a zip directory from the end of the file. It is stricter than
// archive/zip, which accepts equal names, overlapping members, and local headers
// that contradict the directory: two readers must not see two different files.
type archive struct {
	path string
	data []byte
}

func (a *archive) fail(at int64, item, code, got, want string) error {
	return &formats.Error{Path: a.path, Item: item, Code: code, Offset: at, Got: got, Want: want}
}

// records returns the members by name.
func (a *archive) records() (map[string]record, error) {
	start, end, n, err := a.directory()
	if err != nil {
		return nil, err
	}
	members := make(map[string]record, n) // n × 46 bytes are there: checked
	order := make([]record, 0, n)
	for dir := a.data[start:end]; len(dir) > 0; {
		at := end - int64(len(dir))
		r, size, err := a.member(dir, at)
		if err != nil {
			return nil, err
		}
		dir = dir[size:]
		if _, twice := members[r.name]; twice {
			return nil, a.fail(at, recordItem(r.name), "ZIP_DUPLICATE", "stands twice", "")
		}
		members[r.name] = r
		order = append(order, r)
	}
	if len(order) != n {
		return nil, a.fail(start, "zip directory", "ZIP_DIRECTORY", fmt.Sprintf("%d members", len(order)), fmt.Sprint(n))
	}
	slices.SortFunc(order, func(x, y record) int {
		return cmp.Or(cmp.Compare(x.start, y.start), cmp.Compare(x.end, y.end))
	})
	for i := 1; i < len(order); i++ {
		// Data, then at least the next local header and name.
		if p, r := order[i-1], order[i]; r.start-localSize-int64(len(r.name)) < p.end {
			return nil, a.fail(r.start, recordItem(r.name), "ZIP_OVERLAP", "overlaps "+formats.Quote(p.name), "")
		}
	}
	if len(order) > 0 && order[len(order)-1].end > start {
		return nil, a.fail(start, recordItem(order[len(order)-1].name), "ZIP_OVERLAP", "overlaps the zip directory", "")
	}
	return members, nil
}

func recordItem(name string) string { return "record " + formats.Quote(name) }

// directory finds the central directory [start, end) and its number of entries.
func (a *archive) directory() (start, end int64, n int, err error) {
	le := binary.LittleEndian
	fail := func(got string) (int64, int64, int, error) {
		return 0, 0, 0, a.fail(0, "zip directory", "ZIP_TRUNCATED", got, "a whole file; fetch it again")
	}
	at := int64(-1)
	for i := len(a.data) - endSize; i >= 0 && i >= len(a.data)-endSize-0xffff; i-- {
		if bytes.HasPrefix(a.data[i:], []byte("PK\x05\x06")) && i+endSize+int(le.Uint16(a.data[i+20:])) == len(a.data) {
			at = int64(i)
			break
		}
	}
	if at < 0 {
		return fail("no end record")
	}
	e := a.data[at:]
	if le.Uint16(e[4:]) != 0 || le.Uint16(e[6:]) != 0 {
		return fail("archive of several disks")
	}
	entries, size, offset := uint64(le.Uint16(e[10:])), uint64(le.Uint32(e[12:])), uint64(le.Uint32(e[16:]))
	if entries == 0xffff || size == 0xffffffff || offset == 0xffffffff {
		locator := at - locatorSize
		if locator < 0 || string(a.data[locator:locator+4]) != "PK\x06\x07" {
			return fail("no zip64 locator")
		}
		at64 := le.Uint64(a.data[locator+8:])
		if at64 > uint64(locator) || uint64(locator)-at64 < end64Size || string(a.data[at64:at64+4]) != "PK\x06\x06" {
			return fail("no zip64 end record")
		}
		e = a.data[at64:]
		entries, size, offset = le.Uint64(e[32:]), le.Uint64(e[40:]), le.Uint64(e[48:])
		at = int64(at64)
	}
	if offset > uint64(at) || size > uint64(at)-offset || entries > size/centralSize {
		return fail(fmt.Sprintf("directory of %d entries at [%d,+%d) in a file of %d bytes", entries, offset, size, len(a.data)))
	}
	return int64(offset), int64(offset + size), int(entries), nil
}

// member reads the directory entry at the start of dir, which stands at byte at,
// and the local header it points to; size is the entry's length.
func (a *archive) member(dir []byte, at int64) (r record, size int, err error) {
	le := binary.LittleEndian
	if len(dir) < centralSize || string(dir[:4]) != "PK\x01\x02" {
		return r, 0, a.fail(at, "zip directory", "ZIP_DIRECTORY", "no entry where one is due", "")
	}
	nameLen, extraLen, commentLen := int(le.Uint16(dir[28:])), int(le.Uint16(dir[30:])), int(le.Uint16(dir[32:]))
	size = centralSize + nameLen + extraLen + commentLen
	if size > len(dir) {
		return r, 0, a.fail(at, "zip directory", "ZIP_DIRECTORY", "entry runs past the directory", "")
	}
	r.name = string(dir[centralSize : centralSize+nameLen])
	r.crc = le.Uint32(dir[16:])
	item := recordItem(r.name)
	if r.name == "" || r.name[0] == '/' || strings.ContainsAny(r.name, "\\\x00") || slices.Contains(strings.Split(r.name, "/"), "..") {
		return r, 0, a.fail(at, item, "ZIP_NAME", "unsafe name", "a relative path")
	}
	if le.Uint16(dir[8:])&1 != 0 {
		return r, 0, a.fail(at, item, "ZIP_ENCRYPTED", "is encrypted", "a plain archive")
	}
	if method := le.Uint16(dir[10:]); method != 0 {
		return r, 0, a.fail(at, item, "ZIP_COMPRESSED", fmt.Sprintf("is compressed (method %d)", method), "a stored record, as torch.save writes it")
	}
	packed, plain, offset := uint64(le.Uint32(dir[20:])), uint64(le.Uint32(dir[24:])), uint64(le.Uint32(dir[42:]))
	extra := dir[centralSize+nameLen : centralSize+nameLen+extraLen]
	if !zip64(extra, &plain, &packed, &offset) {
		return r, 0, a.fail(at, item, "ZIP_DIRECTORY", "malformed extra field", "")
	}
	if packed != plain {
		return r, 0, a.fail(at, item, "ZIP_SIZE", fmt.Sprintf("stored size %d differs from size %d", packed, plain), "")
	}
	have := uint64(len(a.data))
	if offset > have || have-offset < localSize || string(a.data[offset:offset+4]) != "PK\x03\x04" {
		return r, 0, a.fail(at, item, "ZIP_LOCAL", fmt.Sprintf("no local header at %d", offset), "a whole file; fetch it again")
	}
	local := a.data[offset:]
	body := localSize + uint64(le.Uint16(local[26:])) + uint64(le.Uint16(local[28:]))
	if body > uint64(len(local)) || string(local[localSize:localSize+uint64(le.Uint16(local[26:]))]) != r.name || le.Uint16(local[8:]) != 0 || le.Uint16(local[6:])&1 != 0 {
		return r, 0, a.fail(int64(offset), item, "ZIP_LOCAL", "local header contradicts the directory", "")
	}
	if plain > uint64(len(local))-body {
		return r, 0, a.fail(int64(offset), item, "ZIP_TRUNCATED", fmt.Sprintf("%d bytes at %d in a file of %d", plain, offset+body, have), "a whole file; fetch it again")
	}
	r.start = int64(offset + body)
	r.end = r.start + int64(plain)
	return r, size, nil
}

// zip64 replaces each of the 32-bit fields that is all ones by the next 64-bit
// value of extra field 1, in this order, as APPNOTE 4.5.3 has it.
func zip64(extra []byte, fields ...*uint64) bool {
	var wide []byte
	for len(extra) > 0 {
		if len(extra) < 4 {
			return false
		}
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if n > len(extra)-4 {
			return false
		}
		if id == 1 {
			wide = extra[4 : 4+n]
		}
		extra = extra[4+n:]
	}
	for _, f := range fields {
		if *f != 0xffffffff {
			continue
		}
		if len(wide) < 8 {
			return false
		}
		*f = binary.LittleEndian.Uint64(wide)
		wide = wide[8:]
	}
	return true
}
