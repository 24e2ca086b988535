// Package sim is NVIDIA's driver library in Go, for tests on a machine without a GPU: a
// sys.Library whose functions take the arguments that the real ones take, and whose
// devices run PTX in the interpreter of package ptx.
//
//	m := sim.New(sim.Options{})
//	driver, err := drv.Open(m)
//	...
//	if err := m.Close(); err != nil { // what the program did that it may not
//		t.Error(err)
//	}
//
// It does work as late as CUDA permits: a copy or a launch waits in its stream until
// somebody asks for the stream's or an event's end. A missing event, or host memory that
// is used again before its copy is done, then shows as wrong numbers. With
// [Options.Seed] work is done in an order drawn by chance among those that are permitted.
// Fresh memory holds 0xFF bytes, which read as NaN.
//
// What the real library would do without a word, or answer by ending the process, is a
// fault by name: a handle that was given back, memory copied from that is not pinned, a
// buffer of parameters of another size than the kernel's, a thread without a context.
package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"lamina/kernels/cuda/internal/ptx"
	"lamina/kernels/cuda/internal/sys"
)

// Options says what is simulated. The zero value is one device of compute capability 9.0
// with 1 GiB, on driver 12.2.
type Options struct {
	Devices []Device // nil: one; empty and not nil: none, and cuInit fails
	Driver  int      // what cuDriverGetVersion tells; 0 is 12020
	Missing []string // functions that the library lacks
	// Fail, if not nil, is asked before the nth call (from 1) of a function; a code other
	// than 0 is what the call then returns, and does nothing else.
	Fail func(call string, n int) int
	// Seed, other than 0, draws the order of work by chance. At 0 all is done as late as
	// can be.
	Seed uint64
	// PTX says how kernels are run.
	PTX ptx.Options
	// Kernels are kernels in Go, by name, which modules seem to have beside their own.
	Kernels map[string]Kernel
}

// Device is a device that is simulated. What is 0 or "" is that of an H200, but for the
// memory.
type Device struct {
	Name            string
	Major, Minor    int
	Memory          int64 // bytes; 0: 1 GiB
	Multiprocessors int
	Mode            int // compute mode
}

// Kernel is a kernel in Go. It is given the parameters as they were packed, and reaches
// the device's memory.
type Kernel func(l Launch) error

// Machine is a simulated machine. It implements sys.Library, as libcuda.
type Machine struct {
	mu       sync.Mutex
	o        Options
	devices  []*device
	current  map[int]*device // by thread
	objects  map[uintptr]any // by handle
	retired  map[uintptr]string
	next     uintptr
	host     map[uintptr]*hostBlock
	streams  []*stream // those with work, or not destroyed
	calls    map[string]int
	faults   []error
	order    *rand.Rand
	texts    map[string][]byte // that the caller was given the address of
	inited   bool
	captures int
	running  *device // whose work is being done
}

// New returns a machine.
func New(o Options) *Machine {
	if o.Devices == nil {
		o.Devices = []Device{{}}
	}
	if o.Driver == 0 {
		o.Driver = 12020
	}
	m := &Machine{o: o, current: map[int]*device{}, objects: map[uintptr]any{}, retired: map[uintptr]string{}, next: 0x5100_0000_0000,
		host: map[uintptr]*hostBlock{}, calls: map[string]int{}, texts: map[string][]byte{}}
	if o.Seed != 0 {
		m.order = rand.New(rand.NewPCG(o.Seed, 1))
	}
	for i, d := range o.Devices {
		m.devices = append(m.devices, newDevice(i, d, o.PTX))
	}
	return m
}

// Path returns what the library would be loaded by.
func (m *Machine) Path() string { return "libcuda.so.1 (simulated)" }

// Count returns how often a function was called.
func (m *Machine) Count(call string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[call]
}

// Context returns the handle of a device's primary context, 0 where nobody retains it.
func (m *Machine) Context(device int) uintptr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.devices[device].handle
}

// Err returns what the program did so far that it may not: nil if nothing.
func (m *Machine) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.faults...)
}

// Close returns what Err returns, and what was not given back.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	left := map[string]int{}
	for _, o := range m.objects {
		if k := kindOf(o); k != "context" {
			left[k]++
		}
	}
	left["pinned block"] = len(m.host)
	faults := m.faults
	for _, d := range m.devices {
		left["block of memory"] += len(d.blocks)
		if d.retained != 0 {
			left["primary context"]++
		}
	}
	for what, n := range left {
		if n > 0 {
			faults = append(faults, fmt.Errorf("sim: not given back: %d × %s", n, what))
		}
	}
	return errors.Join(faults...)
}

// fault keeps what the program may not do.
func (m *Machine) fault(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf("sim: "+format, args...))
}

// function is a function of the library.
type function struct {
	args int
	need need
	run  func(m *Machine, a []uintptr) int
}

// need is what has to be done before a function may be called.
type need int

const (
	needNothing need = iota
	needInit
	needContext
	needNoCapture // a context, and no capture by this thread
)

// Lookup returns a function.
func (m *Machine) Lookup(symbol string) (sys.Proc, error) {
	f, ok := functions[symbol]
	for _, missing := range m.o.Missing {
		ok = ok && missing != symbol
	}
	if !ok {
		return nil, fmt.Errorf("%s has no %s: undefined symbol: %s", m.Path(), symbol, symbol)
	}
	return func(args ...uintptr) uintptr { return uintptr(m.call(symbol, f, args)) }, nil
}

// call runs a function behind the checks that all have.
func (m *Machine) call(name string, f function, args []uintptr) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[name]++
	if len(args) != f.args {
		m.fault("%s: %d arguments, want %d", name, len(args), f.args)
		return invalidValue
	}
	if m.o.Fail != nil {
		if code := m.o.Fail(name, m.calls[name]); code != 0 {
			m.lose(code)
			return code
		}
	}
	if f.need >= needInit && !m.inited {
		m.fault("%s: before cuInit", name)
		return notInitialized
	}
	if f.need >= needContext {
		d := m.bound()
		if d == nil {
			m.fault("%s: the thread is bound to no context", name)
			return invalidContext
		}
		if d.dead != 0 {
			return d.dead
		}
		if f.need == needNoCapture && m.spoils(name) {
			return captureUnsupported
		}
		m.someWork()
	}
	return f.run(m, args)
}

// lose makes an error that was asked for one of the device, where it is one after which
// nothing works.
func (m *Machine) lose(code int) {
	if d := m.bound(); d != nil && code >= 700 && code < 720 && d.dead == 0 {
		d.dead = code
	}
}

// bound returns the device that the thread is bound to.
func (m *Machine) bound() *device { return m.current[thread()] }

// Codes of CUresult.
const (
	invalidValue       = 1
	outOfMemory        = 2
	notInitialized     = 3
	noDevice           = 100
	invalidDevice      = 101
	invalidContext     = 201
	invalidPTX         = 218
	invalidHandle      = 400
	notFound           = 500
	notReady           = 600
	illegalAddress     = 700
	misaligned         = 716
	launchFailed       = 719
	captureUnsupported = 900
	captureInvalidated = 901
	captureIsolation   = 905
	captureThread      = 908
)
