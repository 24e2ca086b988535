package study

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"lamina/autograd"
	"lamina/crash/measure"
	"lamina/crash/plan"
	"lamina/eval"
	"lamina/internal/report"
	"lamina/nn"
	"lamina/transformer"
)

// Observe is [measure.Observe] of a model that was opened from files. With stream one block
// of it is in memory at a time, to the same bits; tell then counts blocks, else rows.
func Observe(ctx context.Context, m *eval.Model, rows [][]int32, v measure.Vectors, stream bool, tell func(done, total int)) (*measure.States, error) {
	if !stream {
		return measure.Observe(ctx, m.Backend, m.Decoder, rows, v, tell)
	}
	release := func(b transformer.Block) {
		for w := range nn.ParamsOf(b) {
			m.Release(w.Name)
		}
	}
	return measure.ObserveStreamed(ctx, m.Backend, m.Decoder, rows, v, release, tell)
}

// Fingerprint is [transformer.Fingerprint] of a model that was opened from files, of which
// no more than one tensor is in memory at a time.
func Fingerprint(m *eval.Model) string {
	return transformer.Fingerprint(func(yield func(*autograd.Parameter) bool) {
		for w := range m.Decoder.Params() {
			if !yield(w) {
				return
			}
			m.Release(w.Name)
		}
	})
}

// ModelSimilarity is the similarity of one of several models that stand side by side.
type ModelSimilarity struct {
	Name       string `json:"name"`
	Parameters int    `json:"parameters"` // those that a file holds twice, once
	measure.Similarity
	// Blocks is nil of a model of fewer than five layers.
	Blocks *measure.BlockStructure `json:"blocks,omitempty"`
}

// Similarity compares the states of a model, and says which it is.
func Similarity(ctx context.Context, m *eval.Model, states *measure.States, how measure.Comparing) (ModelSimilarity, error) {
	sim, err := states.Similarity(ctx, how)
	if err != nil {
		return ModelSimilarity{}, err
	}
	r := ModelSimilarity{Name: filepath.Base(m.Path), Similarity: sim, Blocks: sim.BlockStructure()}
	for w := range m.Decoder.Params() {
		r.Parameters += w.Value.Len()
	}
	return r, nil
}

// SameRows returns an error unless two models read the same tokens in the same rows: states
// of others cannot be compared.
func SameRows(first, second string, a, b [][]int32) error {
	if len(a) != len(b) {
		return fmt.Errorf("%s reads %d rows and %s reads %d: states of the same rows alone can be compared", first, len(a), second, len(b))
	}
	for i := range a {
		if !slices.Equal(a[i], b[i]) {
			return fmt.Errorf("%s and %s make different tokens of row %d: their tokenizers differ, and states of other tokens cannot be compared", first, second, i)
		}
	}
	return nil
}

// SimilarityText shows the likeness of each layer's output to the next one's, in lines.
func SimilarityText(sim measure.Similarity) string {
	t := report.Table{Columns: []report.Column{{Name: "layers", Right: true}, {Name: sim.Metric, Right: true}}}
	for i, v := range plan.Adjacent(sim.Matrix) {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("%d, %d", i, i+1), fmt.Sprintf("%.6f", v)})
	}
	return t.Text()
}
