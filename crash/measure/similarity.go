package measure

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/tensor"
	"lamina/transformer"
)

// Similarity is the layer by layer likeness of a decoder's hidden states: entry
// 0 is the embedding output, entry i the output of block i-1, the last one after
// the final norm.
type Similarity struct {
	Matrix  [][]float64 `json:"matrix"`
	Metric  string      `json:"metric"` // "cka": linear CKA, see [LinearCKA]
	Pooling Pooling     `json:"pool"`
	Tokens  Tokens      `json:"tokens,omitempty"` // of files that do not say: plain
	Samples int         `json:"n"`

	// Massive is, for each state, which share of the squared norm of all tokens one token of
	// each sample carries; nil where it is at most half in every state.
	Massive []float64 `json:"massive,omitempty"`

	// Model is the fingerprint of the weights it was measured on, "" where nobody noted
	// it; see [transformer.Fingerprint].
	Model string `json:"model,omitempty"`
}

// Validate returns an error unless the matrix is square with at least two rows, as
// one read from a file may not be.
func (s Similarity) Validate() error {
	if len(s.Matrix) < 2 {
		return fmt.Errorf("field \"matrix\" has %d rows, want one a hidden state", len(s.Matrix))
	}
	for i, row := range s.Matrix {
		if len(row) != len(s.Matrix) {
			return fmt.Errorf("field \"matrix\": row %d has %d values, want %d", i, len(row), len(s.Matrix))
		}
	}
	return nil
}

// similarityTokens is about how many tokens one pass takes.
const similarityTokens = 1024

// LayerSimilarity runs rows of tokens through d, pools each state of each row
// to one vector as v says and returns linear CKA between all states (paper section 2.1).
// The result does not depend on how rows fall into passes. At most L+1 matrices
// [n n] of float64 and the pooled rows are held.
func LayerSimilarity(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, progress func(done, total int)) (Similarity, error) {
	states, err := pooledStates(ctx, be, d, rows, v, progress)
	if err != nil {
		return Similarity{}, err
	}
	return newSimilarity(ctx, len(rows), states)
}

// pooledStates runs rows through d and pools each state of each.
func pooledStates(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, progress func(done, total int)) (*pooled, error) {
	batches, err := similarityBatches(d, rows, v.Tokens)
	if err != nil {
		return nil, err
	}
	states := newPooled(v, len(d.Blocks)+1)
	p := autograd.NewPass(be)
	defer p.Close()
	done := 0
	for _, b := range batches {
		d.Forward(p, b, func(state int, x autograd.Var) { states.add(state, b, x.T.Float32s()) })
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

// LayerSimilarityStreamed is [LayerSimilarity], to the same bits, for a model larger than
// memory: all rows go through one block before the next one is read, and
// release is told when a block is done with. Instead of weights it holds the
// stream of all rows, [all tokens, D] of float32. progress counts blocks.
func LayerSimilarityStreamed(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, release func(transformer.Block), progress func(done, total int)) (Similarity, error) {
	batches, err := similarityBatches(d, rows, v.Tokens)
	if err != nil {
		return Similarity{}, err
	}
	streams := make([][]float32, len(batches))
	pooled := newPooled(v, len(d.Blocks)+1)
	p := autograd.NewPass(be)
	defer p.Close()
	for state := range pooled.states {
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
			pooled.add(state, b, x.T.Float32s())
			if err := p.Sync(); err != nil {
				return Similarity{}, err
			}
			p.Reset()
			if err := ctx.Err(); err != nil {
				return Similarity{}, err
			}
		}
		if state > 0 {
			release(d.Blocks[state-1])
		}
		if progress != nil {
			progress(state, len(d.Blocks))
		}
	}
	return newSimilarity(ctx, len(rows), pooled)
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

// newSimilarity compares the pooled states of n samples.
func newSimilarity(ctx context.Context, n int, v *pooled) (Similarity, error) {
	cka, err := NewCKA(n)
	if err != nil {
		return Similarity{}, err
	}
	for _, x := range v.states {
		if err := cka.Add(x, len(x)/n); err != nil {
			return Similarity{}, err
		}
		if err := ctx.Err(); err != nil { // of many samples a matrix takes longer than they did
			return Similarity{}, err
		}
	}
	matrix, err := cka.matrix(ctx)
	if err != nil {
		return Similarity{}, err
	}
	return Similarity{Matrix: matrix, Metric: "cka", Pooling: v.Pooling, Tokens: v.Tokens, Samples: n, Massive: v.massive.shares()}, nil
}
