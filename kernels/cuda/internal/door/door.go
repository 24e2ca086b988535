// Package door lets tests open a backend on libraries of their own, such as the simulated
// ones of package sim, with what a program cannot ask for. Package cuda sets [Open]; its
// package cudatest is who calls it.
package door

import "lamina/kernels/cuda/internal/sys"

// Options is what tests may ask for, beside the options of package cuda.
type Options struct {
	Driver   sys.Library // libcuda
	Products sys.Library // libcublasLt; nil for none
	// NoProducts says why Products is nil.
	NoProducts error
	// Stage is half the pinned memory of a queue, in bytes; 0 is what programs have.
	Stage int
	// DropWaits leaves out what one queue waits for of another: a planted mistake.
	DropWaits bool
}

// Open opens a backend: o is package cuda's Options, and what is returned its *Backend.
var Open func(o any, with Options) (any, error)
