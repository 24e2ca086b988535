package cuda

import (
	"bytes"
	"fmt"

	"lamina/kernels/cuda/internal/drv"
	"lamina/tensor"
)

// stage is the pinned memory that copies go through, in two halves: while the queue
// still reads or writes one, the host fills or empties the other. Nothing waits until
// both are full.
type stage struct {
	half [2]pinned
	now  int // half in use
	size int // bytes of each
}

// pinned is a half.
type pinned struct {
	host     *drv.Host
	used     int
	event    *drv.Event // behind its last copy, once the other half is in use
	recorded bool
	arrivals []arrival
}

// arrival is what a copy from the device brings to the host once it is done: n bytes
// from offset at for dst, or, without dst, a guard that must be as it was.
type arrival struct {
	dst    []byte
	at, n  int
	guards tag   // what the guard stands behind
	size   int64 // its bytes
}

const stageAlign = 64

// room returns a half and an offset in it for n bytes, at most its size. The lock is
// held.
func (be *Backend) room(n int) (*pinned, int, bool) {
	s := &be.stage
	h := &s.half[s.now]
	if h.host != nil && h.used+n > s.size {
		if h.event == nil {
			e, err := be.dev.event()
			if err != nil {
				be.fail(err)
				return nil, 0, false
			}
			h.event = e
		}
		be.fail(be.stream.Record(h.event))
		h.recorded = true
		s.now ^= 1
		h = &s.half[s.now]
		if h.recorded {
			be.fail(h.event.Sync())
			be.deliver(h)
		}
	}
	if h.host == nil {
		host, err := be.dev.pin(s.size)
		if err != nil {
			be.fail(err)
			return nil, 0, false
		}
		h.host = host
	}
	if be.failed() {
		return nil, 0, false
	}
	at := h.used
	h.used += (n + stageAlign - 1) / stageAlign * stageAlign
	return h, at, true
}

// deliver hands out what a half has brought, and empties it.
func (be *Backend) deliver(h *pinned) {
	for _, a := range h.arrivals {
		from := h.host.Bytes()[a.at : a.at+a.n]
		switch {
		case a.dst != nil:
			copy(a.dst, from)
		case len(bytes.Trim(from, string([]byte{guardByte}))) > 0:
			be.fail(fmt.Errorf("guard bytes behind %d bytes of %v were written to", a.size, a.guards))
		}
	}
	clear(h.arrivals)
	h.arrivals, h.used, h.recorded = h.arrivals[:0], 0, false
}

// upload copies data to the device. The lock is held.
func (be *Backend) upload(dst drv.Ptr, data []byte) {
	for len(data) > 0 {
		n := min(len(data), be.stage.size)
		h, at, ok := be.room(n)
		if !ok {
			return
		}
		copy(h.host.Bytes()[at:], data[:n])
		if err := be.stream.CopyIn(dst, h.host, at, n); err != nil {
			be.fail(fmt.Errorf("upload of %d bytes: %w", n, err))
			return
		}
		dst, data = dst+drv.Ptr(n), data[n:]
	}
}

// fetch copies a.n bytes, at most a half, for an arrival. The lock is held.
func (be *Backend) fetch(a arrival, src drv.Ptr) bool {
	h, at, ok := be.room(a.n)
	if !ok {
		return false
	}
	if err := be.stream.CopyOut(h.host, at, src, a.n); err != nil {
		be.fail(fmt.Errorf("download of %d bytes: %w", a.n, err))
		return false
	}
	a.at = at
	h.arrivals = append(h.arrivals, a)
	return true
}

// place returns the address of n bytes of a memory.
func (be *Backend) place(op string, mem tensor.Memory, offset, n int) (drv.Ptr, bool) {
	m, ok := mem.(*memory)
	if !ok || m.owner.dev != be.dev {
		panic(fmt.Sprintf("cuda: %s: memory of another device: %T", op, mem))
	}
	if offset < 0 || offset+n > m.bytes {
		panic(fmt.Sprintf("cuda: %s: bytes [%d:%d) of %d", op, offset, offset+n, m.bytes))
	}
	at, err := be.reach(m)
	if err != nil {
		be.fail(fmt.Errorf("%s: %w", op, err))
		return 0, false
	}
	return at + drv.Ptr(offset), true
}

// Upload copies src into dst. src is the caller's again at once: it lies in pinned memory
// by then.
func (be *Backend) Upload(dst tensor.Memory, offset int, src []byte) {
	be.mu.Lock()
	defer be.mu.Unlock()
	if be.failed() || len(src) == 0 {
		return
	}
	be.settle()
	if at, ok := be.place("Upload", dst, offset, len(src)); ok {
		be.upload(at, src)
	}
}

// Download copies out of src into dst, which holds the bytes after Sync; ones if the
// queue has failed by then.
func (be *Backend) Download(dst []byte, src tensor.Memory, offset int) {
	be.mu.Lock()
	defer be.mu.Unlock()
	if len(dst) == 0 {
		return
	}
	if be.failed() {
		ones(dst)
		return
	}
	be.settle()
	be.downloads = append(be.downloads, dst)
	at, ok := be.place("Download", src, offset, len(dst))
	for ok && len(dst) > 0 {
		n := min(len(dst), be.stage.size)
		ok = be.fetch(arrival{dst: dst[:n], n: n}, at)
		dst, at = dst[n:], at+drv.Ptr(n)
	}
}

// ones fills dst with what a failed queue delivers.
func ones(dst []byte) {
	for i := range dst {
		dst[i] = 0xFF
	}
}

// Sync waits for the work of this queue and returns its first error, ever after.
func (be *Backend) Sync() error {
	be.mu.Lock()
	defer be.mu.Unlock()
	be.settle()
	return be.sync()
}

// sync is Sync behind what a step has noted. The lock is held.
func (be *Backend) sync() error {
	asked := be.faultAsked.Swap(false)
	if asked && !be.failed() {
		be.fetch(arrival{dst: be.word[:], n: faultBytes}, be.fault)
	}
	be.fail(be.stream.Sync()) // of a failed queue too: what is under way writes to pinned memory
	be.bury()
	for i := range be.stage.half {
		be.deliver(&be.stage.half[i])
	}
	if asked && !be.failed() {
		be.fail(readFault(be.word[:]))
	}
	err := be.err()
	if err != nil {
		for _, dst := range be.downloads {
			ones(dst)
		}
	}
	clear(be.downloads)
	be.downloads = be.downloads[:0]
	return err
}
