package train

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"

	"lamina/internal/files"
	"lamina/internal/units"
	"lamina/tensor"
)

// Prefix keeps the streams that enter the lowest place which trains: below it all is
// frozen, so that of a row of tokens they are the same in every epoch, and need be computed
// once. They have the bits that they would have been computed to: F32, and rows do not
// depend on their neighbours in a batch. Objectives hold it ([NextToken.Keep]), and those of
// several runs may hold one: what it keeps is known by the fingerprint of what is frozen
// and by the tokens, and goes when another decoder's streams are asked for.
//
//	prefix := &train.Prefix{Memory: 1 << 30, Disk: 8 << 30, Dir: "run"}
//	defer prefix.Close()
//	place, err := objective.Keep(prefix, trainer.Params)
//
// A row goes into memory as long as there is room, then into a file, else it is computed
// each time. It is not for concurrent use.
type Prefix struct {
	Memory int              // bytes of streams in memory
	Disk   int              // bytes of those beyond, in a file in Dir while it is open
	Dir    string           // "": none on disk
	Note   func(why string) // told, in a line, where the disk is full or damaged; may be nil

	of     string // fingerprint of what made the rows
	rows   map[rowKey]*keptRow
	memory int
	disk   *files.Scratch
	failed bool   // nothing more goes to the disk
	buffer []byte // of a row from disk
	use    PrefixUse
}

// PrefixUse is what came of it.
type PrefixUse struct {
	Place    int `json:"place"`    // that the streams enter
	Memory   int `json:"memory"`   // bytes at the most
	Disk     int `json:"disk"`     // likewise
	Computed int `json:"computed"` // rows that ran
	Read     int `json:"read"`     // rows that were there
}

// String shows it to people, in a line.
func (u PrefixUse) String() string {
	where := units.Bytes(u.Memory) + " in memory"
	if u.Disk > 0 {
		where += ", " + units.Bytes(u.Disk) + " on disk"
	}
	return fmt.Sprintf("streams before place %d kept (%s): %s of %s rows were not computed again",
		u.Place, where, units.Count(u.Read), units.Count(u.Read+u.Computed))
}

// rowKey is the digest of a row's tokens.
type rowKey [sha256.Size]byte

// keptRow is a stream [n D], in memory or on disk.
type keptRow struct {
	data  []byte
	at    int64
	bytes int
	sum   uint32 // of what lies on disk
}

// rowBytes is what a row takes in memory beside its stream.
const rowBytes = 160

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func keyOf(tokens []int32) rowKey { return sha256.Sum256(tensor.Bytes(tokens)) }

// begin makes ready for rows that something else made: what is kept of others goes.
func (c *Prefix) begin(print string, place int) {
	if c.of == print {
		return
	}
	c.forget()
	c.of, c.rows, c.use.Place = print, map[rowKey]*keptRow{}, place
}

// load fills a stream with the row that was kept, and reports whether there was one.
func (c *Prefix) load(key rowKey, x tensor.Tensor) bool {
	row := c.rows[key]
	switch {
	case row == nil:
		return false
	case row.data == nil:
		if cap(c.buffer) < row.bytes {
			c.buffer = make([]byte, row.bytes)
		}
		data := c.buffer[:row.bytes]
		err := c.disk.Read(row.at, data)
		if err == nil && crc32.Checksum(data, castagnoli) != row.sum {
			err = fmt.Errorf("%s: a stream that lay there is not what was written", c.Dir)
		}
		if err != nil {
			c.fail(err)
			return false
		}
		x.SetRaw(data)
	default:
		x.SetRaw(row.data)
	}
	c.use.Read++
	return true
}

// store keeps a row, where there is room.
func (c *Prefix) store(key rowKey, x tensor.Tensor) {
	if c.use.Computed++; c.rows[key] != nil {
		return
	}
	switch size := x.Bytes(); {
	case c.memory+size+rowBytes <= c.Memory:
		c.rows[key] = &keptRow{data: x.Raw(), bytes: size}
		c.memory += size + rowBytes
		c.use.Memory = max(c.use.Memory, c.memory)
	case c.failed || c.Dir == "" || c.Disk == 0:
	default:
		data := x.Raw()
		at, err := c.spill(data)
		switch {
		case errors.Is(err, files.ErrNoRoom): // as much is there as was asked for
			return
		case err != nil:
			c.full(err)
			return
		}
		c.rows[key] = &keptRow{at: at, bytes: size, sum: crc32.Checksum(data, castagnoli)}
		c.use.Disk = max(c.use.Disk, int(c.disk.Size()))
	}
}

// spill writes a row behind the others on disk.
func (c *Prefix) spill(data []byte) (at int64, err error) {
	if c.disk == nil {
		if c.disk, err = files.NewScratch(c.Dir, "streams", int64(c.Disk)); err != nil {
			return 0, err
		}
	}
	return c.disk.Append(data)
}

// full ends writing to the disk: what lies there stays.
func (c *Prefix) full(err error) {
	c.failed = true
	if c.Note != nil {
		c.Note(fmt.Sprintf("%v: streams of frozen places for which there is no room are computed each time; the same numbers come out", err))
	}
}

// fail ends the use of the disk: no row that lies there is asked for again.
func (c *Prefix) fail(err error) {
	for key, row := range c.rows {
		if row.data == nil {
			delete(c.rows, key)
		}
	}
	c.full(err)
	c.disk.Close()
	c.disk = nil
}

// forget gives back memory and disk.
func (c *Prefix) forget() {
	c.of, c.rows, c.memory, c.buffer, c.failed = "", nil, 0, nil, false
	c.disk.Close()
	c.disk = nil
}

// Use says what came of it so far.
func (c *Prefix) Use() PrefixUse { return c.use }

// Close gives back memory and disk. A nil prefix holds nothing.
func (c *Prefix) Close() {
	if c != nil {
		c.forget()
	}
}

// need returns how many bytes of memory, and of disk, the rows of objectives take at most
// that hold c, each once.
func (c *Prefix) need(objectives ...*NextToken) (memory, disk int) {
	seen, all := map[rowKey]bool{}, 0
	for _, o := range objectives {
		for _, s := range o.sequences {
			if key := keyOf(s.Tokens[:s.read()]); !seen[key] {
				seen[key] = true
				all += tensor.F32.Bytes(s.read()*o.decoder.Config.Width) + rowBytes
			}
		}
	}
	memory = min(all, c.Memory)
	if c.Dir != "" {
		disk = min(all-memory, c.Disk)
	}
	return memory, disk
}
