// Package kernels defines what a device computes: the [Backend] interface, the
// descriptors of its larger calls, and one checked front function per call.
//
// The front functions (MatMul, LayerNorm, …) check shapes and types once and
// panic `kernels: Op: what: shapes`; backends assume. Package autograd calls
// front functions only. Three implementations exist or are planned: ref (obvious
// loops, the oracle), cpu (assembly and goroutines), cuda.
//
//	be := ref.New()
//	kernels.MatMul(be, kernels.MatMulArgs{C: c, A: x, B: w, TransB: true})
//
// Conventions of every call:
//   - axes: N rows of a ragged batch, D model width, H query heads, K head width,
//     F feed-forward width, V vocabulary; matrices are row-major;
//   - the first argument is written; `dX` is the gradient of x;
//   - all float operands of one call have one type, F32 (F64 in ref), except
//     weights, which may have any storage type where the comment says so;
//   - a tensor of more than two axes is a matrix [Rows Cols] where one is asked for;
//   - any axis may be empty;
//   - outputs are overwritten unless the comment says "added";
//   - outputs alias no input unless the comment allows it;
//   - the same bits come out for any number of workers and any other rows in the
//     batch: a row's sums depend on its own data and on the operation's constants;
//   - several goroutines may call one backend at once, on outputs of their own.
package kernels

import "lamina/tensor"

// Backend computes on one device, in the order of one queue: see [tensor.Device] for
// what that means for memory and copies. Methods correspond one to one to the front
// functions of this package, whose comments are their contracts; each issues work and
// may return before it is done. An error of the work is Sync's. The lists of a
// descriptor (products, segments, prefixes) are the caller's again when the call
// returns.
type Backend interface {
	tensor.Device

	// Queue returns a further queue of the same device, for a pass that is to run
	// beside others; a device without queues returns itself. Memory belongs to all
	// queues of a device alike. Work on the new queue comes after what was issued on
	// this one before the call; later on, what one queue writes another may use after
	// Sync of the first. Closing the device ends its queues; Close of a queue that
	// Queue returned is not called.
	Queue() (Backend, error)

	Products         // matmul.go
	VectorProducts   // matvec.go
	Elementwise      // elementwise.go
	Movement         // shape.go
	Losses           // loss.go
	Norms            // norm.go
	AttentionKernels // attention.go
	Updates          // optim.go

	Custom(Kernel) bool
}
