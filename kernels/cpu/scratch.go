package cpu

import (
	"sync"
	"unsafe"
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
	mu   sync.Mutex
	free []*T
}

func (l *freeList[T]) get() *T {
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
	l.mu.Lock()
	l.free = append(l.free, v)
	l.mu.Unlock()
}
