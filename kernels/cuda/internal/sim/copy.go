package sim

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// hostBlock is pinned memory of the host.
type hostBlock struct {
	words []uint64
	bytes int
	gone  bool
}

func (h *hostBlock) data() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(h.words))), h.bytes)
}

func cuMemHostAlloc(m *Machine, a []uintptr) int {
	h := &hostBlock{make([]uint64, (a[1]+7)/8+1), int(a[1]), false}
	for i := range h.data() {
		h.data()[i] = 0xFF
	}
	p := uintptr(unsafe.Pointer(&h.words[0]))
	m.host[p] = h
	*at[uintptr](a[0]) = p
	return 0
}

// cuMemFreeHost waits for nothing: a copy that still names the memory is a fault when it
// is done.
func cuMemFreeHost(m *Machine, a []uintptr) int {
	h, ok := m.host[a[0]]
	if !ok {
		m.fault("cuMemFreeHost: %#x is no pinned memory, or was freed before", a[0])
		return invalidValue
	}
	h.gone = true
	delete(m.host, a[0])
	return m.bound().dead
}

// pinned finds n bytes of pinned memory.
func (m *Machine) pinned(call string, p uintptr, n int) (*hostBlock, int, bool) {
	for from, h := range m.host {
		if p >= from && p+uintptr(n) <= from+uintptr(h.bytes) {
			return h, int(p - from), true
		}
	}
	m.fault("%s: %d bytes at %#x of the host are not pinned", call, n, p)
	return nil, 0, false
}

func cuMemAlloc(m *Machine, a []uintptr) int {
	d, n := m.bound(), int64(a[1])
	switch {
	case n <= 0:
		m.fault("cuMemAlloc: %d bytes", n)
		return invalidValue
	case n > d.is.Memory-d.used:
		return outOfMemory
	}
	p := d.memory.Alloc(int(n))
	b, err := d.memory.Bytes(p, int(n))
	if err != nil {
		m.fault("cuMemAlloc: %w", err)
		return outOfMemory
	}
	for i := range b {
		b[i] = 0xFF
	}
	d.used += n
	d.blocks[p] = int(n)
	*at[uint64](a[0]) = p
	return 0
}

// cuMemFree waits for nothing: the manual says that it may, not that it does. Work that
// still names the memory is a fault when it is done.
func cuMemFree(m *Machine, a []uintptr) int {
	d := m.bound()
	n, ok := d.blocks[uint64(a[0])]
	if !ok {
		m.fault("cuMemFree: %#x is no memory of device %d, or was freed before", a[0], d.index)
		return invalidValue
	}
	if err := d.memory.Free(uint64(a[0])); err != nil {
		m.fault("cuMemFree: %w", err)
	}
	delete(d.blocks, uint64(a[0]))
	d.used -= int64(n)
	return d.dead
}

func cuMemGetInfo(m *Machine, a []uintptr) int {
	d := m.bound()
	*at[uint64](a[0]), *at[uint64](a[1]) = uint64(d.is.Memory-d.used), uint64(d.is.Memory)
	return 0
}

// enqueue puts work into a stream, or into the graph that it captures.
func (m *Machine) enqueue(s *stream, o op) {
	if s.capture != nil {
		s.capture.nodes = append(s.capture.nodes, m.add(&node{op: o, of: s.capture}))
		return
	}
	m.push(s, work{what: o.what, run: o.start()})
}

// transfer enqueues a copy or a fill. places are the device's, n bytes each, and are
// checked now; run finds out when it is done whether they still are there.
func (m *Machine) transfer(call string, handle uintptr, kind, n int, places []uint64, run func(d *device) error) int {
	s, ok := m.stream(call, handle)
	if !ok {
		return invalidHandle
	}
	for _, p := range places {
		if _, err := s.dev.memory.Bytes(p, n); err != nil {
			m.fault("%s: %w", call, err)
			return invalidValue
		}
	}
	m.enqueue(s, op{kind: kind, what: call, run: func() error { return run(s.dev) }})
	return 0
}

func cuMemcpyHtoDAsync(m *Machine, a []uintptr) int {
	p := uint64(a[0])
	return m.hostCopy("cuMemcpyHtoDAsync", a[3], a[1], p, int(a[2]), func(d *device, here []byte) error {
		return d.memory.Write(p, here)
	})
}

func cuMemcpyDtoHAsync(m *Machine, a []uintptr) int {
	p := uint64(a[1])
	return m.hostCopy("cuMemcpyDtoHAsync", a[3], a[0], p, int(a[2]), func(d *device, here []byte) error {
		there, err := d.memory.Bytes(p, len(here))
		copy(here, there)
		return err
	})
}

func (m *Machine) hostCopy(call string, stream, host uintptr, p uint64, n int, move func(d *device, here []byte) error) int {
	h, from, ok := m.pinned(call, host, n)
	if !ok {
		return invalidValue
	}
	return m.transfer(call, stream, kindCopy, n, []uint64{p}, func(d *device) error {
		if h.gone {
			return fmt.Errorf("the pinned memory at %#x was freed", host)
		}
		return move(d, h.data()[from:from+n])
	})
}

func cuMemcpyDtoDAsync(m *Machine, a []uintptr) int {
	to, from, n := uint64(a[0]), uint64(a[1]), int(a[2])
	if to < from+uint64(n) && from < to+uint64(n) {
		m.fault("cuMemcpyDtoDAsync: %d bytes from %#x to %#x overlap", n, from, to)
	}
	return m.transfer("cuMemcpyDtoDAsync", a[3], kindCopy, n, []uint64{to, from}, func(d *device) error {
		return d.memory.Copy(to, from, n)
	})
}

func cuMemsetD8Async(m *Machine, a []uintptr) int {
	p, v, n := uint64(a[0]), byte(a[1]), int(a[2])
	return m.transfer("cuMemsetD8Async", a[3], kindFill, n, []uint64{p}, func(d *device) error {
		return d.memory.Set(p, v, n)
	})
}

func cuMemsetD32Async(m *Machine, a []uintptr) int {
	p, v, n := uint64(a[0]), uint32(a[1]), 4*int(a[2])
	if p%4 != 0 {
		m.fault("cuMemsetD32Async: %#x is no multiple of 4", p)
		return invalidValue
	}
	return m.transfer("cuMemsetD32Async", a[3], kindFill, n, []uint64{p}, func(d *device) error {
		b, err := d.memory.Bytes(p, n)
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[4:] {
			binary.LittleEndian.PutUint32(b, v)
		}
		return d.memory.Written(p, n)
	})
}
