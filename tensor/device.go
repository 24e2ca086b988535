package tensor

import "fmt"

// Memory is a run of bytes on one device. What is inside is the device's
// business; host devices use [*HostMemory].
type Memory interface {
	// Len returns the number of bytes.
	Len() int
	// Free gives the bytes back to the device, once the work issued before has used
	// them. Whoever allocated frees; tensors over the memory are invalid from then
	// on. A second call does nothing.
	Free()
}

// Device owns memory, and an order of work on it: a queue. Backends of package
// kernels are devices; those that [kernels.Backend.Queue] returns share their
// memory and differ in the order.
//
// Uploads, downloads and computing calls are issued in the order of the program and
// take effect in that order; a device may return from each before it is done. Only
// Sync waits. On the host every call is done when it returns.
//
// A queue on which work has failed stays failed: Sync returns its first error ever
// after, and downloads deliver bytes of all ones, which read as NaN and as -1.
type Device interface {
	// Name identifies device and instruction set in reports, e.g. "cpu/avx2".
	Name() string
	// Alloc returns zeroed memory, aligned for the device's widest access. Its
	// error, where there is no room, is an [*OutOfMemory].
	Alloc(bytes int) (Memory, error)
	// Wrap makes bytes that stay valid and constant readable by the device:
	// in place on a host device, by upload elsewhere. Nothing may write to it.
	Wrap(data []byte) (Memory, error)
	// Upload copies src into dst at a byte offset. src may be written to again as
	// soon as the call returns: a GPU copies it to pinned memory first.
	Upload(dst Memory, offset int, src []byte)
	// Download copies bytes of src at a byte offset into dst, which holds them, and
	// may be touched, after Sync only.
	Download(dst []byte, src Memory, offset int)
	// Sync waits for all work issued on this queue and returns the first error of it.
	Sync() error
	// Memory returns how many bytes can still be had, about, and how many there are.
	// Both are 0 where the device cannot tell.
	Memory() (free, total int64)
	// Close gives back what the device holds for itself, its queues included. What
	// it has handed out is to be freed before.
	Close() error
}

// OutOfMemory is the error of memory that a device has no room for. Sizes are in
// bytes.
type OutOfMemory struct {
	Device string // its name
	Wanted int64  // in the one allocation that failed
	Free   int64  // as the device counts it; 0 where it cannot tell
	Held   int64  // handed out by this device and not freed
	Cached int64  // had from the driver and not handed out, on a device that keeps some
	By     []Use  // who holds most, where the device counts that
}

// Use is what memory is held for, and how much.
type Use struct {
	What  string
	Bytes int64
}

// Error says what was wanted, free and held, and by whom where that is known.
func (e *OutOfMemory) Error() string {
	text := fmt.Sprintf("%s: out of memory: wanted %s, free %s, ", e.Device, size(e.Wanted), size(e.Free))
	if e.Cached > 0 {
		text += fmt.Sprintf("cached %s, ", size(e.Cached))
	}
	text += "held " + size(e.Held)
	for i, u := range e.By {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += fmt.Sprintf("%s%s %s", sep, u.What, size(u.Bytes))
	}
	return text
}

// size prints a number of bytes to three digits: "24 B", "1.50 GiB".
func size(bytes int64) string {
	v, unit := float64(bytes), 0
	for v >= 1000 && unit < 4 {
		v, unit = v/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.3g %ciB", v, "KMGT"[unit-1])
}

// NoMemory returns a tensor with a type and axes and no memory: what stands for a
// result where the device refused memory with err, or, with a nil err, where only
// shapes are of interest. Its numbers read as NaN, its ids as -1; what is written to
// it is lost. No kernel but those of a device without arithmetic may be given it.
func NoMemory(err error, d DType, shape ...int) Tensor {
	t := header("NoMemory", d, shape)
	t.dev = Nowhere{err}
	return t
}

// Err returns why t has no memory; nil if it has, and for the zero Tensor.
func (t Tensor) Err() error {
	if t.mem != nil || t.dev == nil {
		return nil
	}
	return t.dev.Sync()
}

// Nowhere is a device that has no memory and computes nothing. Its one queue has
// failed with Err, unless that is nil.
type Nowhere struct{ Err error }

// Name returns "nowhere".
func (Nowhere) Name() string { return "nowhere" }

// Alloc returns an [*OutOfMemory].
func (n Nowhere) Alloc(bytes int) (Memory, error) {
	return nil, &OutOfMemory{Device: n.Name(), Wanted: int64(bytes)}
}

// Wrap returns an [*OutOfMemory].
func (n Nowhere) Wrap(data []byte) (Memory, error) { return n.Alloc(len(data)) }

// Upload does nothing.
func (Nowhere) Upload(Memory, int, []byte) {}

// Download fills dst with ones.
func (Nowhere) Download(dst []byte, _ Memory, _ int) {
	for i := range dst {
		dst[i] = 0xFF
	}
}

// Sync returns Err.
func (n Nowhere) Sync() error { return n.Err }

// Memory returns 0.
func (Nowhere) Memory() (free, total int64) { return 0, 0 }

// Close returns nil.
func (Nowhere) Close() error { return nil }
