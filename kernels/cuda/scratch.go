package cuda

import "lamina/kernels/cuda/internal/drv"

// scratch is memory of one call, in the order of its queue: what is launched after free
// may be given the same bytes.
type scratch struct {
	Ptr   drv.Ptr // 0 if the queue has failed, or for no bytes
	be    *Backend
	block *block
	epoch uint32
	ring  bool // of the ring of tables
}

// scratch returns bytes with undefined contents, aligned to 512. Without room the queue
// fails, and what is launched is lost.
func (be *Backend) scratch(bytes int) scratch {
	be.mu.Lock()
	defer be.mu.Unlock()
	return be.scratchLocked(bytes)
}

func (be *Backend) scratchLocked(bytes int) scratch {
	if bytes == 0 || be.failed() {
		return scratch{}
	}
	b, err := be.pool.take(int64(bytes), tagScratch)
	if err != nil {
		be.fail(err)
		return scratch{}
	}
	return scratch{Ptr: b.ptr, be: be, block: b, epoch: b.epoch}
}

// offset is the address so many bytes into s, 0 if s has none.
func (s scratch) offset(bytes int) drv.Ptr {
	if s.Ptr == 0 {
		return 0
	}
	return s.Ptr + drv.Ptr(bytes)
}

// free gives the bytes back. A second call is an error of the queue.
func (s scratch) free() {
	if s.be == nil {
		return
	}
	s.be.mu.Lock()
	defer s.be.mu.Unlock()
	if s.ring {
		s.be.tablesOut--
		return
	}
	if err := s.block.give(s.epoch); err != nil {
		s.be.fail(err)
		return
	}
	s.be.pool.put(s.block)
}

const (
	tableRing  = 1 << 20 // bytes on the device for small tables
	tableSmall = 1 << 16
	tableAlign = 256
)

// table returns a copy of data on the device, for launches that follow; free it after
// the last one, and once. Small ones lie in a ring, so that a step which is a graph may have them:
// the copy goes ahead of the step's launches, and no two tables of one step share bytes.
func (be *Backend) table(data []byte) scratch {
	be.mu.Lock()
	defer be.mu.Unlock()
	if len(data) == 0 || be.failed() {
		return scratch{}
	}
	if be.tableUsed+len(data) > tableRing {
		be.settle() // its bytes may be those of tables that noted launches want
		be.rewind()
	}
	if len(data) > tableSmall || be.tableUsed+len(data) > tableRing {
		be.settle()
		s := be.scratchLocked(len(data))
		if s.block != nil {
			be.upload(s.Ptr, data)
		}
		return s
	}
	if be.tables == nil {
		b, err := be.pool.take(tableRing, tagTable)
		if err != nil {
			be.fail(err)
			return scratch{}
		}
		be.tables = b
	}
	at := be.tables.ptr + drv.Ptr(be.tableUsed)
	be.tableUsed += int(roundUp(int64(len(data)), tableAlign))
	be.tablesOut++
	be.upload(at, data)
	return scratch{Ptr: at, be: be, ring: true}
}

// rewind begins the ring of tables anew, unless a table is in use whose launch is still
// to come. The lock is held.
func (be *Backend) rewind() {
	if be.tablesOut == 0 {
		be.tableUsed = 0
	}
}
