package train

import (
	"context"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

// Losses returns -Σ log p of each sequence's learned tokens, in nats, and how many tokens
// those are. progress, if not nil, is told how many sequences are done.
func (o *NextToken) Losses(ctx context.Context, be kernels.Backend, progress func(done int)) (losses []float64, tokens []int, err error) {
	if progress == nil {
		progress = func(int) {}
	}
	items := make([]transformer.Continuation, len(o.sequences))
	losses, tokens = make([]float64, len(items)), make([]int, len(items))
	pairs := true
	for i, s := range o.sequences {
		tokens[i] = s.targets()
		var ok bool
		if items[i], ok = s.continuation(); !ok {
			pairs = false
		}
	}
	if !pairs {
		return losses, tokens, o.each(ctx, be, losses, progress)
	}
	scores, err := o.decoder.Score(ctx, be, items, transformer.ScoreOptions{Progress: func(done, _ int) { progress(done) }})
	for i, s := range scores {
		losses[i] = -s.LogProb
	}
	return losses, tokens, err
}

// each measures one sequence after the other.
func (o *NextToken) each(ctx context.Context, be kernels.Backend, losses []float64, progress func(done int)) error {
	p := autograd.NewPass(be)
	defer p.Close()
	for i := range losses {
		if err := ctx.Err(); err != nil {
			return err
		}
		loss, err := o.Loss(p, []int{i})
		if err == nil {
			err = p.Sync()
		}
		if err != nil {
			return err
		}
		losses[i] = loss.T.Floats()[0]
		p.Reset()
		progress(i + 1)
	}
	return nil
}
