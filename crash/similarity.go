package crash

import (
	"context"
	"fmt"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

// Similarity is the layer by layer likeness of a decoder's hidden states: entry
// 0 is the embedding output, entry i the output of block i-1, the last one after
// the final norm.
type Similarity struct {
	Matrix  [][]float64 `json:"matrix"`
	Metric  string      `json:"metric"` // "cka": linear CKA, see [LinearCKA]
	Pooling Pooling     `json:"pool"`
	Samples int         `json:"n"`
}

// similarityTokens is about how many tokens one pass takes.
const similarityTokens = 1024

// MeasureSimilarity runs rows of tokens through d, pools each state of each row
// to one vector and returns linear CKA between all states (paper section 2.1).
// The result does not depend on how rows fall into passes. At most L+1 matrices
// [n n] of float64 and the pooled rows are held.
func MeasureSimilarity(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, pool Pooling, progress func(done, total int)) (Similarity, error) {
	n := len(rows)
	cka, err := NewCKA(n)
	if err != nil {
		return Similarity{}, err
	}
	for i, r := range rows {
		if len(r) == 0 {
			return Similarity{}, fmt.Errorf("row %d has no tokens", i)
		}
	}
	if err := transformer.NewBatch(rows...).Validate(d.Config); err != nil {
		return Similarity{}, err
	}
	pooled := make([][]float32, len(d.Blocks)+1)
	p := autograd.NewPass(be)
	for from := 0; from < n; {
		b, to := &transformer.Batch{}, from
		for to < n && (to == from || len(b.Tokens)+len(rows[to]) <= similarityTokens) {
			b.Add(rows[to], nil)
			to++
		}
		d.Forward(p, b, func(state int, x autograd.Var) {
			pooled[state] = poolSegments(pooled[state], b, x.T.Float32s(), pool)
		})
		p.Reset()
		if progress != nil {
			progress(to, n)
		}
		if err := ctx.Err(); err != nil {
			return Similarity{}, err
		}
		from = to
	}
	for _, x := range pooled {
		if err := cka.Add(x, len(x)/n); err != nil {
			return Similarity{}, err
		}
	}
	return Similarity{Matrix: cka.Matrix(), Metric: "cka", Pooling: pool, Samples: n}, nil
}

// poolSegments appends the pooled vector of each segment of states [N D].
func poolSegments(dst []float32, b *transformer.Batch, states []float32, pool Pooling) []float32 {
	width := len(states) / len(b.Tokens)
	for _, seg := range b.Segments {
		dst = append(dst, make([]float32, width)...)
		pool.Pool(dst[len(dst)-width:], states[seg.Start*width:(seg.Start+seg.Len)*width])
	}
	return dst
}
