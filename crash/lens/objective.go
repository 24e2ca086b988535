package lens

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/crash/train"
	"lamina/kernels"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// Recipe is how the tuned-lens library trains by default (tuned_lens/scripts/ingredients.py):
// SGD with Nesterov's momentum 0.9 at a rate of 1.0·(1-0.9), falling linearly to 0 without a
// warm-up, weight decay 1e-3 of everything, the gradient's norm clipped at 1. batch is rows a
// step; the library takes as many as have 2¹⁸ tokens.
func Recipe(steps, batch int, seed uint64) train.Settings {
	const momentum = 0.9
	return train.Settings{
		LR: 1 - momentum, Steps: steps, Batch: batch, Schedule: optim.Linear, Clip: 1, WeightDecay: 1e-3, Seed: seed,
		Options: train.Options{SGD: &train.SGD{Momentum: momentum, Nesterov: true}},
	}
}

// Objective is what a tuned lens learns (train_loop.py): of every token of every row
//
//	Σ_i KL(softmax(final logits) ‖ softmax(logits_i))
//
// over the entries i, where both are of the same token. The model is frozen: it runs once a
// pass, without records.
type Objective struct {
	lens *Lens
	d    *transformer.Decoder
	rows [][]int32
}

// NewObjective returns the objective of a tuned lens on rows of tokens.
func NewObjective(l *Lens, d *transformer.Decoder, rows [][]int32) (*Objective, error) {
	if l.Kind != Tuned {
		return nil, fmt.Errorf("a %s lens has nothing to train", l.Kind)
	}
	if err := l.Check(d); err != nil {
		return nil, err
	}
	if err := checkRows(d, rows); err != nil {
		return nil, err
	}
	return &Objective{l, d, rows}, nil
}

// checkRows returns an error where nothing can be read.
func checkRows(d *transformer.Decoder, rows [][]int32) error {
	if len(rows) == 0 {
		return fmt.Errorf("no texts to look at")
	}
	for i, r := range rows {
		if len(r) == 0 {
			return fmt.Errorf("row %d has no tokens", i)
		}
		if err := transformer.NewBatch(r).Validate(d.Config); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// Len returns the number of rows.
func (o *Objective) Len() int { return len(o.rows) }

// Size counts the tokens of some rows, twice: each is read, and a term.
func (o *Objective) Size(ids []int) (tokens, terms int) {
	for _, i := range ids {
		tokens += len(o.rows[i])
	}
	return tokens, tokens
}

// Loss runs the rows end to end in one stream.
func (o *Objective) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	var total autograd.Var
	err := o.each(p, ids, func(_ int, kl autograd.Var) {
		if total.IsNone() {
			total = kl
			return
		}
		total = p.Add(total, kl)
	})
	return total, err
}

// each tells the divergence of each entry, summed over some rows of the stream at a time.
func (o *Objective) each(p *autograd.Pass, ids []int, tell func(entry int, kl autograd.Var)) error {
	p.Dropout = autograd.Dropout{Step: p.Dropout.Step} // nothing is dropped
	b := &transformer.Batch{}
	for _, i := range ids {
		b.Add(o.rows[i], nil)
	}
	states := statesOf(p, o.d, b)
	n, depth := len(b.Tokens), len(o.d.Blocks)
	head := p.Param(o.d.Head)
	step := min(chunkRows(o.d.Config.Vocab), n)
	final := p.New(states[depth].T.DType(), step, o.d.Config.Vocab)
	for from := 0; from < n; from += step {
		to := min(from+step, n)
		rows := func(state int) autograd.Var { return p.Input(states[state].T.Slice(from, to)) }
		logP := final.Slice(0, to-from)
		mark := p.Begin()
		kernels.LogSoftmax(p.Backend, logP, o.d.Logits(p, rows(depth)).T)
		p.End(mark, autograd.Var{})
		for entry := range depth {
			mark := p.Begin()
			kl := p.LinearKL(o.lens.finish(p, o.d, rows(entry), entry, depth), head, logP)
			tell(entry, p.End(mark, kl))
		}
	}
	return p.Err()
}

// statesOf returns what enters each layer, and the last stream, [N D] each.
func statesOf(p *autograd.Pass, d *transformer.Decoder, b *transformer.Batch) []autograd.Var {
	states := make([]autograd.Var, len(d.Blocks)+1)
	states[0] = d.ForwardBlocks(p, b, autograd.Var{}, 0, 0)
	for i := range d.Blocks {
		states[i+1] = d.ForwardBlocks(p, b, states[i], i, i+1)
	}
	return states
}

// passTokens is about how many tokens one pass reads.
const passTokens = 512

// Divergence returns, of each entry, the mean over all tokens of rows of KL(final ‖ lens), in
// nats, as the library's evaluation has it. progress is told rows; it may be nil.
func Divergence(ctx context.Context, be kernels.Backend, d *transformer.Decoder, l *Lens, rows [][]int32, progress func(done int)) ([]float64, error) {
	if err := checkRows(d, rows); err != nil {
		return nil, err
	}
	o := &Objective{l, d, rows}
	p := autograd.NewPass(be)
	defer p.Close()
	sums, tokens := make([]float64, len(d.Blocks)), 0
	for ids := range inPasses(rows) {
		var told []entrySum
		if err := o.each(p, ids, func(entry int, kl autograd.Var) { told = append(told, entrySum{entry, kl.T}) }); err != nil {
			return nil, err
		}
		if err := p.Sync(); err != nil {
			return nil, err
		}
		for _, t := range told {
			sums[t.entry] += t.sum.Floats()[0]
		}
		n, _ := o.Size(ids)
		tokens += n
		p.Reset()
		if progress != nil {
			progress(ids[len(ids)-1] + 1)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for i := range sums {
		sums[i] /= float64(tokens)
	}
	return sums, nil
}

type entrySum struct {
	entry int
	sum   tensor.Tensor
}

// inPasses yields the numbers of rows that go through the model together.
func inPasses(rows [][]int32) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		var ids []int
		tokens := 0
		for i, r := range rows {
			if len(ids) > 0 && tokens+len(r) > passTokens {
				if !yield(ids) {
					return
				}
				ids, tokens = nil, 0
			}
			ids, tokens = append(ids, i), tokens+len(r)
		}
		if len(ids) > 0 {
			yield(ids)
		}
	}
}
