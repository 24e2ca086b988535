package sim

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"lamina/kernels/cuda/internal/pack"
	"lamina/kernels/cuda/internal/ptx"
)

// module is loaded PTX.
type module struct {
	program *ptx.Program
	entries map[string]*pack.Kernel
}

// kernel is a function of a module.
type kernel struct {
	name   string
	of     *module
	entry  *pack.Kernel // nil for a kernel in Go
	shared int          // permitted dynamic shared memory
}

// Launch is what a kernel is given.
type Launch struct {
	Grid, Block [3]int
	Shared      int    // dynamic shared memory, bytes
	Params      []byte // as they were packed
	// Memory returns n bytes of the device's memory.
	Memory func(address uint64, n int) ([]byte, error)
	// Run runs an entry of a program with this grid and these parameters.
	Run func(p *ptx.Program, entry string) error
}

// op is what a stream or a graph holds: a launch, or something else that runs.
type op struct {
	kind   int
	what   string
	run    func() error
	kernel *kernel
	dev    *device
	launch Launch
	goes   Kernel // in Go
}

// Numbers of CUgraphNodeType.
const (
	kindKernel = 0
	kindCopy   = 1
	kindFill   = 2
)

// start returns what is run: later changes to o do not show.
func (o op) start() func() error {
	switch {
	case o.kernel == nil:
		return o.run
	case o.goes != nil:
		return func() error { return o.goes(o.launch) }
	}
	return func() error {
		l := o.launch
		return o.dev.memory.Launch(o.kernel.of.program, o.kernel.name, l.Grid, l.Block, l.Shared, l.Params)
	}
}

// parsed has the programs of all texts that were loaded: they are the same for every
// machine, and reading them is slow.
var parsed sync.Map // text → *ptx.Program

func parse(text string) (*ptx.Program, error) {
	if p, ok := parsed.Load(text); ok {
		return p.(*ptx.Program), nil
	}
	p, err := ptx.Parse([]byte(text))
	if err == nil {
		parsed.Store(text, p)
	}
	return p, err
}

func cuModuleLoadDataEx(m *Machine, a []uintptr) int {
	text := hostString(a[1])
	mod := &module{entries: map[string]*pack.Kernel{}}
	entries, err := pack.Entries("module", text)
	if err == nil {
		mod.program, err = parse(text)
	}
	if err != nil {
		m.jitLog(a, "ptxas application ptx input: "+err.Error())
		return invalidPTX
	}
	for _, e := range entries {
		mod.entries[e.Name] = e
	}
	*at[uintptr](a[0]) = m.add(mod)
	return 0
}

// jitLog leaves a text in the buffer that an option names.
func (m *Machine) jitLog(a []uintptr, text string) {
	var buffer, size uintptr
	for i := range a[2] {
		value := *at[uintptr](a[4] + 8*i)
		switch *at[int32](a[3] + 4*i) {
		case 5:
			buffer = value
		case 6:
			size = value
		}
	}
	if buffer != 0 && size > 0 {
		to := hostBytes(buffer, int(size))
		to[copy(to[:size-1], text)] = 0
	}
}

func cuModuleUnload(m *Machine, a []uintptr) int {
	mod, ok := remove[*module](m, "cuModuleUnload", a[0])
	if !ok {
		return invalidHandle
	}
	m.drainAll(m.bound())
	for h, o := range m.objects {
		if k, ok := o.(*kernel); ok && k.of == mod {
			remove[*kernel](m, "cuModuleUnload", h)
		}
	}
	return 0
}

func cuModuleGetFunction(m *Machine, a []uintptr) int {
	mod, ok := get[*module](m, "cuModuleGetFunction", a[1])
	if !ok {
		return invalidHandle
	}
	k := &kernel{name: hostString(a[2]), of: mod}
	k.entry = mod.entries[k.name]
	if k.entry == nil && m.o.Kernels[k.name] == nil {
		return notFound
	}
	*at[uintptr](a[0]) = m.add(k)
	return 0
}

func cuFuncSetAttribute(m *Machine, a []uintptr) int {
	k, ok := get[*kernel](m, "cuFuncSetAttribute", a[0])
	switch {
	case !ok:
		return invalidHandle
	case a[1] != 8 || a[2] > maxShared:
		return invalidValue
	}
	k.shared = int(a[2])
	if k.entry != nil {
		if err := m.bound().memory.AllowShared(k.of.program, k.name, maxShared); err != nil {
			m.fault("cuFuncSetAttribute: %w", err)
			return invalidValue
		}
	}
	return 0
}

func cuFuncGetAttribute(m *Machine, a []uintptr) int {
	k, ok := get[*kernel](m, "cuFuncGetAttribute", a[2])
	if !ok {
		return invalidHandle
	}
	v := int32(0)
	if a[1] == 0 {
		v = 1024
		if k.entry != nil && k.entry.Threads > 0 {
			v = int32(k.entry.Threads)
		}
	}
	*at[int32](a[0]) = v
	return 0
}

