package tensor

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"
)

// HostMemory is memory a host program reads directly.
type HostMemory struct {
	Data []byte
	// Release is called by the first Free, if not nil: for devices that count what they
	// hand out, or that still work on it.
	Release func(m *HostMemory)
}

// Len returns the number of bytes.
func (m *HostMemory) Len() int { return len(m.Data) }

// Free drops the bytes; the garbage collector returns them to the system. With Release
// that is all it calls.
func (m *HostMemory) Free() {
	release := m.Release
	if m.Release = nil; release != nil {
		release(m)
		return
	}
	m.Data = nil
}

// hostAlign is a cache line and the widest vector register.
const hostAlign = 64

// Host implements the memory half of a [Device] for the host's own memory;
// host backends embed it. The zero value is ready. It may be used from several
// goroutines.
type Host struct{ held atomic.Int64 }

// Held returns the bytes handed out by Alloc and not freed.
func (h *Host) Held() int64 { return h.held.Load() }

// checkedBytes is the size from which on the system is asked before memory is taken:
// asking takes some microseconds, and what is smaller changes little.
const checkedBytes = 64 << 20

// Alloc returns zeroed memory aligned to 64 bytes, or an [*OutOfMemory] for a size
// that the machine has no room for, where taking it would end the program.
func (h *Host) Alloc(bytes int) (Memory, error) {
	if bytes < 0 {
		panic(fmt.Sprintf("tensor: Alloc: negative size %d", bytes))
	}
	if bytes >= checkedBytes {
		if err := h.check(int64(bytes)); err != nil {
			return nil, err
		}
	}
	h.held.Add(int64(bytes))
	return &HostMemory{aligned(bytes), h.release}, nil
}

// aligned returns zeroed bytes, in large pages where the system has them.
func aligned(bytes int) []byte {
	raw := make([]byte, bytes+hostAlign)
	advise(raw)
	skip := int(-uintptr(unsafe.Pointer(&raw[0])) & (hostAlign - 1))
	return raw[skip : skip+bytes : skip+bytes]
}

// spare are first chunks that arenas gave back, for those that begin: zeroing 32 MiB takes longer
// than most passes of a small model. To the collector they are garbage, and it takes what lies
// here over two collections.
var spare sync.Pool

// AllocArena is Alloc for an [Arena], whose tensors are undefined until they are written, as
// is this memory. Who embeds a Host and has an Alloc of its own has this as well. Chunks that
// are not an arena's first are not kept when they come back: it gives many at once where
// it needs one as large as all of them, and that takes their place in memory, not another.
func (h *Host) AllocArena(bytes int, first bool) (Memory, error) {
	if bytes != chunkBytes || !first {
		if bytes >= checkedBytes {
			Trim()
		}
		return h.Alloc(bytes)
	}
	h.held.Add(chunkBytes)
	chunk, ok := spare.Get().(*[chunkBytes]byte)
	if !ok {
		chunk = (*[chunkBytes]byte)(aligned(chunkBytes))
	}
	return &HostMemory{chunk[:], h.releaseChunk}, nil
}

// Trim gives back to the system what nobody uses: garbage, and the chunks that arenas left for
// others, which outlive one collection. It collects twice, each time some milliseconds for a GiB
// of objects with pointers. For whoever is to take much memory, or says how much he took.
func Trim() {
	runtime.GC()
	debug.FreeOSMemory()
}

func (h *Host) releaseChunk(m *HostMemory) {
	spare.Put((*[chunkBytes]byte)(m.Data))
	h.release(m)
}

// release drops memory and no longer counts it.
func (h *Host) release(m *HostMemory) {
	h.held.Add(-int64(len(m.Data)))
	m.Data = nil
}

// check returns an error if the system has less than bytes to give, garbage returned
// to it before.
func (h *Host) check(bytes int64) error {
	free, total := h.Memory()
	if total == 0 || bytes <= free {
		return nil
	}
	Trim()
	if free, _ = h.Memory(); bytes <= free {
		return nil
	}
	return &OutOfMemory{Device: "host", Wanted: bytes, Free: free, Held: h.Held()}
}

// Memory returns what the system can give without taking from other programs, and
// what it has, swap space included in both. Both are 0 where it does not say.
func (*Host) Memory() (free, total int64) { return systemMemory() }

// Wrap returns memory that is data itself.
func (*Host) Wrap(data []byte) (Memory, error) { return &HostMemory{Data: data}, nil }

// Upload copies src into dst.
func (*Host) Upload(dst Memory, offset int, src []byte) {
	copy(dst.(*HostMemory).Data[offset:offset+len(src)], src)
}

// Download copies out of src.
func (*Host) Download(dst []byte, src Memory, offset int) {
	copy(dst, src.(*HostMemory).Data[offset:offset+len(dst)])
}

// Sync returns nil: host work is done when its call returns.
func (*Host) Sync() error { return nil }

// Close returns nil: the host has nothing of its own.
func (*Host) Close() error { return nil }
