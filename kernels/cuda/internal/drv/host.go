package drv

import (
	"fmt"
	"unsafe"
)

// Host is memory of the host that the device reads and writes by itself: the only kind
// that a copy may run on while the program goes on.
type Host struct {
	dev   *Device
	bytes []byte
}

const portable = 1 // CU_MEMHOSTALLOC_PORTABLE: pinned for every context

// AllocHost returns pinned memory of the host.
func (d *Device) AllocHost(bytes int) (*Host, error) {
	if err := d.notCapturing("cuMemHostAlloc", "AllocHost"); err != nil {
		return nil, err
	}
	p := onHeap[uintptr]()
	if err := d.do("AllocHost", "cuMemHostAlloc", d.driver.procs.MemHostAlloc, address(p), uintptr(bytes), portable); err != nil {
		return nil, err
	}
	return &Host{d, unsafe.Slice((*byte)(pointer(*p)), bytes)}, nil
}

// Bytes returns the memory. It must not be touched while a copy that names it is under
// way, nor after Free.
func (h *Host) Bytes() []byte { return h.bytes }

// Free gives the memory back. A second call does nothing.
func (h *Host) Free() error {
	if len(h.bytes) == 0 {
		return nil
	}
	if err := h.dev.notCapturing("cuMemFreeHost", "Host.Free"); err != nil {
		return err
	}
	p := address(&h.bytes[0])
	h.bytes = nil
	return h.dev.release("Host.Free", "cuMemFreeHost", h.dev.driver.procs.MemFreeHost, p)
}

// at returns where the n bytes from offset lie.
func (h *Host) at(offset, n int) (uintptr, error) {
	if offset < 0 || n <= 0 || offset > len(h.bytes)-n {
		return 0, fmt.Errorf("cuda:%d: copy of %d bytes at %d of a host buffer of %d", h.dev.info.Index, n, offset, len(h.bytes))
	}
	return address(&h.bytes[offset]), nil
}
