package measure

import (
	"context"
	"fmt"

	"lamina/kernels"
	"lamina/transformer"
)

// Similarity is the layer by layer likeness of a decoder's hidden states: entry
// 0 is the embedding output, entry i the output of block i-1, the last one after
// the final norm.
type Similarity struct {
	Matrix [][]float64 `json:"matrix"`
	Metric string      `json:"metric"` // the name of a [Metric]
	// Bandwidth is that of the metric, 0 where it has none.
	Bandwidth float64 `json:"bandwidth,omitempty"`
	Pooling   Pooling `json:"pool"`
	Tokens    Tokens  `json:"tokens,omitempty"` // of files that do not say: plain
	Samples   int     `json:"n"`

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

// LayerSimilarity runs rows of tokens through d, pools each state of each row
// to one vector as v says and returns linear CKA between all states (paper section 2.1).
// The result does not depend on how rows fall into passes. At most L+1 matrices
// [n n] of float64 and the pooled rows are held.
func LayerSimilarity(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, progress func(done, total int)) (Similarity, error) {
	states, err := Observe(ctx, be, d, rows, v, progress)
	if err != nil {
		return Similarity{}, err
	}
	return states.Similarity(ctx, Comparing{})
}

// LayerSimilarityStreamed is [LayerSimilarity], to the same bits, for a model larger than
// memory: see [ObserveStreamed].
func LayerSimilarityStreamed(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors, release func(transformer.Block), progress func(done, total int)) (Similarity, error) {
	states, err := ObserveStreamed(ctx, be, d, rows, v, release, progress)
	if err != nil {
		return Similarity{}, err
	}
	return states.Similarity(ctx, Comparing{})
}

// Similarity compares all states with each other.
func (s *States) Similarity(ctx context.Context, c Comparing) (Similarity, error) {
	cka, err := s.compared(ctx, c)
	if err != nil {
		return Similarity{}, err
	}
	matrix, err := cka.matrix(ctx)
	if err != nil {
		return Similarity{}, err
	}
	return Similarity{Matrix: matrix, Metric: cka.how.Metric.Name, Bandwidth: cka.how.Bandwidth, Pooling: s.Pooling, Tokens: s.Tokens, Samples: s.Samples, Massive: s.massive.shares()}, nil
}

// compared takes all states into a comparison.
func (s *States) compared(ctx context.Context, c Comparing) (*CKA, error) {
	cka, err := NewComparison(c, s.Samples)
	if err != nil {
		return nil, err
	}
	cka.be = s.be
	for _, x := range s.states {
		if err := cka.Add(x, len(x)/s.Samples); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil { // of many samples a matrix takes longer than they did
			return nil, err
		}
	}
	return cka, nil
}
