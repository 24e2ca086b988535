package measure_test

import (
	"context"
	"path/filepath"
	"testing"

	"lamina/crash/measure"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/transformer"
)

// TestStreamedSimilarityHasTheSameBits goes through models block by block, each
// released once before the next is read.
func TestStreamedSimilarityHasTheSameBits(t *testing.T) {
	be := cpu.New(cpu.Options{})
	defer be.Close()
	for _, name := range []string{"opt-prenorm", "opt-350m-like", "llama-gqa-tied", "gpt2-by-layer", "bloom-six"} {
		c, err := transformer.Open(filepath.Join("..", "..", "transformer", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		d, err := c.Decoder(be)
		if err != nil {
			t.Fatal(err)
		}
		var rows [][]int32
		for i := range 9 {
			row := []int32{3, 4}
			for j := range i {
				row = append(row, int32(5+(i*7+j*3)%40))
			}
			rows = append(rows, row)
		}
		want, err := measure.LayerSimilarity(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var released []transformer.Block
		got, err := measure.LayerSimilarityStreamed(context.Background(), be, d, rows, measure.Vectors{Pooling: measure.PoolMeanWeighted}, func(b transformer.Block) {
			released = append(released, b)
			for w := range nn.ParamsOf(b) {
				c.Release(w.Name)
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want.Matrix {
			for j, v := range want.Matrix[i] {
				if got.Matrix[i][j] != v {
					t.Fatalf("%s: states %d and %d: %v streamed, %v at once", name, i, j, got.Matrix[i][j], v)
				}
			}
		}
		if len(released) != len(d.Blocks) {
			t.Errorf("%s: %d blocks released of %d", name, len(released), len(d.Blocks))
		}
		for i, b := range released {
			if b != d.Blocks[i] {
				t.Errorf("%s: block %d was not released in its turn", name, i)
			}
		}
	}
}
