package sim

import (
	"fmt"
	"slices"
	"sort"
	"sync"
)

// memory is a device's memory: blocks apart from each other, found by address.
type memory struct {
	mu     sync.Mutex
	next   uint64
	starts []uint64
	blocks map[uint64][]byte
}

func newMemory(device int) *memory {
	return &memory{next: 0x7F00_0000_0000 + uint64(device)<<36, blocks: map[uint64][]byte{}}
}

// Alloc returns the address of n new bytes.
func (m *memory) Alloc(n int) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.next
	m.next += (uint64(n)+255)/256*256 + 256
	m.starts = append(m.starts, p)
	m.blocks[p] = make([]byte, n)
	return p
}

// Free takes a block back.
func (m *memory) Free(p uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := slices.BinarySearch(m.starts, p)
	if !ok {
		return fmt.Errorf("%#x is no block", p)
	}
	m.starts = slices.Delete(m.starts, i, i+1)
	delete(m.blocks, p)
	return nil
}

// Bytes returns n bytes from an address on, which lie in one block.
func (m *memory) Bytes(p uint64, n int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := sort.Search(len(m.starts), func(i int) bool { return m.starts[i] > p }) - 1
	if i >= 0 {
		b := m.blocks[m.starts[i]]
		if from := p - m.starts[i]; from+uint64(n) <= uint64(len(b)) {
			return b[from : from+uint64(n)], nil
		}
	}
	return nil, fmt.Errorf("%d bytes at %#x are no memory of the device", n, p)
}
