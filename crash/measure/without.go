package measure

import (
	"context"
	"fmt"

	"lamina/kernels"
	"lamina/transformer"
)

// Keeping returns d with some of its blocks alone, the places of kept in order: a view,
// which shares every weight.
func Keeping(d *transformer.Decoder, kept []int) *transformer.Decoder {
	less := *d
	less.Blocks = make([]transformer.Block, len(kept))
	for i, layer := range kept {
		less.Blocks[i] = d.Blocks[layer]
	}
	return &less
}

// Loss is -Σ log p(target | context) in nats a target token.
func Loss(ctx context.Context, be kernels.Backend, d *transformer.Decoder, items []transformer.Continuation) (float64, error) {
	targets := 0
	for _, it := range items {
		targets += len(it.Target)
	}
	if targets == 0 {
		return 0, fmt.Errorf("no tokens to measure the loss of")
	}
	scores, err := d.Score(ctx, be, items, transformer.ScoreOptions{})
	sum := 0.0
	for _, s := range scores {
		sum -= s.LogProb
	}
	return sum / float64(targets), err
}

// Texts asks for all tokens of rows but the first of each, which nothing stands before.
// Rows of one token ask for nothing.
func Texts(rows [][]int32) (items []transformer.Continuation) {
	for _, r := range rows {
		if len(r) > 1 {
			items = append(items, transformer.Continuation{Context: r[:1], Target: r[1:]})
		}
	}
	return items
}

// Neighbours returns linear CKA between the outputs of neighbouring blocks of d, as
// [LayerSimilarity] has them in its second diagonal.
func Neighbours(ctx context.Context, be kernels.Backend, d *transformer.Decoder, rows [][]int32, v Vectors) ([]float64, error) {
	states, err := Observe(ctx, be, d, rows, v, nil)
	if err != nil {
		return nil, err
	}
	cka, err := NewCKA(len(rows))
	if err != nil {
		return nil, err
	}
	cka.be = be
	for _, x := range states.states[1:] {
		if err := cka.Add(x, len(x)/len(rows)); err != nil {
			return nil, err
		}
	}
	alike := make([]float64, len(d.Blocks)-1)
	for i := range alike {
		alike[i] = cka.Between(i, i+1)
	}
	return alike, nil
}
