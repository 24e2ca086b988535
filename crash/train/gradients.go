package train

import "lamina/autograd"

// gradient is what was learned of the gradient of a step, which lies in the flat buffer.
type gradient struct {
	loss   float64            // mean over the terms of the batch
	parts  map[string]float64 // of a composed objective
	tokens int                // through the model

	drawn, clipped int // examples of a private step, and those whose gradient was clipped
}

// gradients forms the gradient of a step from its examples: that of the sum over all terms
// of the batch divided by their number, however the batch is cut into passes.
func (t *Trainer) gradients(ids []int) (g gradient, err error) {
	if t.private != nil {
		return t.privateGradients(ids)
	}
	tokens, terms := t.Train.Size(ids)
	var sums tally
	for part := range t.passes(ids) {
		err := t.accumulate(t.pass, part, 1/float64(terms), &sums)
		t.state.PeakBytes = max(t.state.PeakBytes, t.pass.Arena.Peak())
		t.pass.Reset()
		if err != nil {
			return g, err
		}
	}
	g.loss, g.parts = sums.mean(terms)
	g.tokens = tokens
	return g, nil
}

// accumulate runs some examples forward and backward, adds their gradient times scale,
// and their summed loss to sums.
func (t *Trainer) accumulate(p *autograd.Pass, ids []int, scale float64, sums *tally) error {
	p.Recompute = t.Recompute
	p.Dropout = autograd.Dropout{P: t.Settings.Dropout, Own: t.Drops, Seed: t.Settings.Seed, Step: uint64(t.state.Step)}
	loss, err := t.Train.Loss(p, ids)
	if err != nil {
		return err
	}
	if err := p.Backward(loss, scale); err != nil {
		return err
	}
	if err := p.Sync(); err != nil {
		return err
	}
	sums.add(t.Train, loss)
	return nil
}
