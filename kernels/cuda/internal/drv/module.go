package drv

import "strings"

// Module is PTX that the driver has made machine code of.
type Module struct {
	dev    *Device
	handle uintptr
}

// Function is a kernel of a module.
type Function struct {
	dev    *Device
	handle uintptr
	name   string
}

// Numbers of CUjit_option, and the size of the text that the compiler may leave.
const (
	jitErrorLog     = 5
	jitErrorLogSize = 6
	logBytes        = 16 << 10
)

// Load makes machine code of PTX for the device. The error of PTX that the driver refuses
// has the line of it, in [Error.Log].
func (d *Device) Load(ptx []byte) (*Module, error) {
	if err := d.notCapturing("cuModuleLoadDataEx", "Load"); err != nil {
		return nil, err
	}
	image := append(append(make([]byte, 0, len(ptx)+1), ptx...), 0)
	log := onHeap[[logBytes]byte]()
	options := onHeap[[2]int32]()
	*options = [2]int32{jitErrorLog, jitErrorLogSize}
	values := onHeap[[2]uintptr]()
	*values = [2]uintptr{address(log), logBytes}
	h := onHeap[uintptr]()
	err := d.do("Load", "cuModuleLoadDataEx", d.driver.procs.ModuleLoadDataEx,
		address(h), address(&image[0]), uintptr(len(options)), address(options), address(values))
	keep(image)
	keep(options)
	keep(values)
	if e, ok := err.(*Error); ok && !sticky(e.Code) {
		text, _, _ := strings.Cut(string(log[:]), "\x00")
		e.Log = strings.TrimSpace(text)
	}
	if err != nil {
		return nil, err
	}
	return &Module{d, *h}, nil
}

// Function finds a kernel by its name.
func (m *Module) Function(name string) (*Function, error) {
	text := append([]byte(name), 0)
	h := onHeap[uintptr]()
	err := m.dev.do(name, "cuModuleGetFunction", m.dev.driver.procs.ModuleGetFunction, address(h), m.handle, address(&text[0]))
	keep(text)
	if err != nil {
		return nil, err
	}
	return &Function{m.dev, *h, name}, nil
}

// Unload gives the module back. None of its kernels may be under way.
func (m *Module) Unload() error {
	h := m.handle
	if h == 0 {
		return nil
	}
	m.handle = 0
	return m.dev.release("Unload", "cuModuleUnload", m.dev.driver.procs.ModuleUnload, h)
}

// Numbers of CUfunction_attribute.
const (
	funcThreads      = 0
	funcShared       = 1
	funcLocal        = 3
	funcRegisters    = 4
	funcDynamicBytes = 8
)

// Name returns the kernel's name.
func (f *Function) Name() string { return f.name }

// SetShared permits launches with up to this much dynamic shared memory; without it they
// have 48 KiB less [Usage.Shared].
func (f *Function) SetShared(bytes int) error {
	return f.dev.do(f.name, "cuFuncSetAttribute", f.dev.driver.procs.FuncSetAttribute, f.handle, funcDynamicBytes, uintptr(bytes))
}

// Usage is what a kernel takes on the device it was loaded for.
type Usage struct {
	Threads   int // the largest block
	Shared    int // static shared memory, bytes
	Local     int // memory of a thread that registers spill to, bytes
	Registers int // of a thread
}

// Usage asks the driver what the kernel takes.
func (f *Function) Usage() (Usage, error) {
	var u Usage
	out := onHeap[int32]()
	for _, a := range []struct {
		to     *int
		number uintptr
	}{{&u.Threads, funcThreads}, {&u.Shared, funcShared}, {&u.Local, funcLocal}, {&u.Registers, funcRegisters}} {
		if err := f.dev.do(f.name, "cuFuncGetAttribute", f.dev.driver.procs.FuncGetAttribute, address(out), a.number, f.handle); err != nil {
			return u, err
		}
		*a.to = int(*out)
	}
	return u, nil
}
