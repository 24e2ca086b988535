// Package autograd runs tensor operations and differentiates them in reverse.
//
// A [Pass] is one run of a model: its methods are the operations, eager and
// checked. A training pass remembers what backward needs; on an inference pass the
// same code keeps nothing. It knows no layers and no devices but the
// [kernels.Backend] it is given.
//
//	p := autograd.NewTrainingPass(ref.New())
//	defer p.Close()
//	y := p.Linear(p.Input(x), p.Param(w), autograd.Var{})
//	loss := p.Sum(p.CrossEntropy(y, targets))
//	err := p.Backward(loss, 1/float64(rows))     // adds to w.Grad
//	p.Reset()
//
// Invariants:
//   - a [Var] is a value; a Var with nothing trainable beneath costs no record, no
//     saved input and no gradient ("frozen is free"): each operation asks per
//     operand who needs a gradient, and saves the least;
//   - a tracked Var is one of what its pass has recorded since [Pass.Backward] or
//     [Pass.Reset]: used later, or in another training pass, it panics;
//   - every tensor of a pass belongs to its arena: it is freed when its scope
//     ([Pass.Begin], [Pass.End]) closes unless a record saved it, and saved tensors
//     are freed as backward passes them; [Pass.Reset] frees the rest;
//   - a pass that finds no memory notes the error and computes nothing from then on,
//     as a bufio.Writer writes nothing after a failure: operations need no error of
//     their own, and whoever reads a number asks [Pass.Err] first;
//   - forward and backward of an operation share a file.
package autograd

import (
	"fmt"

	"lamina/kernels"
	"lamina/kernels/intercept"
	"lamina/tensor"
)

// Var is a tensor in a pass, and whether (and where) its gradient is wanted.
// The zero Var is an absent operand.
type Var struct {
	T    tensor.Tensor
	node int32  // 0: nothing trainable beneath
	tape uint32 // number of the tape that node is of
}

// IsNone reports whether v is absent.
func (v Var) IsNone() bool { return v.T.IsNone() }

// Tracked reports whether backward will reach v.
func (v Var) Tracked() bool { return v.node != 0 }

// Parameter is a weight: the one kind of leaf that can have a gradient. It
// outlives passes. A trainable one is F32 (F64 in gradient checks) and has a
// Grad of its shape, which Backward adds to; a frozen one may have any storage
// type and no Grad.
type Parameter struct {
	Name      string
	Value     tensor.Tensor
	Grad      tensor.Tensor
	Trainable bool
}

// Pass is one run of operations on one queue. It is not for concurrent use; several
// passes may run at once, each with its own arena, as long as no two of them
// differentiate the same parameters.
type Pass struct {
	// Backend is the queue that the pass runs on; once the pass has failed, one that
	// computes nothing. So an operation asks for it where it calls a kernel, and keeps
	// no copy.
	Backend kernels.Backend
	Arena   *tensor.Arena
	Dropout Dropout
	// Recompute asks models to run each block with [Pass.Recomputed]: less memory
	// for another forward pass.
	Recompute bool
	// Decoding selects the products of one-token-per-sequence steps, whose sums
	// have their own order.
	Decoding bool

	tape     *tape                // nil: inference
	products []kernels.MatMulArgs // of one call, reused

	err   error           // of the first tensor there was no memory for
	queue kernels.Backend // what Backend was before that
}

// NewPass returns an inference pass with an arena of its own: nothing is recorded.
func NewPass(be kernels.Backend) *Pass {
	return &Pass{Backend: be, Arena: tensor.NewArena(be)}
}

// NewTrainingPass returns a pass that [Pass.Backward] can differentiate, with an
// arena of its own.
func NewTrainingPass(be kernels.Backend) *Pass {
	p := NewPass(be)
	p.tape = newTape()
	return p
}

// Training reports whether the pass records.
func (p *Pass) Training() bool { return p.tape != nil }

// Input returns a Var without gradient.
func (p *Pass) Input(t tensor.Tensor) Var { return Var{T: t} }

// Param returns a parameter's Var: tracked if it is trainable and the pass records.
func (p *Pass) Param(w *Parameter) Var {
	if w == nil {
		return Var{}
	}
	if err := w.Value.Err(); err != nil {
		p.Fail(err)
	}
	if p.tape == nil || !w.Trainable {
		return Var{T: w.Value}
	}
	if w.Grad.IsNone() {
		panic(fmt.Sprintf("autograd: Param: %s is trainable but has no gradient buffer", w.Name))
	}
	return Var{T: w.Value, node: p.tape.leaf(w), tape: p.tape.number}
}

// New returns an uninitialised tensor of the arena. If there is no memory the pass
// has failed, and this and every further tensor is a [tensor.NoMemory].
func (p *Pass) New(d tensor.DType, shape ...int) tensor.Tensor {
	if p.err == nil {
		t, err := p.Arena.New(d, shape...)
		if err == nil {
			return t
		}
		p.Fail(err)
	}
	return tensor.NoMemory(p.err, d, shape...)
}

// Fail notes an error that makes the rest of the pass pointless, as New does if there
// is no memory: for operations that use something from outside. Of several errors the
// first is kept.
func (p *Pass) Fail(err error) {
	if p.err == nil {
		p.err, p.queue, p.Backend = err, p.Backend, &nothing{}
	}
}

// nothing is the backend of a failed pass: its calls are intercepted and left out.
type nothing struct {
	tensor.Nowhere
	intercept.Calls
}

func (n *nothing) Queue() (kernels.Backend, error) { return n, nil }

// Err returns the error of the first tensor since Reset that there was no memory for,
// an [*tensor.OutOfMemory] from most devices, or what Fail noted; nil if all is well.
// After an error the pass has computed nothing more: numbers read from its later tensors
// are NaN, ids -1.
func (p *Pass) Err() error { return p.err }

// Sync waits for the work of the pass and returns its first error: of memory, or of
// the work itself.
func (p *Pass) Sync() error {
	if p.err != nil {
		return p.err
	}
	return p.Backend.Sync()
}

// Begin opens a scope: End frees what was made since, but for its result and
// for what records saved.
func (p *Pass) Begin() int { return p.Arena.Begin() }

// End closes the scope opened at mark and returns y, which outlives it.
func (p *Pass) End(mark int, y Var) Var {
	p.Arena.End(mark, y.T)
	return y
}

// Reset frees every tensor of the pass and forgets its records and its error.
func (p *Pass) Reset() {
	if p.tape != nil {
		p.tape.reset()
	}
	p.Arena.Reset()
	if p.err != nil {
		p.err, p.queue, p.Backend = nil, nil, p.queue
	}
}

// Close resets the pass and gives its memory back to the device. The queue is the
// caller's.
func (p *Pass) Close() {
	p.Reset()
	p.Arena.Close()
}
