// Package sys finds shared libraries and calls their functions. It is the one package of
// the module that may import purego, and does so under the build tag cuda alone: with
// purego a Go binary is no longer static, but asks for the system's loader.
//
//	lib, err := sys.Open("libcuda.so.1")
//	cuInit, err := lib.Lookup("cuInit")
//	status := cuInit(0)
//
// Arguments are integers and addresses. An address of Go memory is that of a heap object
// which the caller keeps reachable until the call has returned, and which holds no Go
// pointer that the library follows; package drv does this with buffers of its own.
package sys

// Proc is a function of a library: what comes back is its result register. The list of
// arguments is the caller's again when the call returns; hand one over that is kept
// (args...) where calls are frequent, since a list spelled out is allocated.
type Proc func(args ...uintptr) uintptr

// Library is a shared library that is loaded, for as long as the process lives: NVIDIA's
// libraries do not bear being unloaded.
type Library interface {
	// Path is the name that it was loaded by.
	Path() string
	// Lookup returns a function. Its error names symbol and library.
	Lookup(symbol string) (Proc, error)
}
