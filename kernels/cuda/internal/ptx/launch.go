package ptx

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// Limits of a device of compute capability 8.0 and later.
const (
	MaxThreads       = 1024
	MaxShared        = 227 << 10 // where a kernel asked for it: AllowShared
	DefaultMaxShared = 48 << 10
	MaxLocal         = 512 << 10 // of a thread
)

// worker runs blocks of a launch, one at a time.
type worker struct {
	machine     *Machine
	entry       *function
	params      region
	grid        [3]int
	dims        [3]int
	threads     int
	taken       int     // blocks
	dynamic     int     // bytes of shared memory that the launch adds
	regions     regions // of the machine, at the launch
	vars        map[*variable]*region
	placed      []placed // shared variables
	cache       []*region
	warps       []*warp
	pool        []*warp // of the largest block so far
	blk         *block
	free        map[*function][]*frame
	uninit      bool
	races       bool // looked for, in global memory
	sharedRaces bool
	steps       int64
	now         uint32
	begin       uint32    // of the block
	first       uint32    // of the launch
	touched     []touched // pages of this launch; see race.go
	spare       []*page
	spareBytes  [][]usage
	held        int // bytes of its registers
	errors      float64
}

// placed is a shared variable and its place.
type placed struct {
	v            *variable
	offset, size int
}

// Launch runs a kernel. params are its parameters as the entry lays them out. What the
// kernel does wrong is a *Fault.
func (m *Machine) Launch(p *Program, entry string, grid, block [3]int, shared int, params []byte) error {
	m.mu.Lock()
	k, err := m.prepare(p, entry, grid, block, shared, params)
	m.mu.Unlock()
	if err != nil {
		return err
	}
	order := blockOrder(grid, m.options.Seed)
	if m.options.Workers <= 1 || len(order) == 1 && order != nil {
		err = k.runAll(func() (int, bool) { return k.takeNext(order) }, m.options.Seed)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.now = max(m.now, k.now)
		m.keep(k)
		return err
	}
	return m.launchParallel(k, order)
}

// takeNext counts the blocks of a launch.
func (k *worker) takeNext(order []int) (int, bool) {
	n := k.grid[0] * k.grid[1] * k.grid[2]
	i := k.taken
	k.taken++
	if i >= n {
		return 0, false
	}
	if order != nil {
		i = order[i]
	}
	return i, true
}

// launchParallel runs the blocks on several workers. Of several faults, that of the block
// with the least index is the launch's.
func (m *Machine) launchParallel(first *worker, order []int) error {
	var next atomic.Int64
	n := first.grid[0] * first.grid[1] * first.grid[2]
	take := func() (int, bool) {
		i := int(next.Add(1)) - 1
		if i >= n {
			return 0, false
		}
		if order != nil {
			i = order[i]
		}
		return i, true
	}
	workers := min(m.options.Workers, n)
	errs := make([]error, workers)
	var wait sync.WaitGroup
	all := []*worker{first}
	first.races = false
	for len(all) < workers {
		all = append(all, first.another())
	}
	for i, k := range all {
		wait.Add(1)
		go func() {
			defer wait.Done()
			errs[i] = k.runAll(take, m.options.Seed)
			if errs[i] != nil {
				next.Store(int64(n))
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			m.keep(k)
		}()
	}
	wait.Wait()
	var found error
	least := n
	for _, err := range errs {
		var f *Fault
		if errors.As(err, &f) {
			if at := (f.Block[2]*first.grid[1]+f.Block[1])*first.grid[0] + f.Block[0]; at < least {
				found, least = err, at
			}
		}
	}
	return found
}

// runAll runs blocks until there are no more, or one faults.
func (k *worker) runAll(take func() (int, bool), seed uint64) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(*Fault)
			if !ok {
				panic(r)
			}
			err = f
		}
	}()
	for {
		i, ok := take()
		if !ok {
			return nil
		}
		var random *rand.Rand
		if seed != 0 {
			random = rand.New(rand.NewPCG(seed, uint64(i)))
		}
		k.runBlock([3]int{i % k.grid[0], i / k.grid[0] % k.grid[1], i / k.grid[0] / k.grid[1]}, random)
	}
}

// blockOrder is a random order of the blocks; nil for their own.
func blockOrder(grid [3]int, seed uint64) []int {
	if seed == 0 {
		return nil
	}
	return rand.New(rand.NewPCG(seed, 0)).Perm(grid[0] * grid[1] * grid[2])
}