func cuLaunchKernel(m *Machine, a []uintptr) int {
	s, ok := m.stream("cuLaunchKernel", a[8])
	if !ok {
		return invalidHandle
	}
	if a[9] != 0 {
		m.fault("cuLaunchKernel: parameters one by one, want a buffer")
		return invalidValue
	}
	l := Launch{Grid: three(a[1:]), Block: three(a[4:]), Shared: int(a[7])}
	o, code := m.launch("cuLaunchKernel", a[0], l, a[10], s.dev)
	if code == 0 {
		m.enqueue(s, o)
	}
	return code
}

func three(a []uintptr) [3]int { return [3]int{int(a[0]), int(a[1]), int(a[2])} }

// launch checks a launch whose parameters extra names.
func (m *Machine) launch(call string, function uintptr, l Launch, extra uintptr, d *device) (op, int) {
	k, ok := get[*kernel](m, call, function)
	if !ok {
		return op{}, invalidHandle
	}
	params, ok := readExtra(extra)
	if !ok {
		m.fault("%s: %s: extra has no buffer and its size", call, k.name)
		return op{}, invalidValue
	}
	l.Params = bytes.Clone(params)
	l.Memory = d.memory.Bytes
	l.Run = func(p *ptx.Program, entry string) error {
		if err := d.memory.AllowShared(p, entry, max(k.shared, ptx.DefaultMaxShared)); err != nil {
			return err
		}
		return d.memory.Launch(p, entry, l.Grid, l.Block, l.Shared, l.Params)
	}
	if err := k.check(l); err != nil {
		m.fault("%s: %s: %w", call, k.name, err)
		return op{}, invalidValue
	}
	return op{kind: kindKernel, what: k.name, kernel: k, dev: d, launch: l, goes: m.o.Kernels[k.name]}, 0
}

// readExtra reads a list of keys and values of cuLaunchKernel.
func readExtra(p uintptr) ([]byte, bool) {
	if p == 0 {
		return nil, false
	}
	list := at[[5]uintptr](p)
	if list[0] != 1 || list[2] != 2 || list[4] != 0 {
		return nil, false
	}
	return hostBytes(list[1], int(*at[uintptr](list[3]))), true
}

// check refuses what the driver refuses, and parameters of another size.
func (k *kernel) check(l Launch) error {
	threads := 1
	limits := [3]int{1<<31 - 1, 65535, 65535}
	for i := range 3 {
		threads *= l.Block[i]
		if l.Grid[i] <= 0 || l.Grid[i] > limits[i] || l.Block[i] <= 0 || l.Block[2] > 64 {
			return fmt.Errorf("grid %v of blocks %v", l.Grid, l.Block)
		}
	}
	most := 1024
	if k.entry != nil && k.entry.Threads > 0 {
		most = k.entry.Threads
	}
	permitted := max(k.shared, 48<<10)
	switch {
	case threads > most:
		return fmt.Errorf("%d threads in a block, the kernel has at most %d", threads, most)
	case l.Shared > permitted:
		return fmt.Errorf("%d bytes of dynamic shared memory, permitted are %d", l.Shared, permitted)
	case k.entry != nil && len(l.Params) != k.entry.Bytes:
		return fmt.Errorf("%d bytes of parameters, the entry has %d", len(l.Params), k.entry.Bytes)
	}
	return nil
}

// Enqueue puts work into a stream for a library beside the driver, which the calling
// thread is bound for. what names it in a fault. While the stream is captured the work
// becomes a node of the graph.
func (m *Machine) Enqueue(handle uintptr, what string, run func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bound() == nil {
		m.fault("%s: the thread is bound to no context", what)
		return fmt.Errorf("%s: no context", what)
	}
	s, ok := m.stream(what, handle)
	if !ok {
		return fmt.Errorf("%s: no stream", what)
	}
	m.enqueue(s, op{kind: kindKernel, what: what, run: run})
	return nil
}

// Bytes returns memory of the device whose work is being done: what work that
// [Machine.Enqueue] was given reads when it is run.
func (m *Machine) Bytes(address uint64, n int) ([]byte, error) {
	if m.running == nil {
		return nil, fmt.Errorf("%d bytes at %#x: no work is being done", n, address)
	}
	return m.running.memory.Bytes(address, n)
}

// codeOf returns the code that a device gives for what went wrong in a kernel. What it
// would not see is a launch that failed.
func codeOf(err error) int {
	var f *ptx.Fault
	switch {
	case !errors.As(err, &f), f.Kind == ptx.OutOfBounds:
		return illegalAddress
	case f.Kind == ptx.Misaligned:
		return misaligned
	}
	return launchFailed
}
