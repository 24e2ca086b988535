package measure

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

// Replacement says what of a decoder's last hidden state is left if one block stands in the
// place of another: entry [i j] is the likeness of the last state, after the final norm,
// with block j at place i, to that of the decoder as it is (the authors' layer
// replacement). The diagonal is 1.
type Replacement struct {
	Matrix    [][]float64 `json:"matrix"`
	Metric    string      `json:"metric"`
	Bandwidth float64     `json:"bandwidth,omitempty"`
	Pooling   Pooling     `json:"pool"`
	Tokens    Tokens      `json:"tokens,omitempty"`
	Samples   int         `json:"n"`
	// Deleted are the likenesses with nothing at place i.
	Deleted []float64 `json:"deleted"`
	// Shuffled is the likeness of the last state to itself with the samples in another
	// order: what is left of nothing.
	Shuffled float64 `json:"shuffled"`
	Model    string  `json:"model,omitempty"`
}

// Replace measures the decoder with each block in each place: L² runs of what lies above
// the place. progress counts blocks that ran.
func Replace(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, how Comparing, progress func(done, total int)) (Replacement, error) {
	how = how.settled()
	if err := how.check(len(rows)); err != nil {
		return Replacement{}, err
	}
	batches, err := similarityBatches(d, rows, v.Tokens)
	if err != nil {
		return Replacement{}, err
	}
	states, err := Observe(ctx, be, d, rows, v, nil)
	if err != nil {
		return Replacement{}, err
	}
	layers := len(d.Blocks)
	r := &replacing{ctx: ctx, decoder: d, vectors: v, how: how, samples: len(rows), progress: progress, total: layers * (layers + 1) * layers / 2}
	if r.original, err = NewComparison(how, len(rows)); err != nil {
		return Replacement{}, err
	}
	last, width := states.last(len(rows))
	if err := r.original.Add(last, width); err != nil {
		return Replacement{}, err
	}
	if r.through, err = newThrough(ctx, be, d, batches); err != nil {
		return Replacement{}, err
	}
	defer r.through.close()
	result := Replacement{Matrix: square(layers), Metric: how.Metric.Name, Bandwidth: how.Bandwidth, Pooling: v.Pooling, Tokens: v.Tokens, Samples: len(rows)}
	result.Shuffled = align(HSIC(r.original.matrices[0], permuted(r.original.matrices[0], shuffled(len(rows), 0))), r.original.norms[0], r.original.norms[0])
	for i := range layers {
		deleted, err := r.like(nil)
		if err != nil {
			return Replacement{}, fmt.Errorf("without block %d: %w", i, err)
		}
		result.Deleted = append(result.Deleted, deleted)
		for j, block := range d.Blocks {
			if result.Matrix[i][j], err = r.like(block); err != nil {
				return Replacement{}, fmt.Errorf("block %d at place %d: %w", j, i, err)
			}
		}
		if err := r.through.step(ctx); err != nil {
			return Replacement{}, err
		}
	}
	return result, nil
}

// replacing is a decoder of which one place after the other is replaced.
type replacing struct {
	ctx         context.Context
	decoder     *transformer.Decoder
	vectors     Vectors
	how         Comparing
	samples     int
	original    *CKA // of the last state alone
	through     *through
	progress    func(done, total int)
	done, total int
}

// like returns the likeness with another block at the place that the streams have come to.
func (r *replacing) like(block transformer.Block) (float64, error) {
	here := r.through.place
	if block != nil && block == r.decoder.Blocks[here] {
		r.count(len(r.decoder.Blocks) - here)
		return r.original.Between(0, 0), nil
	}
	states := newStates(r.vectors, r.samples, 1)
	err := r.through.with(r.ctx, block, func(_ int, b *transformer.Batch, x autograd.Var) {
		states.take(0, r.through.pass, b, r.decoder.Finish(r.through.pass, x).T)
	})
	if err != nil {
		return 0, err
	}
	other, err := NewComparison(r.how, r.samples)
	if err != nil {
		return 0, err
	}
	last, width := states.last(r.samples)
	if err := other.Add(last, width); err != nil {
		return 0, err
	}
	if block != nil {
		r.count(len(r.decoder.Blocks) - here)
	}
	return align(HSIC(r.original.matrices[0], other.matrices[0]), r.original.norms[0], other.norms[0]), nil
}

// count tells that so many blocks ran.
func (r *replacing) count(blocks int) {
	r.done += blocks
	if r.progress != nil {
		r.progress(r.done, r.total)
	}
}
