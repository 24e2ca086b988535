// Package drv drives NVIDIA's driver library: devices, streams, events, modules, pinned
// memory and graphs, over the functions that package sys finds.
//
//	driver, err := drv.Open(lib)
//	dev, err := driver.Device(0)
//	defer dev.Close()
//	stream, err := dev.NewStream()
//	x, err := dev.Alloc(1 << 20)
//	err = stream.Launch(f, [3]int{4096, 1, 1}, [3]int{256, 1, 1}, 0, params)
//	err = stream.Sync()
//
// Every method binds the calling thread to the device's primary context for its own
// duration, so any goroutine may call any method. What a stream's methods enqueue is
// done later; the memory that they name must live until then. A call that a stream makes
// often (launch, copy, fill, event) allocates nothing.
//
// Errors are *[Error]. An error that leaves a device unusable is kept: every later call
// on that device returns it, but for those that give something back, which have nothing
// left to do.
package drv

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"lamina/kernels/cuda/internal/sys"
)

// Oldest is the oldest driver that is taken, as cuDriverGetVersion counts: the one of
// CUDA 11.8 (520), which is the first to load PTX 7.8.
const Oldest = 11080

// SyncVariable is the environment variable that, set to 1, makes every launch wait for
// its end, so that an error names the kernel that made it.
const SyncVariable = "LAMINA_CUDA_SYNC"

// Driver is a driver library that has been initialised.
type Driver struct {
	procs   *sys.CUDA
	path    string
	version int
	sync    bool // wait after every launch
}

// Open initialises the driver: its version is at least [Oldest], it has every function,
// and cuInit finds a device.
func Open(lib sys.Library) (*Driver, error) {
	d := &Driver{procs: &sys.CUDA{}, path: lib.Path(), sync: os.Getenv(SyncVariable) == "1"}
	version, err := Version(lib)
	if err != nil {
		return nil, err
	}
	d.version = version
	if version < Oldest {
		return nil, fmt.Errorf("cuda: driver %s (%s) is too old, need %s or later: update the NVIDIA driver to 520 or later",
			Dotted(version), d.path, Dotted(Oldest))
	}
	if d.procs, err = sys.BindCUDA(lib); err != nil {
		return nil, fmt.Errorf("cuda: driver %s: %w", Dotted(version), err)
	}
	return d, d.call("cuInit", d.procs.Init, 0)
}

// Version asks a driver library for its version, which needs no device: 12020 is that of
// CUDA 12.2.
func Version(lib sys.Library) (int, error) {
	get, err := lib.Lookup("cuDriverGetVersion")
	if err != nil {
		return 0, fmt.Errorf("cuda: this is no driver: %w", err)
	}
	version := onHeap[int32]()
	status := get(address(version))
	if int32(status) != 0 {
		return 0, newError(nil, int(int32(status)), "cuDriverGetVersion", "")
	}
	return int(*version), nil
}

// Dotted writes a version as the driver counts it: 12020 is 12.2.
func Dotted(version int) string { return fmt.Sprintf("%d.%d", version/1000, version%1000/10) }

// Version returns the newest CUDA version that the driver knows: 12020 for CUDA 12.2.
func (d *Driver) Version() int { return d.version }

// call makes a call that needs no context.
func (d *Driver) call(name string, p sys.Proc, args ...uintptr) error {
	if status := int(int32(p(args...))); status != 0 {
		return newError(d, status, name, "")
	}
	return nil
}

// onHeap returns memory that a library may write to: it stays where it is, as what lies
// on a goroutine's stack does not.
//
//go:noinline
func onHeap[T any]() *T { return new(T) }

// address returns where v lies. The caller keeps v reachable until the library is done
// with it (runtime.KeepAlive, or by reading it after the call).
func address[T any](v *T) uintptr { return uintptr(unsafe.Pointer(v)) }

// pointer returns the address that a library gave as a pointer.
func pointer(a uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&a)) }

// cString reads the text at an address of the library's own memory, up to 1 KiB.
func cString(a uintptr) string {
	if a == 0 {
		return ""
	}
	var b []byte
	for len(b) < 1<<10 {
		c := *(*byte)(pointer(a + uintptr(len(b))))
		if c == 0 {
			break
		}
		b = append(b, c)
	}
	return string(b)
}

// keep holds v reachable up to here.
func keep(v any) { runtime.KeepAlive(v) }