// prepare checks a launch, and makes the first worker.
func (m *Machine) prepare(p *Program, entry string, grid, dims [3]int, dynamic int, params []byte) (*worker, error) {
	f := p.functions[entry]
	if f == nil || !f.entry || !f.defined {
		return nil, refuse(BadParameter, entry, "the module has no such entry")
	}
	if len(params) != f.paramBytes {
		return nil, refuse(BadParameter, entry, "%d bytes of parameters, not %d", len(params), f.paramBytes)
	}
	if err := f.checkSizes(grid, dims); err != nil {
		return nil, err
	}
	vars, bytes := layShared(f, dynamic)
	most := max(DefaultMaxShared, m.allowed[f])
	if dynamic < 0 || bytes > most {
		return nil, refuse(Limits, entry, "%d bytes of shared memory, more than %d", bytes, most)
	}
	k := m.workerOf(p, f)
	k.grid, k.dims, k.threads, k.dynamic, k.placed = grid, dims, dims[0]*dims[1]*dims[2], dynamic, vars
	k.params = region{data: slices.Clone(params), state: slices.Repeat([]byte{written}, len(params)), name: "parameters"}
	k.uninit, k.races = !m.options.NoUninitialised, !m.options.NoRaces && m.options.Workers <= 1
	k.sharedRaces = !m.options.NoRaces
	k.steps = m.options.MaxSteps
	k.begin, k.taken = 0, 0
	if m.now > 1<<31 {
		// Times begin again; what knows later ones is dropped.
		m.now, m.kept, m.spare = 0, nil, nil
		k.now, k.blk = 0, &block{}
	}
	k.spare, m.spare = m.spare, nil
	k.spareBytes, m.spareBytes = m.spareBytes, nil
	k.now = max(m.now, k.now) + 1
	k.first = k.now
	k.regions = m.regions
	clear(k.cache)
	return k, nil
}

func refuse(kind Kind, entry, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Entry: entry, What: fmt.Sprintf(format, args...)}
}

// checkSizes holds a launch against what a device and the kernel allow.
func (f *function) checkSizes(grid, dims [3]int) error {
	mostBlocks, mostThreads := [3]int{1<<31 - 1, 65535, 65535}, [3]int{1024, 1024, 64}
	for i := range 3 {
		if grid[i] < 1 || grid[i] > mostBlocks[i] || dims[i] < 1 || dims[i] > mostThreads[i] {
			return refuse(Limits, f.name, "a grid of %v blocks of %v threads", grid, dims)
		}
	}
	if n := dims[0] * dims[1] * dims[2]; n > MaxThreads || f.maxThreads > 0 && n > f.maxThreads {
		return refuse(Limits, f.name, "%d threads, more than %d (the entry allows %d)", n, MaxThreads, f.maxThreads)
	}
	if f.reqThreads[0] > 0 && f.reqThreads != dims {
		return refuse(Limits, f.name, "a block of %v threads, where the entry requires %v", dims, f.reqThreads)
	}
	if f.localBytes > MaxLocal {
		return refuse(Limits, f.name, "%d bytes of local memory, more than %d", f.localBytes, MaxLocal)
	}
	return nil
}

// AllowShared lets an entry use up to bytes of shared memory, as a driver's function
// attribute does; without it the limit is DefaultMaxShared.
func (m *Machine) AllowShared(p *Program, entry string, bytes int) error {
	f := p.functions[entry]
	if f == nil || bytes < 0 || bytes > MaxShared {
		return fmt.Errorf("ptx: %d bytes of shared memory for %s", bytes, entry)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.allowed[f] = bytes
	return nil
}

// layShared places the shared variables that a kernel and what it calls use, and
// returns how many bytes they have. The dynamic array comes last.
func layShared(f *function, dynamic int) ([]placed, int) {
	var vars []*variable
	for v := range f.uses {
		if v.space == shared {
			vars = append(vars, v)
		}
	}
	slices.SortFunc(vars, func(a, b *variable) int {
		return cmp.Or(cmp.Compare(b.align, a.align), cmp.Compare(a.name, b.name))
	})
	var all []placed
	at, bytes := 0, 0
	largest := 16
	for _, v := range vars {
		largest = max(largest, v.align)
		if v.size == 0 {
			continue
		}
		at, bytes = align(at, v.align), align(bytes, v.align)
		all = append(all, placed{v, at, v.size})
		at, bytes = at+v.size+guard, bytes+v.size
	}
	at = align(at, largest)
	for _, v := range vars {
		if v.size == 0 {
			all = append(all, placed{v, at, dynamic})
		}
	}
	return all, bytes + dynamic
}
