package autograd

import "lamina/tensor"

// Recomputed returns f(x) and keeps nothing of what f computes but its result:
// backward runs f again from x, with the dropout of the first time, and
// differentiates that (Chen et al., "Training Deep Nets with Sublinear Memory
// Cost", 2016). f is a part of a model; whatever else it reads must live until the
// pass is reset. Gradients have the bits that f(x) alone gives them.
func (p *Pass) Recomputed(x Var, f func(x Var) Var) Var {
	if p.tape == nil {
		return f(x)
	}
	t, call := p.tape, &recomputed{f: f, dropout: p.Dropout}
	first, mark := len(t.records), p.Begin()
	y := f(x)
	if len(t.records) == first || !y.Tracked() {
		return p.End(mark, y)
	}
	for len(t.records) > first {
		p.pop()
	}
	y = p.End(mark, Var{T: y.T})
	r := t.record(recomputeOp{}, &y)
	r.In[0].node, r.In[0].tape, r.Ref = x.node, x.tape, call
	p.Save(r, 0, x.T)
	return y
}

// recomputed is what runs again, and the dropout it begins with.
type recomputed struct {
	f       func(x Var) Var
	dropout Dropout
}

type recomputeOp struct{}

func (recomputeOp) Name() string { return "recompute" }

func (recomputeOp) Backward(p *Pass, r *Record, dY tensor.Tensor) {
	call, dropout := r.Ref.(*recomputed), p.Dropout
	first, mark := len(p.tape.records), p.Begin()
	p.Dropout = call.dropout
	y := call.f(Var{T: r.Saved[0], node: r.In[0].node, tape: r.In[0].tape})
	p.Dropout = dropout
	p.End(mark, Var{}) // what records saved stays
	p.Give(y, dY)
	p.unwind(first)
}
