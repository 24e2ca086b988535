package autograd

import (
	"fmt"
	"sync/atomic"

	"lamina/kernels"
	"lamina/tensor"
)

// Op is the backward half of an operation. Implementations are stateless
// (struct{} types), so that a record costs no allocation; what a call needs
// stands in the [Record].
//
// Whether the halves fit together says [lamina/autograd/gradcheck.Check], which compares
// Backward with differences of forward: for operations of anybody's own too. Its example
// checks one.
//
// Both halves call functions of package kernels on the pass's Backend. One that has code
// of its own for a device calls [kernels.Custom] with it, and falls back on the others
// where that returns false; examples/spirals does so.
type Op interface {
	// Name is how gradcheck tables and profiles call the operation.
	Name() string
	// Backward receives the gradient of the output and hands gradients to the
	// inputs that are tracked, through [Pass.Give] or [Pass.Grad].
	Backward(p *Pass, r *Record, dY tensor.Tensor)
}

// Limits of a record; operations have few operands.
const (
	maxInputs = 4
	maxSaved  = 8
)

// Record is one operation on the tape. Saved tensors live until its backward
// has run.
type Record struct {
	Op    Op
	In    [maxInputs]Var // T is set only where saved
	Saved [maxSaved]tensor.Tensor

	// Parameters of the call, whatever the operation needs.
	Func   kernels.Func
	Scalar float64
	Ints   [4]int
	Ref    any // a pointer to something that outlives the pass

	out int32
}

type node struct {
	grad  tensor.Tensor
	param *Parameter
}

// tape remembers the operations of one forward pass. Its slices are reused from
// pass to pass.
type tape struct {
	number  uint32 // another after each reset, and on each tape
	records []Record
	nodes   []node // index 0 is "no gradient"
	leaves  map[*Parameter]int32
}

// tapes counts the numbers that tapes have had.
var tapes atomic.Uint32

func newTape() *tape {
	return &tape{number: tapes.Add(1), nodes: make([]node, 1), leaves: map[*Parameter]int32{}}
}

// Ops returns the names of the operations recorded since Reset, in order: none
// where everything is frozen, or on an inference pass.
func (p *Pass) Ops() []string {
	if p.tape == nil {
		return nil
	}
	names := make([]string, len(p.tape.records))
	for i := range names {
		names[i] = p.tape.records[i].Op.Name()
	}
	return names
}

func (t *tape) reset() {
	t.number = tapes.Add(1)
	clear(t.records)
	t.records = t.records[:0]
	clear(t.nodes)
	t.nodes = t.nodes[:1]
	clear(t.leaves)
}

func (t *tape) leaf(w *Parameter) int32 {
	if id, ok := t.leaves[w]; ok {
		return id
	}
	t.nodes = append(t.nodes, node{param: w})
	id := int32(len(t.nodes) - 1)
	t.leaves[w] = id
	return id
}

// Record notes an operation whose output is y, if any input is tracked: it
// makes y tracked and returns the record to fill, else nil. Own operations call
// it after computing y (see the example of [Op]). An operation has up to four inputs.
func (p *Pass) Record(op Op, y *Var, in ...Var) *Record {
	if len(in) > maxInputs {
		panic(fmt.Sprintf("autograd: Record: %s has %d inputs, a record holds %d", op.Name(), len(in), maxInputs))
	}
	if p.tape == nil {
		return nil
	}
	tracked := false
	for _, v := range in {
		if v.node != 0 && v.tape != p.tape.number {
			panic(fmt.Sprintf("autograd: %s: an operand %v was recorded before Backward or Reset, or in another pass: run its forward pass again", op.Name(), v.T))
		}
		tracked = tracked || v.node != 0
	}
	if !tracked {
		return nil
	}
	r := p.tape.record(op, y)
	for i, v := range in {
		r.In[i].node, r.In[i].tape = v.node, v.tape
	}
	return r
}

func (t *tape) record(op Op, y *Var) *Record {
	t.nodes = append(t.nodes, node{})
	y.node, y.tape = int32(len(t.nodes)-1), t.number
	t.records = append(t.records, Record{Op: op, out: y.node})
	return &t.records[len(t.records)-1]
}

// Save keeps a tensor for backward in slot i, 0 to 7, of r.
func (p *Pass) Save(r *Record, i int, t tensor.Tensor) {
	if i < 0 || i >= maxSaved {
		panic(fmt.Sprintf("autograd: Save: %s saves in slot %d, a record has %d", r.Op.Name(), i, maxSaved))
	}
	if !r.Saved[i].IsNone() {
		panic(fmt.Sprintf("autograd: Save: %s saves in slot %d twice: %v, %v", r.Op.Name(), i, r.Saved[i], t))
	}
	if !t.IsNone() {
		p.Arena.Retain(t)
		r.Saved[i] = t
	}
}

