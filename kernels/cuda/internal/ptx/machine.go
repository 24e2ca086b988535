package ptx

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"sync"
)

// Options say how a Machine runs. The zero value runs blocks one after another, in
// order, with every check.
type Options struct {
	// Workers is how many goroutines run blocks. With more than one, races in global
	// memory are not looked for. 0 and 1: one.
	Workers int
	// Seed, other than 0, runs blocks and warps in a random order that it decides.
	Seed uint64
	// NoRaces and NoUninitialised leave checks out.
	NoRaces         bool
	NoUninitialised bool
	// Shadow computes each F32 in float64 too; see Errors.
	Shadow bool
	// MaxSteps is the most instructions of a warp in one launch; 0: 1<<30.
	MaxSteps int64
}

// Memory is laid out so that what a kernel wrongly computes hits nothing: allocations
// begin at multiples of 512 bytes with free space before and behind, and the windows of
// shared, local and parameter memory in the generic space lie far from them.
const (
	firstAddress = 0x7_0000_0000
	guardBytes   = 4096
	sharedWindow = 0x7f10_0000_0000
	localWindow  = 0x7f20_0000_0000
	paramWindow  = 0x7f30_0000_0000
	windowBytes  = 1 << 32
	sharedStart  = 1024 // the first address of shared memory; 0 is never valid
	localStart   = 64
	guard        = 16 // bytes between variables
)

// Machine is a device: its memory, and what runs in it.
type Machine struct {
	mu         sync.Mutex
	options    Options
	regions    regions
	next       uint64
	modules    map[*Program]map[*variable]*region
	atomics    sync.Mutex
	now        uint32 // the count of intervals between barriers; see race.go
	errors     map[string]float64
	allowed    map[*function]int
	kept       []*worker
	spare      []*page
	spareBytes [][]usage
}

// region is a piece of memory: its bytes, and per byte whether something was written.
type region struct {
	base   uint64
	data   []byte
	state  []byte // valid for use, and written
	name   string
	races  []*page // see race.go
	shades []shade // see shadow.go
}

// regions is the memory of a device, by address. A launch has the slice that was there
// when it began: it is never changed in place.
type regions []*region

// States of a byte.
const (
	unset   = 0
	written = 1
	outside = 2 // between variables of shared or local memory
)

// New makes a machine without memory in use.
func New(o Options) *Machine {
	if o.Workers > 1 {
		o.Workers = min(o.Workers, 64)
	}
	if o.MaxSteps == 0 {
		o.MaxSteps = 1 << 30
	}
	return &Machine{options: o, next: firstAddress, modules: map[*Program]map[*variable]*region{}, errors: map[string]float64{}, allowed: map[*function]int{}}
}

// Alloc returns the address of new memory, a multiple of 512. A read of what nothing has
// written is a fault.
func (m *Machine) Alloc(bytes int) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.alloc(bytes, fmt.Sprintf("%d bytes allocated", bytes)).base
}

func (m *Machine) alloc(bytes int, name string) *region {
	r := &region{base: m.next, data: make([]byte, bytes), state: make([]byte, bytes), name: name}
	m.next += uint64(align(bytes+guardBytes, 512))
	m.regions = append(m.regions, r)
	return r
}

func fill(b []byte, v byte) {
	if len(b) == 0 {
		return
	}
	b[0] = v
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// Free gives memory back: a later use of it is out of bounds.
func (m *Machine) Free(address uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := slices.BinarySearchFunc(m.regions, address, func(r *region, a uint64) int { return cmp.Compare(r.base, a) })
	if !ok {
		return fmt.Errorf("ptx: no memory begins at %#x", address)
	}
	m.regions = slices.Concat(m.regions[:at], m.regions[at+1:])
	return nil
}

// Bytes is the host's view of n bytes of device memory. It counts as no use of them:
// Written marks them as written.
func (m *Machine) Bytes(address uint64, n int) ([]byte, error) {
	r, at, err := m.piece(address, n)
	if err != nil {
		return nil, err
	}
	return r.data[at : at+n], nil
}

// Written marks n bytes as written, as a copy to the device does.
func (m *Machine) Written(address uint64, n int) error {
	r, at, err := m.piece(address, n)
	if err == nil {
		fill(r.state[at:at+n], written)
	}
	return err
}

// Write copies b to the device.
func (m *Machine) Write(address uint64, b []byte) error {
	r, at, err := m.piece(address, len(b))
	if err == nil {
		copy(r.data[at:], b)
		fill(r.state[at:at+len(b)], written)
	}
	return err
}

// Set fills n bytes with v.
func (m *Machine) Set(address uint64, v byte, n int) error {
	r, at, err := m.piece(address, n)
	if err == nil {
		fill(r.data[at:at+n], v)
		fill(r.state[at:at+n], written)
	}
	return err
}

// Copy copies n bytes within the device, with whether they were written.
func (m *Machine) Copy(to, from uint64, n int) error {
	d, i, err := m.piece(to, n)
	if err != nil {
		return err
	}
	s, j, err := m.piece(from, n)
	if err == nil {
		copy(d.data[i:i+n], s.data[j:j+n])
		copy(d.state[i:i+n], s.state[j:j+n])
	}
	return err
}

func (m *Machine) piece(address uint64, n int) (*region, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.regions.find(address)
	if r == nil || n < 0 || address-r.base+uint64(n) > uint64(len(r.data)) {
		return nil, 0, fmt.Errorf("ptx: %d bytes at %#x are not in one allocation (%s)", n, address, m.regions.near(address))
	}
	return r, int(address - r.base), nil
}

// last returns the region that begins at an address, or before it; nil where none does.
func (all regions) last(address uint64) *region {
	i := sort.Search(len(all), func(i int) bool { return all[i].base > address }) - 1
	if i < 0 {
		return nil
	}
	return all[i]
}

// find returns the region that an address lies in, or right behind.
func (all regions) find(address uint64) *region {
	if r := all.last(address); r != nil && address-r.base <= uint64(len(r.data)) {
		return r
	}
	return nil
}

// near describes what lies at an address, or before it.
func (all regions) near(address uint64) string {
	r := all.last(address)
	if r == nil {
		return "before all memory"
	}
	off, size := address-r.base, uint64(len(r.data))
	if off < size {
		return fmt.Sprintf("byte %d of %s at %#x", off, r.name, r.base)
	}
	return fmt.Sprintf("%d bytes behind %s at %#x", off-size, r.name, r.base)
}

// load gives the variables of a module memory.
func (m *Machine) load(p *Program) map[*variable]*region {
	if known := m.modules[p]; known != nil {
		return known
	}
	vars := map[*variable]*region{}
	byName := map[string]*region{}
	for _, v := range p.order {
		if v.space != global && v.space != constant {
			continue
		}
		m.next = uint64(align(int(m.next), max(v.align, 512)))
		r := m.alloc(v.size, "variable "+v.name)
		copy(r.data, v.init)
		// A variable without an initial value is zero.
		fill(r.state, written)
		vars[v], byName[v.name] = r, r
	}
	for v, r := range vars {
		for _, ref := range v.refs {
			if to := byName[ref.name]; to != nil {
				le.PutUint64(r.data[ref.at:], to.base+uint64(ref.off))
			}
		}
	}
	m.modules[p] = vars
	return vars
}
