package measure

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/transformer"
)

// Directions says how far the stream turns on its way through a decoder. Entry i is the
// stream before block i, the last one that after all blocks, before the final norm. Both
// matrices are symmetric, [L+1 L+1].
type Directions struct {
	Cosine [][]float64 `json:"cosine"` // the mean over all tokens of the cosine
	Angle  [][]float64 `json:"angle"`  // the mean over samples of arccos(cosine)/π at the last token
}

// directionTokens is about how many tokens one pass takes, of which all states are held.
const directionTokens = 256

// LayerDirections runs rows of tokens through d and compares the stream at all depths. A
// state of zeros has the cosine 0 with every other. The result does not depend on how rows
// fall into passes, nor on the number of workers.
func LayerDirections(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, progress func(done, total int)) (Directions, error) {
	batches, err := batchesOf(d, rows, directionTokens)
	if err != nil {
		return Directions{}, err
	}
	turns := newTurns(len(d.Blocks) + 1)
	p := autograd.NewPass(be)
	defer p.Close()
	done := 0
	for _, b := range batches {
		x := d.Forward(p, b, func(state int, x autograd.Var) {
			if state < len(d.Blocks) {
				turns.states[state] = x.T.Float32s()
			}
		})
		turns.states[len(d.Blocks)] = x.T.Float32s()
		if err := p.Sync(); err != nil {
			return Directions{}, err
		}
		p.Reset()
		if err := turns.add(b); err != nil {
			return Directions{}, err
		}
		done += len(b.Segments)
		if progress != nil {
			progress(done, len(rows))
		}
		if err := ctx.Err(); err != nil {
			return Directions{}, err
		}
	}
	return turns.means(), nil
}

// turns sums the comparisons of pairs of states.
type turns struct {
	states        [][]float32 // of the pass, [states][N D]
	cosine, angle [][]float64 // sums; [i][j] for j <= i
	tokens, rows  int
}

func newTurns(states int) *turns {
	t := &turns{states: make([][]float32, states)}
	for range states {
		t.cosine, t.angle = append(t.cosine, make([]float64, states)), append(t.angle, make([]float64, states))
	}
	return t
}

// add compares the states of a pass. Each pair sums over tokens in order.
func (t *turns) add(b *transformer.Batch) error {
	n := len(b.Tokens)
	width := len(t.states[0]) / n
	norms := make([][]float64, len(t.states))
	for i, x := range t.states {
		norms[i] = make([]float64, n)
		for k := range n {
			v := squares(x[k*width : (k+1)*width])
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("state %d of token %d of a pass is not finite: look at the model's weights", i, k)
			}
			norms[i][k] = math.Sqrt(v)
		}
	}
	last := make([]bool, n)
	for _, seg := range b.Segments {
		last[seg.Start+seg.Len-1] = true
	}
	parallel(len(t.states), runtime.GOMAXPROCS(0), func(i int) {
		for j := range i + 1 {
			for k := range n {
				c := 0.0
				if length := norms[i][k] * norms[j][k]; length > 0 {
					c = product(t.states[i][k*width:(k+1)*width], t.states[j][k*width:(k+1)*width]) / length
				}
				t.cosine[i][j] += c
				if last[k] {
					t.angle[i][j] += math.Acos(min(max(c, -1), 1)) / math.Pi
				}
			}
		}
	})
	t.tokens, t.rows = t.tokens+n, t.rows+len(b.Segments)
	return nil
}

// product returns Σ a·b in float64, from the first to the last.
func product(a, b []float32) (sum float64) {
	b = b[:len(a)]
	for i, v := range a {
		sum += float64(float64(v) * float64(b[i])) // never fused
	}
	return sum
}

// means divides the sums.
func (t *turns) means() Directions {
	for i := range t.cosine {
		for j := range i + 1 {
			t.cosine[i][j] /= float64(t.tokens)
			t.angle[i][j] /= float64(t.rows)
			t.cosine[j][i], t.angle[j][i] = t.cosine[i][j], t.angle[i][j]
		}
	}
	return Directions{t.cosine, t.angle}
}
