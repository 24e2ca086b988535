package tensor

import (
	"fmt"
	"unsafe"
)

// Memory is a run of bytes on one device. What is inside is the device's
// business; host devices use [*HostMemory].
type Memory interface {
	// Len returns the number of bytes.
	Len() int
}

// Device owns memory. Backends of package kernels are devices.
type Device interface {
	// Name identifies device and instruction set in reports, e.g. "cpu/avx2".
	Name() string
	// Alloc returns zeroed memory, aligned for the device's widest access.
	Alloc(bytes int) Memory
	// Wrap makes bytes that stay valid and constant readable by the device:
	// in place on a host device, by upload elsewhere. Nothing may write to it.
	Wrap(data []byte) Memory
	// Upload copies src into dst at a byte offset.
	Upload(dst Memory, offset int, src []byte)
	// Download copies bytes of src at a byte offset into dst, after all work
	// issued before it.
	Download(dst []byte, src Memory, offset int)
	// Sync waits for all issued work and returns the first error of it.
	Sync() error
}

// HostMemory is memory a host program reads directly.
type HostMemory struct{ Data []byte }

// Len returns the number of bytes.
func (m *HostMemory) Len() int { return len(m.Data) }

// hostAlign is a cache line and the widest vector register.
const hostAlign = 64

// Host implements the memory half of a [Device] for the host's own memory;
// host backends embed it.
type Host struct{}

// Alloc returns zeroed memory aligned to 64 bytes.
func (Host) Alloc(bytes int) Memory {
	if bytes < 0 {
		panic(fmt.Sprintf("tensor: Alloc: negative size %d", bytes))
	}
	raw := make([]byte, bytes+hostAlign)
	advise(raw)
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) & (hostAlign - 1))
	return &HostMemory{raw[skip : skip+bytes : skip+bytes]}
}

// Wrap returns memory that is data itself.
func (Host) Wrap(data []byte) Memory { return &HostMemory{data} }

// Upload copies src into dst.
func (Host) Upload(dst Memory, offset int, src []byte) {
	copy(dst.(*HostMemory).Data[offset:offset+len(src)], src)
}

// Download copies out of src.
func (Host) Download(dst []byte, src Memory, offset int) {
	copy(dst, src.(*HostMemory).Data[offset:offset+len(dst)])
}

// Sync returns nil: host work is done when its call returns.
func (Host) Sync() error { return nil }
