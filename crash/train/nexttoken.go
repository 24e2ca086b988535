package train

import (
	"context"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/eval/task"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// NextToken is the objective of fine-tuning: -Σ log p(target token | all before it),
// in nats, over the target tokens of pairs of context and target. Contexts are read and
// not learned.
type NextToken struct {
	decoder *transformer.Decoder
	pairs   []task.Pair
}

// NewNextToken returns the objective of a decoder on pairs. It is an error, naming the
// example, if one has no context or no target, is too long for the decoder or has an id
// that is not in its vocabulary.
func NewNextToken(d *transformer.Decoder, pairs []task.Pair) (*NextToken, error) {
	for i, pair := range pairs {
		if err := d.Config.CheckContinuation(pair.Context, pair.Target); err != nil {
			return nil, fmt.Errorf("example %d: %w", i, err)
		}
	}
	return &NextToken{d, pairs}, nil
}

// Blank returns the objective on n pairs of length tokens, of which targets are learned:
// what memory needs to know of examples.
func Blank(d *transformer.Decoder, n, length, targets int) (*NextToken, error) {
	one := task.Pair{Context: make([]int32, length-targets+1), Target: make([]int32, targets)} // all but the last target are read too
	return NewNextToken(d, slices.Repeat([]task.Pair{one}, n))
}

// On returns the objective of another decoder of the same vocabulary and positions on the
// first n pairs.
func (o *NextToken) On(d *transformer.Decoder, n int) *NextToken {
	return &NextToken{d, o.pairs[:min(n, len(o.pairs))]}
}

// Len returns the number of pairs.
func (o *NextToken) Len() int { return len(o.pairs) }

// Size counts the tokens that some pairs read, all but the last of each, and their
// target tokens.
func (o *NextToken) Size(ids []int) (tokens, targets int) {
	for _, i := range ids {
		tokens += len(o.pairs[i].Context) + len(o.pairs[i].Target) - 1
		targets += len(o.pairs[i].Target)
	}
	return tokens, targets
}

// Loss runs the pairs end to end in one stream and the head at the rows that a target
// follows.
func (o *NextToken) Loss(p *autograd.Pass, ids []int) (autograd.Var, error) {
	b := &transformer.Batch{}
	var rows, targets []int32
	for _, i := range ids {
		pair := o.pairs[i]
		first := int32(len(b.Tokens) + len(pair.Context) - 1)
		read := make([]int32, 0, len(pair.Context)+len(pair.Target)-1)
		read = append(append(read, pair.Context...), pair.Target[:len(pair.Target)-1]...)
		b.Add(read, nil)
		b.Samples = append(b.Samples, int32(i))
		for j, token := range pair.Target {
			rows, targets = append(rows, first+int32(j)), append(targets, token)
		}
	}
	loss := o.decoder.LossAt(p, o.decoder.Forward(p, b, nil), rows, targets)
	return loss, p.Err()
}

// Mean scores the pairs, in nats a target token: contexts that several share run once.
func (o *NextToken) Mean(ctx context.Context, be kernels.Backend, memory *tensor.Arena) (float64, error) {
	items := make([]transformer.Continuation, len(o.pairs))
	targets := 0
	for i, pair := range o.pairs {
		items[i] = transformer.Continuation{Context: pair.Context, Target: pair.Target}
		targets += len(pair.Target)
	}
	scores, err := o.decoder.Score(ctx, be, items, transformer.ScoreOptions{Arena: memory})
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, s := range scores {
		sum -= s.LogProb
	}
	return sum / float64(targets), nil
}