// Grad returns where the gradient of a tracked v is to be written, and whether
// it is to be added there: for operations that can add.
func (p *Pass) Grad(v Var, d tensor.DType, shape ...int) (dst tensor.Tensor, add bool) {
	n := &p.tape.nodes[v.node]
	switch {
	case n.param != nil:
		return n.param.Grad.Reshape(shape...), true
	case n.grad.IsNone():
		n.grad = p.New(d, shape...)
		p.Arena.Retain(n.grad)
		return n.grad, false
	}
	p.unshare(n)
	return n.grad.Reshape(shape...), true
}

// Give hands g to v as (a further part of) its gradient. The tape may keep g
// itself; the caller must not write to it afterwards.
func (p *Pass) Give(v Var, g tensor.Tensor) {
	if v.node == 0 {
		return
	}
	n := &p.tape.nodes[v.node]
	switch {
	case n.param != nil:
		kernels.AddScaled(p.Backend, n.param.Grad, g.Reshape(n.param.Grad.Shape()...), 1)
	case n.grad.IsNone():
		p.Arena.Retain(g)
		n.grad = g
	default:
		p.unshare(n)
		kernels.AddScaled(p.Backend, n.grad, g.Reshape(n.grad.Shape()...), 1)
	}
}

// overwrite returns memory for a gradient that takes the place of dY, element by
// element, in a Backward: dY itself unless somebody else reads it too.
func (p *Pass) overwrite(dY tensor.Tensor) tensor.Tensor {
	if p.Arena.Held(dY) {
		return p.New(dY.DType(), dY.Shape()...)
	}
	return dY
}

// unshare makes a gradient that other nodes also hold (both sides of a residual
// addition receive the same tensor) the node's own before it is added to.
func (p *Pass) unshare(n *node) {
	if !p.Arena.Held(n.grad) {
		return
	}
	own := p.New(n.grad.DType(), n.grad.Shape()...)
	p.Arena.Retain(own)
	kernels.Convert(p.Backend, own, n.grad)
	p.Arena.Release(n.grad)
	n.grad = own
}

// Backward differentiates scale·loss, loss being one number, and adds to the
// gradients of the trainable parameters beneath it. Saved tensors are freed on
// the way, and what was recorded is forgotten: a second Backward of the same forward
// pass, or of something that it computed, panics. It returns the error of the pass, see
// [Pass.Err], here or before; the gradients are incomplete then.
func (p *Pass) Backward(loss Var, scale float64) error {
	if p.tape == nil {
		panic("autograd: Backward: an inference pass records nothing: make the pass with NewTrainingPass")
	}
	if loss.node == 0 {
		panic("autograd: Backward: nothing trainable was recorded under the loss")
	}
	if loss.tape != p.tape.number {
		panic("autograd: Backward: the loss was recorded before Backward or Reset, or in another pass: run its forward pass again; of several losses differentiate the sum")
	}
	if loss.T.Len() != 1 {
		panic(fmt.Sprintf("autograd: Backward: the loss is one number, got %v", loss.T))
	}
	if p.err != nil {
		return p.err
	}
	outer := p.Arena.Begin()
	seed, _ := p.Grad(loss, loss.T.DType(), loss.T.Shape()...)
	kernels.Fill(p.Backend, seed, scale)
	p.Arena.End(outer)
	p.unwind(0)
	p.tape.reset()
	return p.err
}

// unwind runs the records from the last down to number first. A record's Backward
// may record more and unwind them.
func (p *Pass) unwind(first int) {
	t := p.tape
	for len(t.records) > first {
		r := &t.records[len(t.records)-1] // in the old array, if the slice grows
		if dY := t.nodes[r.out].grad; !dY.IsNone() {
			t.nodes[r.out].grad = tensor.Tensor{}
			mark := p.Arena.Begin()
			r.Op.Backward(p, r, dY)
			p.Arena.Release(dY)
			p.Arena.End(mark)
		}
		p.pop()
	}
}

// pop drops the last record and releases what it saved.
func (p *Pass) pop() {
	t := p.tape
	last := len(t.records) - 1
	for _, s := range t.records[last].Saved {
		if !s.IsNone() {
			p.Arena.Release(s)
		}
	}
	t.records[last] = Record{}
	t.records = t.records[:last]
}
