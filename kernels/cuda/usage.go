package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"lamina/kernels/cuda/internal/drv"
	"lamina/tensor"
)

// tag says what memory was asked for.
type tag uint8

const (
	tagTensor tag = iota
	tagWeight
	tagArena
	tagScratch
	tagTable
	tagPinned // the host's, for copies
	numTags
)

var tagNames = [numTags]string{"tensors", "weights", "arenas", "scratch", "tables", "pinned"}

func (t tag) String() string { return tagNames[t] }

// usage counts a device's memory in bytes.
type usage struct {
	held     [numTags]atomic.Int64 // asked for, and not given back
	blocks   atomic.Int64          // in blocks in use, rounding included
	reserved atomic.Int64          // from the driver
	scratch  atomic.Int64          // the most of tagScratch and tagTable at once
	asked    atomic.Int64          // of held, the device's
	most     atomic.Int64          // of asked at once
}

func (u *usage) add(t tag, b *block) {
	u.held[t].Add(b.asked)
	u.blocks.Add(b.size)
	raise(&u.most, u.asked.Add(b.asked))
	if t == tagScratch || t == tagTable {
		raise(&u.scratch, u.held[tagScratch].Load()+u.held[tagTable].Load())
	}
}

// raise makes most now, where that is more.
func raise(most *atomic.Int64, now int64) {
	for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
	}
}

func (u *usage) remove(b *block) {
	u.held[b.tag].Add(-b.asked)
	u.asked.Add(-b.asked)
	u.blocks.Add(-b.size)
}

// cached returns the bytes that the driver has given and nobody uses.
func (u *usage) cached() int64 { return u.reserved.Load() - u.blocks.Load() }

// grow takes a segment from the driver and returns it as one block. Where there is no
// room it gives back what is cached, and asks once more.
func (p *pool) grow(size int64, small bool, wanted int64) (*block, error) {
	segment := int64(smallSegment)
	if !small {
		segment = max(largeSegment, roundUp(size, largeAlign))
	}
	dev := p.be.dev
	ptr, err := dev.driverAlloc(segment)
	if errors.Is(err, drv.ErrOOM) {
		dev.trim(p.be)
		if b := p.fit(size, small); b != nil { // what another queue was done with
			return b, nil
		}
		ptr, err = dev.driverAlloc(segment)
	}
	switch {
	case errors.Is(err, drv.ErrOOM):
		return nil, dev.outOfMemory(wanted)
	case err != nil:
		return nil, fmt.Errorf("%d bytes of memory: %w", segment, err)
	}
	p.segments = append(p.segments, ptr)
	return &block{ptr: ptr, size: segment, small: small, free: true}, nil
}

func (d *device) driverAlloc(bytes int64) (drv.Ptr, error) {
	d.capture.RLock()
	defer d.capture.RUnlock()
	p, err := d.drv.Alloc(bytes)
	if err == nil {
		d.usage.reserved.Add(bytes)
	}
	return p, err
}

func (d *device) driverFree(segment drv.Ptr) error {
	d.capture.RLock()
	defer d.capture.RUnlock()
	return d.drv.Free(segment)
}

// trim gives cached segments back to the driver: those of be, whose lock is held, and of
// the queues that are at rest.
func (d *device) trim(be *Backend) {
	be.pool.trim()
	for _, other := range d.all() {
		if other != be && other.mu.TryLock() {
			other.pool.trim()
			other.mu.Unlock()
		}
	}
}

// trim gives back the segments of which no part is in use, once the queue has done its
// work.
func (p *pool) trim() {
	p.be.settle()
	if err := p.be.stream.Sync(); err != nil {
		p.be.fail(err)
		return
	}
	p.await()
	for _, list := range []*[]*block{&p.small, &p.large} {
		*list = slices.DeleteFunc(*list, func(b *block) bool {
			if b.prev != nil || b.next != nil {
				return false
			}
			p.segments = slices.DeleteFunc(p.segments, func(s drv.Ptr) bool { return s == b.ptr })
			p.be.dev.usage.reserved.Add(-b.size)
			p.be.fail(p.be.dev.driverFree(b.ptr))
			return true
		})
	}
}

// outOfMemory says who holds what.
func (d *device) outOfMemory(wanted int64) error {
	e := &tensor.OutOfMemory{Device: d.name, Wanted: wanted, Cached: d.usage.cached()}
	if free, _, err := d.drv.MemInfo(); err == nil {
		e.Free = free
	}
	for t := range numTags {
		n := d.usage.held[t].Load()
		if t != tagPinned {
			e.Held += n
		}
		if n > 0 {
			e.By = append(e.By, tensor.Use{What: t.String(), Bytes: n})
		}
	}
	slices.SortStableFunc(e.By, func(a, b tensor.Use) int { return cmp.Compare(b.Bytes, a.Bytes) })
	e.By = e.By[:min(len(e.By), 5)]
	return e
}
