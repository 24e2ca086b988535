package leak

import (
	"context"
	"fmt"
	"math"

	"lamina/crash/train"
	"lamina/kernels"
	"lamina/transformer"
)

// Audited are rows whose membership is known: those that trained the weights, and others
// of the same kind that did not. The more alike both are, but for that, the more a measure
// says; what differs between them beside it shows in its control.
type Audited struct {
	Members, Others []train.Sequence
}

// Validate returns an error where there is nothing to tell apart.
func (a Audited) Validate() error {
	if len(a.Members) < 2 || len(a.Others) < 2 {
		return fmt.Errorf("%d members and %d others: want two or more of each to tell them apart (some hundred, for narrow intervals)", len(a.Members), len(a.Others))
	}
	return nil
}

// Doubts tell of rows that are where they should not be: others that are members too, and
// audited rows among those that shadows are trained on.
func (a Audited) Doubts(public []train.Sequence) (doubts []string) {
	members := digests(a.Members)
	if n := among(a.Others, members); n > 0 {
		doubts = append(doubts, fmt.Sprintf("%d of %d others are members too: what tells them apart is chance; leave them out", n, len(a.Others)))
	}
	if n := among(public, members) + among(public, digests(a.Others)); n > 0 {
		doubts = append(doubts, fmt.Sprintf("%d of %d public rows are audited ones: a shadow that has seen a row says nothing of it; leave them out", n, len(public)))
	}
	return doubts
}

func digests(rows []train.Sequence) map[string]bool {
	all := map[string]bool{}
	for i := range rows {
		all[digest(rows[i:i+1])] = true
	}
	return all
}

func among(rows []train.Sequence, those map[string]bool) (n int) {
	for i := range rows {
		if those[digest(rows[i:i+1])] {
			n++
		}
	}
	return n
}

// all are the members, then the others.
func (a Audited) all() []train.Sequence {
	return append(a.Members[:len(a.Members):len(a.Members)], a.Others...)
}

// split cuts what was said of all rows.
func (a Audited) split(scores []float64) (members, others []float64) {
	return scores[:len(a.Members)], scores[len(a.Members):]
}

// Observe returns the mean loss a learned token that a decoder has on each audited row, in
// nats, members first. It is an error if one is no number, as after a training that went
// astray. progress may be nil.
func Observe(ctx context.Context, be kernels.Backend, d *transformer.Decoder, a Audited, progress func(done int)) ([]float64, error) {
	o, err := train.NewSequences(d, a.all())
	if err != nil {
		return nil, err
	}
	losses, tokens, err := o.Losses(ctx, be, progress)
	if err != nil {
		return nil, err
	}
	for i, n := range tokens {
		losses[i] /= float64(n)
		if math.IsNaN(losses[i]) || math.IsInf(losses[i], 0) {
			return nil, fmt.Errorf("the loss of an audited row is %v: these weights say nothing", losses[i])
		}
	}
	return losses, nil
}
