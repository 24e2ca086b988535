package tensor

import (
	"fmt"
	"math"
	"math/bits"
)

// Arena hands out the tensors of one pass: activations, gradients, scratch. It
// takes memory from its device in a few large chunks, gives it back to itself
// as tensors are freed, and returns everything at Reset; after the largest pass
// has run once it asks its device for nothing. [Arena.Close] gives the chunks back.
//
// A tensor lives until one of two things: its scope ends while nothing holds it
// ([Arena.Begin], [Arena.End]), or its last [Arena.Release] after a
// [Arena.Retain]. An arena belongs to one pass and is not for concurrent use.
type Arena struct {
	dev    Device
	chunks []Memory
	chunk  int // index of the chunk being bumped
	bump   int // bytes used of it

	free   [classes][]*Block
	blocks []*Block // every block ever made, reused after Reset
	made   int      // blocks in use since Reset
	scope  []*Block // blocks of open scopes, innermost last

	inUse, peak int
	extent      int // bytes laid out since Reset
	wanted      int // size of the chunk that is to replace those that Reset gave back
	// ChunkBytes is the least that is asked of the device at once; 0 means 32 MiB. With
	// 1 every tensor asks for itself, which shows who survives a refusal.
	ChunkBytes int
	// Poison fills freed memory with NaN, so that a read after free shows. For
	// tests on host devices.
	Poison bool
}

// Block is the bookkeeping of one arena allocation.
type Block struct {
	mem    Memory
	off    int
	class  int
	bytes  int // as asked for
	refs   int
	scoped bool
	freed  bool
}

const (
	chunkBytes = 32 << 20
	classes    = 4 * 48
)

// NewArena returns an empty arena on dev.
func NewArena(dev Device) *Arena { return &Arena{dev: dev} }

// Reserve makes room for about bytes in all, so that a pass of that size asks its
// device for nothing.
func (a *Arena) Reserve(bytes int) error {
	if a.Capacity() >= bytes {
		return nil
	}
	return a.grow(bytes - a.Capacity())
}

func (a *Arena) leastChunk() int {
	if a.ChunkBytes == 0 {
		return chunkBytes
	}
	return a.ChunkBytes
}

// arenas is a device that has memory of its own for arenas, or counts it apart. AllocArena is
// its Alloc, but for what the memory holds: nothing that is defined. first says that the arena
// has no other chunk.
type arenas interface {
	AllocArena(bytes int, first bool) (Memory, error)
}

// grow takes a chunk of at least bytes from the device.
func (a *Arena) grow(bytes int) error {
	bytes = max(bytes, a.wanted)
	var chunk Memory
	var err error
	if d, ok := a.dev.(arenas); ok {
		chunk, err = d.AllocArena(bytes, len(a.chunks) == 0)
	} else {
		chunk, err = a.dev.Alloc(bytes)
	}
	if err != nil {
		return err
	}
	a.chunks, a.wanted = append(a.chunks, chunk), 0
	return nil
}

// Capacity returns the bytes taken from the device.
func (a *Arena) Capacity() int {
	n := 0
	for _, c := range a.chunks {
		n += c.Len()
	}
	return n
}

// Extent returns the bytes that the tensors since Reset have laid claim to, freed ones
// and rounding included: an arena that has reserved as many asks its device for
// nothing in the same pass.
func (a *Arena) Extent() int { return a.extent }

// InUse returns the bytes of live tensors: sizes as asked for, so that a formula
// can be held against them.
func (a *Arena) InUse() int { return a.inUse }

// Peak returns the largest InUse since the arena was made or ResetPeak.
func (a *Arena) Peak() int { return a.peak }

// ResetPeak starts a new maximum.
func (a *Arena) ResetPeak() { a.peak = a.inUse }

// sizeClass rounds bytes up to a quarter step of a power of two and returns the
// class index and its size: at most a fifth of a block is unused.
func sizeClass(bytes int) (class, size int) {
	n := max((bytes+hostAlign-1)/hostAlign, 4)
	shift := bits.Len(uint(n-1)) - 3 // n-1 in [4·2^shift, 8·2^shift)
	if shift < 0 {
		shift = 0
	}
	q := (n + (1 << shift) - 1) >> shift // 4..8
	if q == 8 {
		q, shift = 4, shift+1
	}
	return 4*shift + q - 4, q << shift * hostAlign
}

// New returns a tensor with undefined contents in the innermost open scope. The
// error is the device's, and leaves the arena as it was.
func (a *Arena) New(d DType, shape ...int) (Tensor, error) {
	t := header("Arena.New", d, shape)
	b, err := a.alloc(d.Bytes(t.Len()))
	if err != nil {
		return Tensor{}, err
	}
	a.inUse += b.bytes
	a.peak = max(a.peak, a.inUse)
	b.scoped = true
	a.scope = append(a.scope, b)
	t.dev, t.mem, t.off, t.block = a.dev, b.mem, b.off, b
	return t, nil
}

