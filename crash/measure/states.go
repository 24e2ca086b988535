package measure

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// States are the hidden states of one decoder for some samples, each pooled to one vector.
type States struct {
	Vectors
	Samples int

	be      kernels.Backend // that they come from; nil for none
	states  [][]float32     // [states][samples width]
	massive massive
}

func newStates(v Vectors, samples, states int) *States {
	return &States{Vectors: v, Samples: samples, states: make([][]float32, states), massive: newMassive(states)}
}

// Len returns how many states there are: one more than places.
func (s *States) Len() int { return len(s.states) }

// Of returns a state, one row a sample, [samples width]. It is not a copy.
func (s *States) Of(state int) []float32 { return s.states[state] }

// take takes a state of the samples of a batch, x [N D]. A device that can pools it where it
// is; from others all of it is read.
func (s *States) take(state int, p *autograd.Pass, b *transformer.Batch, x tensor.Tensor) {
	if s.be = p.Backend; !s.takePooled(state, p, b, x) {
		s.add(state, b, x.Float32s())
	}
}

// add takes a state of the samples of a batch, x [N D].
func (s *States) add(state int, b *transformer.Batch, x []float32) {
	width := len(x) / len(b.Tokens)
	for _, seg := range b.Segments {
		of := x[seg.Start*width : (seg.Start+seg.Len)*width]
		s.massive.add(state, of, width)
		dst := append(s.states[state], make([]float32, width)...)
		s.Pooling.Pool(dst[len(dst)-width:], s.Tokens.of(of, width))
		s.states[state] = dst
	}
}

// similarityTokens is about how many tokens one pass takes.
const similarityTokens = 1024

// Observe runs rows of tokens through d and pools each state of each row to one vector, as v
// says. The result does not depend on how rows fall into passes.
func Observe(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, progress func(done, total int)) (*States, error) {
	batches, err := similarityBatches(d, rows, v.Tokens)
	if err != nil {
		return nil, err
	}
	states := newStates(v, len(rows), len(d.Blocks)+1)
	p := autograd.NewPass(be)
	defer p.Close()
	done := 0
	for _, b := range batches {
		d.Forward(p, b, func(state int, x autograd.Var) { states.take(state, p, b, x.T) })
		if err := p.Sync(); err != nil {
			return nil, err
		}
		p.Reset()
		done += len(b.Segments)
		if progress != nil {
			progress(done, len(rows))
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return states, nil
}

// ObserveStreamed is [Observe], to the same bits, for a model larger than memory: all rows
// go through one block before the next one is read, and release is told when a block is
// done with. Instead of weights it holds the stream of all rows, [all tokens, D] of
// float32. progress counts blocks.
func ObserveStreamed(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, release func(transformer.Block), progress func(done, total int)) (*States, error) {
	batches, err := similarityBatches(d, rows, v.Tokens)
	if err != nil {
		return nil, err
	}
	streams := make([][]float32, len(batches))
	states := newStates(v, len(rows), len(d.Blocks)+1)
	p := autograd.NewPass(be)
	defer p.Close()
	for state := range states.Len() {
		for k, b := range batches {
			var x autograd.Var
			if state > 0 {
				t := p.New(tensor.F32, len(b.Tokens), d.Config.Width)
				t.SetFloat32s(streams[k])
				x = p.Input(t)
			}
			x = d.ForwardBlocks(p, b, x, max(state-1, 0), state)
			streams[k] = x.T.Float32s()
			if state == len(d.Blocks) {
				x = d.Finish(p, x)
			}
			states.take(state, p, b, x.T)
			if err := p.Sync(); err != nil {
				return nil, err
			}
			p.Reset()
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if state > 0 {
			release(d.Blocks[state-1])
		}
		if progress != nil {
			progress(state, len(d.Blocks))
		}
	}
	return states, nil
}

// similarityBatches cuts rows into passes of about similarityTokens.
func similarityBatches(d *transformer.Decoder, rows [][]int32, tokens Tokens) ([]*transformer.Batch, error) {
	if len(rows) < 2 {
		return nil, fmt.Errorf("similarity needs 2 samples or more, got %d", len(rows))
	}
	if err := tokens.check(rows); err != nil {
		return nil, err
	}
	return batchesOf(d, rows, similarityTokens)
}

// batchesOf cuts rows into passes of about so many tokens.
func batchesOf(d *transformer.Decoder, rows [][]int32, tokens int) ([]*transformer.Batch, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("no texts to measure on")
	}
	for i, r := range rows {
		if len(r) == 0 {
			return nil, fmt.Errorf("row %d has no tokens", i)
		}
	}
	if err := transformer.NewBatch(rows...).Validate(d.Config); err != nil {
		return nil, err
	}
	var batches []*transformer.Batch
	for _, r := range rows {
		last := len(batches) - 1
		if last < 0 || len(batches[last].Tokens)+len(r) > tokens {
			batches = append(batches, &transformer.Batch{})
			last++
		}
		batches[last].Add(r, nil)
	}
	return batches, nil
}
