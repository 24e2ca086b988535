package cpu

import (
	"sync"
	"sync/atomic"
	"unsafe"

	"lamina/kernels/internal/simd"
)

// scratch is the memory one worker needs while it runs a chunk. Chunks take one
// from the backend's list and put it back, so there are as many as workers ever
// ran at once.
type scratch struct {
	a, b   []float32 // packed panels
	wide   []float32 // rows of a weight, widened
	turned []float32 // a tile of a narrow product, columns first
	tile   []float32 // one micro-kernel's result at an edge of C
	extra  []float32 // of the other operations: see floats

	unpaired []float32 // panels of op(B) before they are pairs of BF16
	q8       simd.Q8   // a row rounded to 8 bits
	q8Codes  simd.Q8Codes
	vector   simd.Vector // a row that is not
}

// floats returns n floats with undefined contents, which last until the next
// call of floats.
func (s *scratch) floats(n int) []float32 { return grow(&s.extra, n) }

// grow makes *buf at least n long and returns its first n floats, aligned to a
// cache line.
func grow(buf *[]float32, n int) []float32 {
	if cap(*buf) < n {
		const line = 64
		raw := make([]float32, n+line/4)
		skip := int(-uintptr(unsafe.Pointer(&raw[0]))&(line-1)) / 4
		*buf = raw[skip : skip+n : skip+n]
	}
	*buf = (*buf)[:cap(*buf)]
	return (*buf)[:n]
}

// freeList keeps values for reuse. Unlike a sync.Pool it never drops one, so a
// warm backend allocates nothing whatever the collector does.
type freeList[T any] struct {
	slots [freeSlots]freeSlot[T]
	mu    sync.Mutex
	free  []*T // beyond the slots
}

// freeSlots is a power of two, and more than goroutines usually call at once.
const freeSlots = 8

// freeSlot holds a value in cache lines of its own, two of which are fetched at a time.
type freeSlot[T any] struct {
	atomic.Pointer[T]
	_ [120]byte
}

// first returns the slot where a goroutine looks first. Its stack tells one from
// another, so that two of them seldom want the same cache line; which slot it is
// matters to nothing but speed.
func first() int {
	var here byte
	return int(uintptr(unsafe.Pointer(&here)) >> 11)
}

func (l *freeList[T]) get() *T {
	at := first()
	for i := range freeSlots {
		slot := &l.slots[(at+i)%freeSlots]
		if slot.Load() != nil {
			if v := slot.Swap(nil); v != nil {
				return v
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return new(T)
	}
	v := l.free[last]
	l.free = l.free[:last]
	return v
}

func (l *freeList[T]) put(v *T) {
	at := first()
	for i := range freeSlots {
		slot := &l.slots[(at+i)%freeSlots]
		if slot.Load() == nil && slot.CompareAndSwap(nil, v) {
			return
		}
	}
	l.mu.Lock()
	l.free = append(l.free, v)
	l.mu.Unlock()
}
