package sim

import "lamina/kernels/cuda/internal/ptx"

// device is a simulated device with its primary context.
type device struct {
	index    int
	is       Device
	handle   uintptr // of the primary context
	retained int
	dead     int // the code that every call returns
	memory   *ptx.Machine
	blocks   map[uint64]int // address → bytes
	used     int64
}

func newDevice(i int, d Device, o ptx.Options) *device {
	if d.Name == "" {
		d.Name = "NVIDIA H200 (simulated)"
	}
	if d.Major == 0 {
		d.Major = 9
	}
	if d.Memory == 0 {
		d.Memory = 1 << 30
	}
	if d.Multiprocessors == 0 {
		d.Multiprocessors = 132
	}
	return &device{index: i, is: d, memory: ptx.New(o), blocks: map[uint64]int{}}
}

// Numbers of CUdevice_attribute, and what a device answers.
func (d *device) attribute(n uintptr) (int, bool) {
	switch n {
	case 1:
		return 1024, true // threads of a block
	case 8:
		return 48 << 10, true // shared memory of a block
	case 10:
		return 32, true // threads of a warp
	case 16:
		return d.is.Multiprocessors, true
	case 20:
		return d.is.Mode, true
	case 38:
		return 50 << 20, true // L2
	case 75:
		return d.is.Major, true
	case 76:
		return d.is.Minor, true
	case 97:
		return maxShared, true
	}
	return 0, false
}

const maxShared = 227 << 10 // of a block that asks for it

func (m *Machine) device(call string, n uintptr) (*device, bool) {
	if n >= uintptr(len(m.devices)) {
		m.fault("%s: no device %d", call, n)
		return nil, false
	}
	return m.devices[n], true
}

func cuInit(m *Machine, a []uintptr) int {
	if len(m.devices) == 0 {
		return noDevice
	}
	m.inited = true
	return 0
}

func cuDriverGetVersion(m *Machine, a []uintptr) int {
	*at[int32](a[0]) = int32(m.o.Driver)
	return 0
}

func cuDeviceGetCount(m *Machine, a []uintptr) int {
	*at[int32](a[0]) = int32(len(m.devices))
	return 0
}

func cuDeviceGet(m *Machine, a []uintptr) int {
	if a[1] >= uintptr(len(m.devices)) {
		return invalidDevice
	}
	*at[int32](a[0]) = int32(a[1])
	return 0
}

func cuDeviceGetName(m *Machine, a []uintptr) int {
	d, ok := m.device("cuDeviceGetName", a[2])
	if !ok {
		return invalidDevice
	}
	to := hostBytes(a[0], int(a[1]))
	to[copy(to[:len(to)-1], d.is.Name)] = 0
	return 0
}

func cuDeviceGetUuid(m *Machine, a []uintptr) int {
	to := hostBytes(a[0], 16)
	for i := range to {
		to[i] = byte(16*int(a[1]) + i)
	}
	return 0
}

func cuDeviceGetAttribute(m *Machine, a []uintptr) int {
	d, ok := m.device("cuDeviceGetAttribute", a[2])
	if !ok {
		return invalidDevice
	}
	v, ok := d.attribute(a[1])
	if !ok {
		m.fault("cuDeviceGetAttribute: the simulation knows no attribute %d", a[1])
		return invalidValue
	}
	*at[int32](a[0]) = int32(v)
	return 0
}

func cuDeviceTotalMem(m *Machine, a []uintptr) int {
	d, ok := m.device("cuDeviceTotalMem", a[1])
	if !ok {
		return invalidDevice
	}
	*at[uint64](a[0]) = uint64(d.is.Memory)
	return 0
}

func cuDevicePrimaryCtxRetain(m *Machine, a []uintptr) int {
	d, ok := m.device("cuDevicePrimaryCtxRetain", a[1])
	if !ok {
		return invalidDevice
	}
	if d.retained == 0 {
		d.handle = m.add(d)
	}
	d.retained++
	*at[uintptr](a[0]) = d.handle
	return 0
}

func cuDevicePrimaryCtxRelease(m *Machine, a []uintptr) int {
	d, ok := m.device("cuDevicePrimaryCtxRelease", a[0])
	if !ok || d.retained == 0 {
		m.fault("cuDevicePrimaryCtxRelease: device %d is not retained", a[0])
		return invalidContext
	}
	if d.retained--; d.retained == 0 {
		delete(m.objects, d.handle)
		m.retired[d.handle] = "context"
		d.dead = 0
	}
	return 0
}

func cuCtxSetCurrent(m *Machine, a []uintptr) int {
	if a[0] == 0 {
		delete(m.current, thread())
		return 0
	}
	d, ok := get[*device](m, "cuCtxSetCurrent", a[0])
	if !ok {
		return invalidContext
	}
	m.current[thread()] = d
	return 0
}

// errorTexts are what the library says of some codes; of others it says nothing.
var errorTexts = map[uintptr][2]string{
	2:   {"CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
	100: {"CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
	700: {"CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
}

func cuGetErrorName(m *Machine, a []uintptr) int   { return m.errorText(a, 0) }
func cuGetErrorString(m *Machine, a []uintptr) int { return m.errorText(a, 1) }

func (m *Machine) errorText(a []uintptr, which int) int {
	t, ok := errorTexts[a[0]]
	if !ok {
		return invalidValue
	}
	*at[uintptr](a[1]) = m.text(t[which])
	return 0
}
