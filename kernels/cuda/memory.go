package cuda

import (
	"errors"
	"fmt"
	"sync/atomic"

	"lamina/kernels/cuda/internal/drv"
	"lamina/tensor"
)

// memory is what Alloc and Wrap hand out.
type memory struct {
	owner *Backend // the queue whose block it is
	block *block   // nil for no bytes
	epoch uint32   // of the block
	bytes int
	born  uint64        // the device's count of queues then
	used  atomic.Uint64 // other queues that have used it, by their index
	freed atomic.Bool
}

// Len returns the number of bytes.
func (m *memory) Len() int { return m.bytes }

// Free gives the bytes back, for use after the work issued before on any queue. A second
// call does nothing.
func (m *memory) Free() {
	if m.freed.Swap(true) || m.block == nil || m.owner.dev.closed.Load() {
		return
	}
	events := m.marks()
	be := m.owner
	be.mu.Lock()
	defer be.mu.Unlock()
	if err := m.block.give(m.epoch); err != nil {
		be.fail(err)
		return
	}
	if len(events) > 0 {
		be.pool.waiting = append(be.pool.waiting, waiting{m.block, events})
		return
	}
	be.pool.put(m.block)
}

// marks returns an event behind the work of each other queue that has used m.
func (m *memory) marks() (events []*drv.Event) {
	used := m.used.Load()
	if used == 0 {
		return nil
	}
	for _, other := range m.owner.dev.all() {
		if used&(1<<other.index) == 0 {
			continue
		}
		other.mu.Lock()
		other.settle()
		if e, err := other.mark(); err != nil {
			other.fail(err)
		} else {
			events = append(events, e)
		}
		other.mu.Unlock()
	}
	return events
}

// reach returns m's address for work on be, whose lock is held. Where m is another
// queue's and new to be, be waits for what that queue was given before, or the first
// write to m would come before its zeros.
func (be *Backend) reach(m *memory) (drv.Ptr, error) {
	if m.block == nil {
		return 0, nil
	}
	if m.freed.Load() || m.block.epoch != m.epoch {
		return 0, fmt.Errorf("used after it was freed: %d bytes of %v", m.bytes, m.block.tag)
	}
	if bit := uint64(1) << be.index; m.owner != be && m.used.Load()&bit == 0 {
		if m.used.Or(bit); m.owner != be.parent || m.born >= be.born {
			if err := be.follow(m.owner); err != nil {
				return 0, err
			}
		}
	}
	return m.block.ptr, nil
}

// follow makes what comes on be wait for what other was given so far.
func (be *Backend) follow(other *Backend) error {
	be.dev.capture.RLock() // or the mark would be part of what other captures
	e, err := other.mark()
	be.dev.capture.RUnlock()
	if err != nil {
		return err
	}
	defer be.dev.putEvent(e)
	if be.dev.with.DropWaits {
		return nil
	}
	return be.stream.Wait(e)
}

// mark records an event on be's stream.
func (be *Backend) mark() (*drv.Event, error) {
	e, err := be.dev.event()
	if err != nil {
		return nil, err
	}
	if err := be.stream.Record(e); err != nil {
		be.dev.putEvent(e)
		return nil, err
	}
	return e, nil
}

// Alloc returns zeroed memory aligned to 512 bytes, from what this queue has given back
// if it can, else from the driver. The error is a [*tensor.OutOfMemory] where there is
// no room.
func (be *Backend) Alloc(bytes int) (tensor.Memory, error) { return be.alloc(bytes, tagTensor) }

// AllocArena is Alloc for a [tensor.Arena]: out-of-memory errors tell what arenas hold.
func (be *Backend) AllocArena(bytes int, _ bool) (tensor.Memory, error) {
	return be.alloc(bytes, tagArena)
}

func (be *Backend) alloc(bytes int, t tag) (tensor.Memory, error) {
	be.mu.Lock()
	defer be.mu.Unlock()
	m, err := be.claim(bytes, t)
	if err != nil || m.block == nil || be.failed() {
		return m, err
	}
	be.settle() // noted launches may still need what the bytes were before
	be.fail(be.stream.Fill8(m.block.ptr, 0, int64(bytes)))
	return m, nil
}

// claim returns memory with undefined contents. The lock is held.
func (be *Backend) claim(bytes int, t tag) (*memory, error) {
	if bytes < 0 {
		panic(fmt.Sprintf("cuda: Alloc: negative size %d", bytes))
	}
	if be.dev.closed.Load() {
		return nil, errors.New(be.dev.name + ": closed")
	}
	m := &memory{owner: be, bytes: bytes, born: be.dev.queuesMade.Load()}
	if bytes == 0 {
		return m, nil
	}
	b, err := be.pool.take(int64(bytes), t)
	if err != nil {
		return nil, err
	}
	m.block, m.epoch = b, b.epoch
	return m, nil
}

// Wrap copies data to the device, in its storage type, through pinned memory.
func (be *Backend) Wrap(data []byte) (tensor.Memory, error) {
	be.mu.Lock()
	defer be.mu.Unlock()
	m, err := be.claim(len(data), tagWeight)
	if err != nil || m.block == nil {
		return m, err
	}
	be.settle()
	be.upload(m.block.ptr, data)
	return m, nil
}

// Memory returns what can still be had, cached memory included, and what there is.
func (be *Backend) Memory() (free, total int64) {
	free, total, err := be.dev.drv.MemInfo()
	if err != nil {
		return 0, 0
	}
	return free + be.dev.usage.cached(), total
}
