// Package lt computes matrix products by NVIDIA's cuBLASLt.
//
//	l, err := lt.Open(lib, stream, 32<<20)
//	p := lt.Product{M: 512, N: 768, K: 768, TransB: true, LDA: 768, LDB: 768, LDC: 768, Compute: lt.ComputeF32}
//	need, err := l.Prepare(stream, p)      // bytes of workspace
//	err = l.Run(stream, p, lt.Operands{A: x, B: w, C: y, D: y, Workspace: s, Bytes: need})
//
// Matrices are row-major, D = Func(op(A)·op(B) + Bias) + Beta·C; the library's are
// column-major, so it is asked for the transpose, D' = op(B)'·op(A)', of the same memory.
//
// Which of its algorithms computes a product is chosen once for all numbers of rows M: the
// first that the library's heuristic names for M = [Reference] among those that do not cut
// the inner axis. A row's sum then goes up the inner axis in the algorithm's steps, with no
// regard to how many rows there are. (With TransA, the weight gradient, M is a size of the
// layer and is part of the choice.) That the bits of a row do not depend on M is therefore
// promised by the design; no GPU has confirmed it yet. Nothing is timed: that would choose
// otherwise in another run.
//
// A product that the library has no algorithm for is [*Refused]; its reason is kept.
package lt

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"lamina/kernels/cuda/internal/sys"
)

// Stream is where work goes: a drv.Stream.
type Stream interface {
	// Do calls a function of the library with the thread bound to the device.
	Do(name string, p sys.Proc, args []uintptr) (status int32, err error)
	// Handle is the CUstream.
	Handle() uintptr
}

// Library is cuBLASLt on one device. Its methods may be called from several goroutines at
// once.
type Library struct {
	procs   *sys.CublasLt
	path    string
	version uintptr
	most    int64 // bytes of workspace

	mu    sync.Mutex
	h     *host
	plans map[key]*plan
}

// host is what is handed to the library by address. It lies on the heap, which does not
// move.
type host struct {
	handle  uintptr
	out     uintptr
	value   [2]uint64 // an attribute; how much was written
	results [candidates]result
	args    [16]uintptr
	alpha   float32
	beta    float32
}

// Open makes a handle of the library for the device of on. most is how many bytes of
// workspace a product may have.
func Open(lib sys.Library, on Stream, most int64) (*Library, error) {
	procs, err := sys.BindCublasLt(lib)
	if err != nil {
		return nil, err
	}
	l := newLibrary(procs, lib.Path(), most)
	if err := l.do(on, "cublasLtCreate", procs.Create, address(&l.h.handle)); err != nil {
		return nil, fmt.Errorf("%s: %w", lib.Path(), err)
	}
	return l, nil
}

func newLibrary(procs *sys.CublasLt, path string, most int64) *Library {
	return &Library{procs: procs, path: path, version: procs.GetVersion(), most: most, h: &host{alpha: 1}, plans: map[key]*plan{}}
}

// Path is where the library was found.
func (l *Library) Path() string { return l.path }

// Version is that of the library: "11.11.3", "12.8.4".
func (l *Library) Version() string {
	v := l.version
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}

// Close gives plans and handle back.
func (l *Library) Close(on Stream) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropPlans()
	if l.h.handle == 0 {
		return nil
	}
	err := l.do(on, "cublasLtDestroy", l.procs.Destroy, l.h.handle)
	l.h.handle = 0
	return err
}

// do calls a function that uses the device.
func (l *Library) do(on Stream, name string, p sys.Proc, args ...uintptr) error {
	status, err := on.Do(name, p, args)
	runtime.KeepAlive(l)
	if err != nil || status == 0 {
		return err
	}
	return &Error{int(status), name}
}

// call calls a function that is about descriptors alone.
func (l *Library) call(name string, p sys.Proc, args ...uintptr) error {
	status := int32(p(args...))
	runtime.KeepAlive(l)
	if status == 0 {
		return nil
	}
	return &Error{int(status), name}
}

func address[T any](v *T) uintptr { return uintptr(unsafe.Pointer(v)) }
