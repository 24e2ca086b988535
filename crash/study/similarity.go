package study

import (
	"context"
	"fmt"

	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/internal/report"
	"lamina/nn"
	"lamina/transformer"
)

// Similarity is [measure.LayerSimilarity] of a model that was opened from files. With
// stream one block of it is in memory at a time, to the same bits; tell then counts blocks,
// else rows.
func Similarity(ctx context.Context, m *eval.Model, rows [][]int32, v measure.Vectors, stream bool, tell func(done, total int)) (measure.Similarity, error) {
	if !stream {
		return measure.LayerSimilarity(ctx, m.Backend, m.Decoder, rows, v, tell)
	}
	release := func(b transformer.Block) {
		for w := range nn.ParamsOf(b) {
			m.Release(w.Name)
		}
	}
	return measure.LayerSimilarityStreamed(ctx, m.Backend, m.Decoder, rows, v, release, tell)
}

// SimilarityText shows the likeness of each layer's output to the next one's, in lines.
func SimilarityText(sim measure.Similarity) string {
	t := report.Table{Columns: []report.Column{{Name: "layers", Right: true}, {Name: sim.Metric, Right: true}}}
	for i, v := range plan.Adjacent(sim.Matrix) {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.6f", v)})
	}
	return t.Text()
}
