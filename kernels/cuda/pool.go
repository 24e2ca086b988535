package cuda

import (
	"cmp"
	"fmt"
	"slices"

	"lamina/kernels/cuda/internal/drv"
)

// The allocator's measures, in bytes: those that PyTorch's has.
const (
	blockAlign   = 512
	smallMost    = 1 << 20  // up to here a block comes from a small segment
	smallSegment = 2 << 20  // taken from the driver at once for small blocks
	largeSegment = 10 << 20 // and at least for large ones, in multiples of
	largeAlign   = 2 << 20
	guardBytes   = 512 // behind each block in poison mode
	guardByte    = 0xA5
	poisonByte   = 0xFF
)

// block is a run of bytes of a segment, in use or free. Blocks of a segment are a list
// in the order of addresses; free neighbours are one.
type block struct {
	ptr        drv.Ptr
	size       int64 // multiple of blockAlign
	asked      int64 // of size, while in use; behind them lies the guard
	tag        tag
	prev, next *block
	small      bool
	free       bool
	guarded    bool
	epoch      uint32 // counts how often the block was given back
}

// give ends the use that began in an epoch: an error if that has ended before.
func (b *block) give(epoch uint32) error {
	if b.epoch != epoch {
		return fmt.Errorf("stale free: %d bytes of %v at %#x were given back %d times since", b.asked, b.tag, uint64(b.ptr), b.epoch-epoch)
	}
	b.epoch++
	return nil
}

// pool is the memory that a queue has from the driver: blocks that are free can be used
// again at once, since the work on them goes in the queue's order. The queue's lock
// guards it.
type pool struct {
	be       *Backend
	small    []*block // free, by size and address
	large    []*block
	waiting  []waiting
	spare    []*block  // that stand for nothing
	segments []drv.Ptr // from the driver
}

// waiting is a block that was given back while other queues still used it: free once the
// events, one of each, are done.
type waiting struct {
	block  *block
	events []*drv.Event
}

func bySize(a, b *block) int {
	return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.ptr, b.ptr))
}

func (p *pool) list(small bool) *[]*block {
	if small {
		return &p.small
	}
	return &p.large
}

// take returns a block for so many bytes, with undefined contents: the smallest that is
// free and large enough, or one from the driver. The error is an out-of-memory error, or
// the driver's.
func (p *pool) take(bytes int64, t tag) (*block, error) {
	size := roundUp(max(bytes, 1), blockAlign)
	if p.be.dev.options.Poison {
		size += guardBytes
	}
	p.collect()
	small := size <= smallMost
	b := p.fit(size, small)
	if b == nil {
		var err error
		if b, err = p.grow(size, small, bytes); err != nil {
			return nil, err
		}
	}
	p.split(b, size)
	b.free, b.asked, b.tag = false, bytes, t
	p.be.dev.usage.add(t, b)
	p.guard(b)
	return b, nil
}

// fit removes the smallest block that is large enough from the free ones; nil for none.
func (p *pool) fit(size int64, small bool) *block {
	list := p.list(small)
	i, _ := slices.BinarySearchFunc(*list, size, func(b *block, size int64) int { return cmp.Or(cmp.Compare(b.size, size), 1) })
	if i == len(*list) {
		return nil
	}
	b := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return b
}

// split cuts off what a block has beyond size, where it is worth a block of its own.
func (p *pool) split(b *block, size int64) {
	rest := b.size - size
	if rest < blockAlign || !b.small && rest <= smallMost {
		return
	}
	after := p.spareBlock()
	*after = block{ptr: b.ptr + drv.Ptr(size), size: rest, prev: b, next: b.next, small: b.small, free: true, epoch: after.epoch}
	if b.next != nil {
		b.next.prev = after
	}
	b.next, b.size = after, size
	p.insert(after)
}

// spareBlock returns a block that another one has taken in, or a new one.
func (p *pool) spareBlock() *block {
	n := len(p.spare)
	if n == 0 {
		return new(block)
	}
	b := p.spare[n-1]
	p.spare = p.spare[:n-1]
	return b
}

func (p *pool) insert(b *block) {
	list := p.list(b.small)
	i, _ := slices.BinarySearchFunc(*list, b, bySize)
	*list = slices.Insert(*list, i, b)
}

func (p *pool) remove(b *block) {
	list := p.list(b.small)
	if i, ok := slices.BinarySearchFunc(*list, b, bySize); ok {
		*list = slices.Delete(*list, i, i+1)
	}
}

// put makes a block that was given back free, and one with its free neighbours.
func (p *pool) put(b *block) {
	p.spoil(b)
	p.be.dev.usage.remove(b)
	b.free = true
	if n := b.next; n != nil && n.free {
		p.remove(n)
		p.join(b, n)
	}
	if q := b.prev; q != nil && q.free {
		p.remove(q)
		p.join(q, b)
		b = q
	}
	p.insert(b)
}

// join takes in the free neighbour behind b. What stood for it may stand for another
// block later on, in an epoch of its own.
func (p *pool) join(b, n *block) {
	b.size += n.size
	if b.next = n.next; b.next != nil {
		b.next.prev = b
	}
	p.spare = append(p.spare, n)
}

// collect makes blocks free that other queues are done with.
func (p *pool) collect() {
	p.waiting = slices.DeleteFunc(p.waiting, func(w waiting) bool {
		for _, e := range w.events {
			if done, err := e.Done(); err != nil || !done {
				return false
			}
		}
		p.settled(w)
		return true
	})
}

// settled ends a wait.
func (p *pool) settled(w waiting) {
	for _, e := range w.events {
		p.be.dev.putEvent(e)
	}
	p.put(w.block)
}

// await is collect that waits.
func (p *pool) await() {
	for _, w := range p.waiting {
		for _, e := range w.events {
			if err := e.Sync(); err != nil {
				p.be.fail(err)
			}
		}
		p.settled(w)
	}
	p.waiting = nil
}

// guard writes what must still stand behind the block when it is given back. A step that
// is noted is left alone: its launches may still have to use the bytes.
func (p *pool) guard(b *block) {
	b.guarded = p.be.dev.options.Poison && !p.be.step.noting && !p.be.failed()
	if b.guarded {
		p.be.fail(p.be.stream.Fill8(b.ptr+drv.Ptr(b.asked), guardByte, b.size-b.asked))
	}
}

// spoil looks at the guard, by the next Sync, and fills the block with ones, which read
// as NaN.
func (p *pool) spoil(b *block) {
	if !p.be.dev.options.Poison || p.be.step.noting || p.be.failed() {
		return
	}
	if b.guarded {
		n := min(int(b.size-b.asked), guardBytes)
		p.be.fetch(arrival{n: n, guards: b.tag, size: b.asked}, b.ptr+drv.Ptr(b.asked))
	}
	p.be.fail(p.be.stream.Fill8(b.ptr, poisonByte, b.size))
}

func roundUp(n, to int64) int64 { return (n + to - 1) / to * to }
