package drv

import (
	"errors"
	"fmt"
	"strings"

	"lamina/kernels/cuda/internal/sys"
)

// What errors.Is tells of an [Error].
var (
	ErrOOM      = errors.New("cuda: out of memory")
	ErrNoDevice = errors.New("cuda: no device")
	ErrSticky   = errors.New("cuda: the device takes no more work in this process")
)

// Error is a call of the driver that failed.
type Error struct {
	Code   int
	Name   string // "CUDA_ERROR_ILLEGAL_ADDRESS"
	Text   string // the driver's words for it
	Call   string // the function: "cuLaunchKernel"
	Op     string // what it was called for: a kernel's name, or a method
	Device int    // -1 where it is of none
	Driver int    // version, 0 where that is unknown
	Log    string // what the compiler of PTX says
	// Launches are the last ones before an error that leaves the device unusable, the
	// newest first.
	Launches []Launch
}

func newError(d *Driver, code int, call, op string) *Error {
	e := &Error{Code: code, Call: call, Op: op, Device: -1}
	if known, ok := codes[code]; ok {
		e.Name, e.Text = known.name, known.text
	} else {
		e.Name, e.Text = fmt.Sprintf("CUDA error %d", code), "unknown error"
	}
	if d == nil {
		return e
	}
	e.Driver = d.version
	if s := d.text(d.procs.GetErrorName, code); s != "" {
		e.Name = s
	}
	if s := d.text(d.procs.GetErrorString, code); s != "" {
		e.Text = s
	}
	return e
}

// text asks the driver for the name or the words of an error.
func (d *Driver) text(p sys.Proc, code int) string {
	if p == nil {
		return ""
	}
	out := onHeap[uintptr]()
	if int32(p(uintptr(code), address(out))) != 0 {
		return ""
	}
	return cString(*out)
}

// onDevice says of which device an error is.
func onDevice(err error, n int) error {
	if e, ok := err.(*Error); ok {
		e.Device = n
	}
	return err
}

// Error says where, what and what to do: "cuda:0: lamina_fill: cuLaunchKernel: …".
func (e *Error) Error() string {
	var b strings.Builder
	if e.Device >= 0 {
		fmt.Fprintf(&b, "cuda:%d: ", e.Device)
	} else {
		b.WriteString("cuda: ")
		if e.Driver > 0 {
			fmt.Fprintf(&b, "driver %s: ", Dotted(e.Driver))
		}
	}
	if e.Op != "" && e.Op != e.Call {
		fmt.Fprintf(&b, "%s: ", e.Op)
	}
	fmt.Fprintf(&b, "%s: %s (%s, %d)", e.Call, e.Text, e.Name, e.Code)
	if remedy := codes[e.Code].remedy; remedy != "" {
		fmt.Fprintf(&b, ": %s", remedy)
	}
	if e.Log != "" {
		fmt.Fprintf(&b, "\n%s", e.Log)
	}
	if sticky(e.Code) {
		fmt.Fprintf(&b, "; %s takes no more work in this process", e.device())
		e.writeLaunches(&b)
	}
	return b.String()
}

func (e *Error) device() string {
	if e.Device < 0 {
		return "the device"
	}
	return fmt.Sprintf("device %d", e.Device)
}

// writeLaunches lists what may have been under way.
func (e *Error) writeLaunches(b *strings.Builder) {
	if len(e.Launches) == 0 {
		return
	}
	fmt.Fprintf(b, ".\nThe last launches, newest first (with %s=1 the error names the one that made it):", SyncVariable)
	for i := 0; i < len(e.Launches); {
		n := 1
		for i+n < len(e.Launches) && e.Launches[i+n] == e.Launches[i] {
			n++
		}
		fmt.Fprintf(b, "\n  %v", e.Launches[i])
		if n > 1 {
			fmt.Fprintf(b, ", %d times", n)
		}
		i += n
	}
}

// Is matches [ErrOOM], [ErrNoDevice] and [ErrSticky].
func (e *Error) Is(target error) bool {
	switch target {
	case ErrOOM:
		return e.Code == outOfMemory
	case ErrNoDevice:
		return e.Code == noDevice || e.Code == invalidDevice
	case ErrSticky:
		return sticky(e.Code)
	}
	return false
}

// Codes of CUresult that something here depends on.
const (
	outOfMemory        = 2
	noDevice           = 100
	invalidDevice      = 101
	captureUnsupported = 900
)

// sticky reports whether a context is lost with an error.
func sticky(code int) bool { return codes[code].sticky }
