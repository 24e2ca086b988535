package drv

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"lamina/kernels/cuda/internal/sys"
)

// Ptr is an address in a device's memory.
type Ptr uint64

// Device is a device whose primary context is held: the one that other libraries in this
// process use too.
type Device struct {
	driver    *Driver
	info      Info
	handle    uintptr
	context   uintptr
	dead      atomic.Pointer[Error] // the error after which nothing works
	closed    atomic.Bool
	capturing atomic.Int64 // the thread that captures
	launches  ring
}

// Device takes device n into use. It refuses one that [Info.Usable] refuses, and says
// which others there are.
func (d *Driver) Device(n int) (*Device, error) {
	all, err := d.Devices()
	if err != nil {
		return nil, err
	}
	if n < 0 || n >= len(all) {
		return nil, absent(fmt.Sprintf("cuda: no device %d: there %s", n, count(len(all))))
	}
	if err := all[n].Usable(); err != nil {
		return nil, fmt.Errorf("%w%s", err, others(all))
	}
	info, handle, err := d.info(n)
	if err != nil {
		return nil, err
	}
	dev := &Device{driver: d, info: info, handle: handle}
	context := onHeap[uintptr]()
	if err := d.call("cuDevicePrimaryCtxRetain", d.procs.DevicePrimaryCtxRetain, address(context), handle); err != nil {
		return nil, onDevice(err, n)
	}
	dev.context = *context
	return dev, nil
}

// absent is the error of a device that there is not.
type absent string

func (a absent) Error() string        { return string(a) }
func (a absent) Is(target error) bool { return target == ErrNoDevice }

// count says how many devices there are, and what they are called.
func count(n int) string {
	switch n {
	case 0:
		return "are none"
	case 1:
		return "is one, cuda:0"
	}
	return fmt.Sprintf("are %d, cuda:0 to cuda:%d", n, n-1)
}

// others names the usable devices.
func others(all []Info) string {
	for _, i := range all {
		if i.Usable() == nil {
			return fmt.Sprintf("; use cuda:%d (%s)", i.Index, i.Name)
		}
	}
	return ""
}

// Info describes the device.
func (d *Device) Info() Info { return d.info }

// Close lets the primary context go. What was made of the device, its memory too, is to
// be given back before. A second call does nothing.
func (d *Device) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	if d.dead.Load() != nil {
		d.driver.procs.DevicePrimaryCtxRelease(d.handle) // it can only fail again
		return nil
	}
	return onDevice(d.driver.call("cuDevicePrimaryCtxRelease_v2", d.driver.procs.DevicePrimaryCtxRelease, d.handle), d.info.Index)
}

// do makes a call that is not frequent, bound to the device's context.
func (d *Device) do(op, name string, p sys.Proc, args ...uintptr) error {
	bind := onHeap[[1]uintptr]()
	bind[0] = d.context
	return d.bound(bind, op, name, p, args)
}

// release makes a call that gives something back. A device after an error has lost it
// already.
func (d *Device) release(op, name string, p sys.Proc, handle uintptr) error {
	if d.dead.Load() != nil {
		return nil
	}
	return d.do(op, name, p, handle)
}

// bound makes a call with the thread bound to the device's context. Nothing is allocated
// where all goes well.
func (d *Device) bound(bind *[1]uintptr, op, name string, p sys.Proc, args []uintptr) error {
	status, err := d.raw(bind, op, name, p, args)
	if err != nil || status == 0 {
		return err
	}
	return d.fail(int(status), name, op)
}

// raw is bound for a function whose status is no CUresult, or no error. It is the one
// place where a thread is bound.
func (d *Device) raw(bind *[1]uintptr, op, name string, p sys.Proc, args []uintptr) (int32, error) {
	if e := d.dead.Load(); e != nil {
		return 0, e
	}
	if d.closed.Load() {
		return 0, fmt.Errorf("cuda:%d: %s: the device is closed", d.info.Index, name)
	}
	runtime.LockOSThread()
	var result int32
	status := int32(d.driver.procs.CtxSetCurrent(bind[:]...))
	if status == 0 {
		result = int32(p(args...))
	}
	runtime.UnlockOSThread()
	keep(bind)
	if status != 0 {
		return 0, d.fail(int(status), "cuCtxSetCurrent", op)
	}
	return result, nil
}

// fail makes the error of a call. One that leaves the device unusable is kept.
func (d *Device) fail(code int, call, op string) error {
	e := newError(d.driver, code, call, op)
	e.Device = d.info.Index
	if !sticky(code) {
		return e
	}
	e.Launches = d.launches.newest()
	if !d.dead.CompareAndSwap(nil, e) {
		return d.dead.Load()
	}
	return e
}

// Alloc returns memory of the device, aligned to 256 bytes, with whatever it held.
func (d *Device) Alloc(bytes int64) (Ptr, error) {
	if err := d.notCapturing("cuMemAlloc_v2", "Alloc"); err != nil {
		return 0, err
	}
	p := onHeap[uint64]()
	err := d.do("Alloc", "cuMemAlloc_v2", d.driver.procs.MemAlloc, address(p), uintptr(bytes))
	return Ptr(*p), err
}

// Free gives memory back. No work that is still to be done may name it.
func (d *Device) Free(p Ptr) error {
	if err := d.notCapturing("cuMemFree_v2", "Free"); err != nil {
		return err
	}
	return d.release("Free", "cuMemFree_v2", d.driver.procs.MemFree, uintptr(p))
}

// MemInfo returns how much memory of the device is free, and how much it has, in bytes.
func (d *Device) MemInfo() (free, total int64, err error) {
	out := onHeap[[2]uint64]()
	err = d.do("MemInfo", "cuMemGetInfo_v2", d.driver.procs.MemGetInfo, address(&out[0]), address(&out[1]))
	return int64(out[0]), int64(out[1]), err
}

// notCapturing refuses what a capture by the same thread does not bear: it would come to
// an end with it. Other threads may do it meanwhile.
func (d *Device) notCapturing(call, op string) error {
	if by := d.capturing.Load(); by == 0 || by != int64(thread()) {
		return nil
	}
	return d.fail(captureUnsupported, call, op)
}
