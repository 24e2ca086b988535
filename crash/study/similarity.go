package study

import (
	"context"

	"lamina/crash/measure"
	"lamina/eval"
	"lamina/nn"
	"lamina/transformer"
)

// Similarity is [measure.LayerSimilarity] of a model that was opened from files. With
// stream one block of it is in memory at a time, to the same bits; tell then counts blocks,
// else rows.
func Similarity(ctx context.Context, m *eval.Model, rows [][]int32, pool measure.Pooling, stream bool, tell func(done, total int)) (measure.Similarity, error) {
	if !stream {
		return measure.LayerSimilarity(ctx, m.Backend, m.Decoder, rows, pool, tell)
	}
	release := func(b transformer.Block) {
		for w := range nn.ParamsOf(b) {
			m.Release(w.Name)
		}
	}
	return measure.LayerSimilarityStreamed(ctx, m.Backend, m.Decoder, rows, pool, release, tell)
}
