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
// (transformer.Batch.Samples), so that a bit depends on no neighbour. What an objective
// draws anew at each step it draws by the step's number, which is Pass.Dropout.Step, from
// 0, in every pass of a step.
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

// Term is one part of the sum that an objective minimises.
type Term struct {
	Name   string  // as metrics call it
	Weight float64 // in the sum
	Sum    float64 // over the examples, without the weight
}

// Composed is an objective of several parts, which the metrics tell apart: its sum is
// Σ Weight·Sum.
type Composed interface {
	Objective
	// Terms returns the parts of the last Loss, each time the same names: after Backward
	// where the pass records, and before its Reset. The run reports their weighted sum,
	// so that the number which Loss returned need not be known before Backward. It is nil
	// where Loss had one part alone, whose sum it returned.
	Terms() []Term
}

// tally adds up what passes sum.
type tally struct {
	sum   float64
	terms map[string]float64 // of a composed objective, by name
}

// add takes the sum of a pass that has run.
func (y *tally) add(o Objective, loss autograd.Var) {
	var parts []Term
	if c, ok := o.(Composed); ok {
		parts = c.Terms()
	}
	if parts == nil {
		y.sum += loss.T.Floats()[0]
		return
	}
	if y.terms == nil {
		y.terms = map[string]float64{}
	}
	for _, t := range parts {
		y.sum += t.Weight * t.Sum
		y.terms[t.Name] += t.Sum
	}
}

// mean divides by the number of terms. It ends the tally.
func (y *tally) mean(n int) (float64, map[string]float64) {
	for name := range y.terms {
		y.terms[name] /= float64(n)
	}
	return y.sum / float64(n), y.terms
}

// mean measures an objective's mean a term, and that of its parts.
func (t *Trainer) mean(ctx context.Context, o Objective) (float64, map[string]float64, error) {
	if m, ok := o.(Measurer); ok {
		mean, err := m.Mean(ctx, t.Backend, t.pass.Arena)
		return mean, nil, err
	}
	p := &autograd.Pass{Backend: t.Backend, Arena: t.pass.Arena}
	all := make([]int, o.Len())
	for i := range all {
		all[i] = i
	}
	var sums tally
	for ids := range slices.Chunk(all, t.Settings.passSize()) {
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		loss, err := o.Loss(p, ids)
		if err != nil {
			return 0, nil, err
		}
		if err := p.Sync(); err != nil {
			return 0, nil, err
		}
		sums.add(o, loss)
		p.Reset()
	}
	_, terms := o.Size(all)
	mean, parts := sums.mean(terms)
	return mean, parts, nil
}
