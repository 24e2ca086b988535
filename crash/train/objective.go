package train

import (
	"context"
	"slices"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
)

// Objective is what a run minimises: a sum of terms over examples that it alone
// knows, each named by its index. Next-token prediction on pairs is one ([NextToken]);
// the distance to another model's states or predictions would be another. The trainer
// chooses the examples of a step, cuts them into passes, and divides by the number of
// terms of the whole step.
//
// The trainer never looks into a model: what an objective runs it holds itself. Its
// passes draw dropout by the numbers of the samples, which the objective gives
// (transformer.Batch.Samples), so that a bit depends on no neighbour.
type Objective interface {
	// Len returns the number of examples.
	Len() int
	// Size returns how many tokens (or rows) a pass over some examples reads, and how
	// many terms its sum has. Of two passes the one with more of both takes more memory.
	Size(ids []int) (tokens, terms int)
	// Loss returns the sum of the terms of some examples, one element, in the pass. On
	// a pass that failed it returns the pass's error. The memory of a run is planned
	// with passes that compute nothing: numbers read from them mean nothing, but are no
	// error.
	Loss(p *autograd.Pass, ids []int) (autograd.Var, error)
}

// Measurer is an objective with a way of its own to measure its mean a term without
// training; others are measured by [Objective.Loss] in passes of the size of a step's.
type Measurer interface {
	Objective
	// Mean returns the mean a term over all examples, in passes that use memory.
	Mean(ctx context.Context, be kernels.Backend, memory *tensor.Arena) (float64, error)
}

// mean measures an objective's mean a term.
func (t *Trainer) mean(ctx context.Context, o Objective) (float64, error) {
	if m, ok := o.(Measurer); ok {
		return m.Mean(ctx, t.Backend, t.pass.Arena)
	}
	p := &autograd.Pass{Backend: t.Backend, Arena: t.pass.Arena}
	all := make([]int, o.Len())
	for i := range all {
		all[i] = i
	}
	sum := 0.0
	for ids := range slices.Chunk(all, t.Settings.passSize()) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		loss, err := o.Loss(p, ids)
		if err != nil {
			return 0, err
		}
		sum += loss.T.Floats()[0]
		if err := p.Sync(); err != nil {
			return 0, err
		}
		p.Reset()
	}
	_, terms := o.Size(all)
	return sum / float64(terms), nil
}