func (a *Arena) alloc(bytes int) (*Block, error) {
	class, size := sizeClass(bytes)
	if b := a.reuse(class, bytes); b != nil {
		return b, nil
	}
	chunk, bump := a.chunk, a.bump
	for chunk < len(a.chunks) && bump+size > a.chunks[chunk].Len() {
		chunk, bump = chunk+1, 0
	}
	if chunk == len(a.chunks) {
		// A larger block than needed, before more is asked of the device.
		for larger := class + 1; larger < classes; larger++ {
			if b := a.reuse(larger, bytes); b != nil {
				return b, nil
			}
		}
		if err := a.grow(max(a.leastChunk(), size)); err != nil {
			return nil, err
		}
	}
	a.chunk, a.bump = chunk, bump+size
	a.extent += size
	if a.made == len(a.blocks) {
		a.blocks = append(a.blocks, new(Block))
	}
	b := a.blocks[a.made]
	a.made++
	*b = Block{mem: a.chunks[chunk], off: bump, class: class, bytes: bytes}
	return b, nil
}

// Retain keeps t beyond its scope until a matching Release. It does nothing for
// memory that is not the arena's.
func (a *Arena) Retain(t Tensor) {
	if t.block != nil {
		if t.block.freed {
			panic(fmt.Sprintf("tensor: Retain: %v is freed", t))
		}
		t.block.refs++
	}
}

// Release undoes one Retain; the last one frees t if its scope has ended.
func (a *Arena) Release(t Tensor) {
	b := t.block
	if b == nil {
		return
	}
	if b.refs--; b.refs < 0 {
		panic(fmt.Sprintf("tensor: Release: %v was not retained", t))
	}
	if b.refs == 0 && !b.scoped {
		a.drop(b)
	}
}

// Held reports whether more than one Retain holds t, or it is not the arena's:
// then the one who retained it must not write to it.
func (a *Arena) Held(t Tensor) bool { return t.block == nil || t.block.refs > 1 }

// Begin opens a scope and returns its mark for End.
func (a *Arena) Begin() int { return len(a.scope) }

// End closes the scope that began at mark: tensors made in it that are neither
// kept nor retained are freed; kept ones move to the scope outside.
func (a *Arena) End(mark int, keep ...Tensor) {
	inner := a.scope[mark:]
	a.scope = a.scope[:mark]
	for _, b := range inner {
		if holds(keep, b) {
			a.scope = append(a.scope, b)
			continue
		}
		b.scoped = false
		if b.refs == 0 {
			a.drop(b)
		}
	}
}

// reuse returns a freed block of a class, or nil.
func (a *Arena) reuse(class, bytes int) *Block {
	n := len(a.free[class])
	if n == 0 {
		return nil
	}
	b := a.free[class][n-1]
	a.free[class] = a.free[class][:n-1]
	b.bytes, b.refs, b.freed = bytes, 0, false
	return b
}

func holds(keep []Tensor, b *Block) bool {
	for _, t := range keep {
		if t.block == b {
			return true
		}
	}
	return false
}

func (a *Arena) drop(b *Block) {
	b.freed = true
	a.inUse -= b.bytes
	a.free[b.class] = append(a.free[b.class], b)
	if a.Poison {
		poison(b)
	}
}

func poison(b *Block) {
	if m, ok := b.mem.(*HostMemory); ok {
		words := View[uint32](m.Data[b.off : b.off+b.bytes/4*4])
		for i := range words {
			words[i] = math.Float32bits(float32(math.NaN()))
		}
	}
}

// Reset frees every tensor. Chunks that a growing pass left in pieces go back to the
// device, and the next tensor takes one of their size, so that a pass like the last
// fits without a gap.
func (a *Arena) Reset() {
	if a.Poison {
		for _, b := range a.blocks[:a.made] {
			poison(b)
		}
	}
	if len(a.chunks) > 1 {
		a.wanted = a.Capacity()
		a.giveBack()
	}
	a.forget()
}

// Close frees every tensor and gives the memory back to the device. The arena can
// be used again, and begins with none.
func (a *Arena) Close() {
	a.giveBack()
	a.forget()
	a.wanted = 0
}

// giveBack frees the chunks.
func (a *Arena) giveBack() {
	for _, b := range a.blocks {
		b.mem = nil // or it would keep the chunk alive
	}
	for _, c := range a.chunks {
		c.Free()
	}
	clear(a.chunks)
	a.chunks = a.chunks[:0]
}

// forget begins anew on the chunks there are.
func (a *Arena) forget() {
	for i := range a.free {
		a.free[i] = a.free[i][:0]
	}
	a.chunk, a.bump, a.made, a.inUse, a.extent = 0, 0, 0, 0, 0
	a.scope = a.scope[:0]
}
