package cuda

import "lamina/kernels/cuda/internal/drv"

// scratch is memory of one call, in the order of its queue: what is launched after free
// may be given the same bytes.
type scratch struct {
	Ptr   drv.Ptr // 0 if the queue has failed, or for no bytes
	be    *Backend
	block *block
	epoch uint32
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
	return scratch{b.ptr, be, b, b.epoch}
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
	if s.block == nil {
		return
	}
	s.be.mu.Lock()
	defer s.be.mu.Unlock()
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
// the last one. Small ones lie in a ring, so that a step which is a graph may have them:
// the copy goes ahead of the step's launches, and no two tables of one step share bytes.
func (be *Backend) table(data []byte) scratch {
	be.mu.Lock()
	defer be.mu.Unlock()
	if len(data) == 0 || be.failed() {
		return scratch{}
	}
	if len(data) > tableSmall {
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
	if be.tableUsed+len(data) > tableRing {
		be.settle() // the bytes may be those of a table that noted launches want
		be.tableUsed = 0
	}
	at := be.tables.ptr + drv.Ptr(be.tableUsed)
	be.tableUsed += (len(data) + tableAlign - 1) / tableAlign * tableAlign
	be.upload(at, data)
	return scratch{Ptr: at}
}
