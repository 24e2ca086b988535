// Package autograd runs tensor operations and differentiates them in reverse.
//
// A [Pass] is one run of a model: its methods are the operations, eager and
// checked. With a [Tape] the pass remembers what backward needs; with a nil Tape
// the same code is inference. It knows no layers and no devices but the
// [kernels.Backend] it is given.
//
//	p := autograd.NewPass(ref.New())
//	p.Tape = autograd.NewTape()
//	y := p.Linear(p.Input(x), p.Param(w), autograd.Var{})
//	loss := p.Sum(p.CrossEntropy(y, targets))
//	p.Backward(loss, 1/float64(rows))     // adds to w.Grad
//	p.Reset()
//
// Invariants:
//   - a [Var] is a value; a Var with nothing trainable beneath costs no record, no
//     saved input and no gradient ("frozen is free"): each operation asks per
//     operand who needs a gradient, and saves the least;
//   - every tensor of a pass belongs to its arena: it is freed when its scope
//     ([Pass.Begin], [Pass.End]) closes unless a record saved it, and saved tensors
//     are freed as backward passes them; [Pass.Reset] frees the rest;
//   - forward and backward of an operation share a file.
package autograd

import (
	"fmt"

	"lamina/kernels"
	"lamina/tensor"
)

// Var is a tensor in a pass, and whether (and where) its gradient is wanted.
// The zero Var is an absent operand.
type Var struct {
	T    tensor.Tensor
	node int32 // 0: nothing trainable beneath
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

// Pass is one run of operations. It is not for concurrent use; several passes
// may run at once, each with its own arena, as long as no two of them
// differentiate the same parameters.
type Pass struct {
	Backend kernels.Backend
	Arena   *tensor.Arena
	Tape    *Tape // nil: inference
	Dropout Dropout
	// Recompute asks models to run each block with [Pass.Recomputed]: less memory
	// for another forward pass.
	Recompute bool
	// Decoding selects the products of one-token-per-sequence steps, whose sums
	// have their own order.
	Decoding bool

	products []kernels.MatMulArgs // of one call, reused
}

// NewPass returns an inference pass with an arena of its own.
func NewPass(be kernels.Backend) *Pass {
	return &Pass{Backend: be, Arena: tensor.NewArena(be)}
}

// Input returns a Var without gradient.
func (p *Pass) Input(t tensor.Tensor) Var { return Var{T: t} }

// Param returns a parameter's Var: tracked if it is trainable and the pass has a tape.
func (p *Pass) Param(w *Parameter) Var {
	if w == nil {
		return Var{}
	}
	if p.Tape == nil || !w.Trainable {
		return Var{T: w.Value}
	}
	if w.Grad.IsNone() {
		panic(fmt.Sprintf("autograd: Param: %s is trainable but has no gradient buffer", w.Name))
	}
	return Var{T: w.Value, node: p.Tape.leaf(w)}
}

// New returns an uninitialised tensor of the arena.
func (p *Pass) New(d tensor.DType, shape ...int) tensor.Tensor { return p.Arena.New(d, shape...) }

// Begin opens a scope: End frees what was made since, but for its result and
// for what records saved.
func (p *Pass) Begin() int { return p.Arena.Begin() }

// End closes the scope opened at mark and returns y, which outlives it.
func (p *Pass) End(mark int, y Var) Var {
	p.Arena.End(mark, y.T)
	return y
}

// Reset frees every tensor of the pass and forgets its records.
func (p *Pass) Reset() {
	if p.Tape != nil {
		p.Tape.reset()
	}
	p.Arena.Reset()
}
