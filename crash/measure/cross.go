package measure

import (
	"context"
	"fmt"
	"runtime"

	"lamina/internal/philox"
)

// Cross is the likeness of every hidden state of one decoder to every one of another, on
// the same samples: entry [i j] is of state i of the first and state j of the second.
type Cross struct {
	Matrix    [][]float64 `json:"matrix"`
	Metric    string      `json:"metric"`
	Bandwidth float64     `json:"bandwidth,omitempty"`
	Pooling   Pooling     `json:"pool"`
	Tokens    Tokens      `json:"tokens,omitempty"`
	Samples   int         `json:"n"`
	// Shuffled is the mean of the same matrix where the samples of the second are in an
	// order of their own: what states have that share nothing. Of biased CKA of few samples
	// it is far from 0.
	Shuffled float64 `json:"shuffled"`
	// Model and With are the fingerprints of both, "" where nobody noted them; With says
	// that the matrix is of two.
	Model string `json:"model,omitempty"`
	With  string `json:"with"`
}

// Validate returns an error unless the matrix has rows of one length.
func (x Cross) Validate() error {
	if len(x.Matrix) < 2 || len(x.Matrix[0]) < 2 {
		return fmt.Errorf("field \"matrix\" has %d rows, want one a hidden state of the first model", len(x.Matrix))
	}
	for i, row := range x.Matrix {
		if len(row) != len(x.Matrix[0]) {
			return fmt.Errorf("field \"matrix\": row %d has %d values, want %d", i, len(row), len(x.Matrix[0]))
		}
	}
	return nil
}

// Between compares the states of two decoders for the same samples, of which there must be
// equally many, taken in the same way.
func Between(ctx context.Context, a, b *States, how Comparing) (Cross, error) {
	if a.Samples != b.Samples || a.Vectors != b.Vectors {
		return Cross{}, fmt.Errorf("states of %d samples (%v, %v) and of %d (%v, %v) cannot be compared: take the same rows in the same way", a.Samples, a.Pooling, a.Tokens, b.Samples, b.Pooling, b.Tokens)
	}
	first, err := a.compared(ctx, how)
	if err != nil {
		return Cross{}, err
	}
	second, err := b.compared(ctx, how)
	if err != nil {
		return Cross{}, err
	}
	x := Cross{Matrix: make([][]float64, a.Len()), Metric: first.how.Metric.Name, Bandwidth: first.how.Bandwidth, Pooling: a.Pooling, Tokens: a.Tokens, Samples: a.Samples}
	for i := range x.Matrix {
		x.Matrix[i] = make([]float64, b.Len())
	}
	order := shuffled(a.Samples, 0)
	others := make([]float64, a.Len()*b.Len())
	for j := range b.Len() {
		other := permuted(second.matrices[j], order)
		parallel(a.Len(), runtime.GOMAXPROCS(0), func(i int) {
			x.Matrix[i][j] = align(HSIC(first.matrices[i], second.matrices[j]), first.norms[i], second.norms[j])
			others[i*b.Len()+j] = align(HSIC(first.matrices[i], other), first.norms[i], second.norms[j])
		})
		if err := ctx.Err(); err != nil {
			return Cross{}, err
		}
	}
	x.Shuffled = mean(others)
	return x, nil
}

// shuffled returns an order of n samples; each draw is another one.
func shuffled(n, draw int) []int {
	return philox.New(shuffleSeed, uint64(draw)).Sequence().Perm(n)
}

// shuffleSeed draws the orders of controls: a constant, so that a control depends on what
// was measured alone.
const shuffleSeed = 1

// permuted returns the matrix [n n] of the same samples in another order.
func permuted(k []float64, order []int) []float64 {
	n := len(order)
	out := make([]float64, n*n)
	for i, from := range order {
		for j, to := range order {
			out[i*n+j] = k[from*n+to]
		}
	}
	return out
}

// mean returns the mean of numbers, of which there is one.
func mean(x []float64) (sum float64) {
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
