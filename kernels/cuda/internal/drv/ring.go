package drv

import (
	"fmt"
	"sync"
)

// Launch is a kernel that was launched.
type Launch struct {
	Name        string
	Grid, Block [3]int // zero for a graph, and for what another library launched
}

// String writes "lamina_fill 12x1x1 of 256".
func (l Launch) String() string {
	if l.Grid[0] == 0 {
		return l.Name
	}
	return fmt.Sprintf("%s %dx%dx%d of %d", l.Name, l.Grid[0], l.Grid[1], l.Grid[2], l.Block[0]*l.Block[1]*l.Block[2])
}

// ringSize is how many launches are kept.
const ringSize = 64

// ring has the last launches of a device.
type ring struct {
	mu   sync.Mutex
	all  [ringSize]Launch
	next int
}

func (r *ring) add(name string, grid, block [3]int) {
	r.mu.Lock()
	r.all[r.next%ringSize] = Launch{name, grid, block}
	r.next++
	r.mu.Unlock()
}

// newest returns the launches, the last one first.
func (r *ring) newest() []Launch {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Launch
	for i := r.next - 1; i >= 0 && i >= r.next-ringSize; i-- {
		all = append(all, r.all[i%ringSize])
	}
	return all
}
