package kernels

// Kernel is one call of an operation from outside this module, operands included, with
// code of its own for the devices that its author thought of. Which form a backend can
// run is the backend's to say: one that computes on the host wants a [HostKernel]; one
// for a GPU names the interface by which it asks for source or machine code, as package
// cuda does with its Kernel.
type Kernel interface {
	// Name is how profiles call the operation.
	Name() string
}

// HostKernel is a [Kernel] for backends that compute on the host, whose tensors it
// reads and writes in place with [tensor.HostFloats] and [tensor.HostInts].
type HostKernel interface {
	Kernel
	// Len returns the number of pieces of work, none of which needs another.
	Len() int
	// Run does the pieces [from, to). Several calls, of different pieces, may run at
	// once. Numbers must not depend on how pieces are cut into calls.
	Run(from, to int)
}

// Custom runs k, if it has code that be can run, and reports whether it did. If not,
// nothing has happened, and the caller makes do with the other operations of this
// package:
//
//	if !kernels.Custom(p.Backend, bumpKernel{y.T, x.T}) {
//		kernels.Unary(p.Backend, kernels.Square, y.T, x.T)
//		...
//	}
//
// The checks of shapes and types are the author's.
func Custom(be Backend, k Kernel) bool {
	if k == nil {
		fail("Custom", "no kernel")
	}
	return be.Custom(k)
}
