package transformer_test

import (
	"path/filepath"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestPrepackedDecoder: a decoder from files whose frozen weights are kept packed has the loss and
// the gradients of its last block to the bit, keeps weights both ways around but not the block that
// trains, and gives them back when the files are closed.
func TestPrepackedDecoder(t *testing.T) {
	const precision = kernels.PrecisionBF16
	for _, name := range []string{"llama-bf16", "opt-f16", "gpt2-tied"} {
		run := func(prepack int) (loss []float64, grads []float64, kept, after int) {
			be := cpu.New(cpu.Options{Threads: 2, Precision: precision, TilesInGo: true, Prepack: prepack})
			defer be.Close()
			c, err := transformer.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			d, err := c.Decoder(be)
			if err != nil {
				t.Fatal(err)
			}
			trained := tensor.Must(nn.Trainable(be, nn.ParamsOf(d.Blocks[0])))
			for range 2 {
				trained.ZeroGrads(be)
				p := autograd.NewTrainingPass(be)
				b := transformer.NewBatch([]int32{5, 31, 23, 7, 7, 60}, []int32{7}, []int32{0, 1})
				sum := d.LossAt(p, d.Forward(p, b, nil), []int32{0, 3, 5}, []int32{1, 9, 4})
				p.Backward(sum, 1)
				loss = append(loss, sum.T.Floats()...)
			}
			grads, kept = trained.Grads.Floats(), be.Prepacked()
			trained.Close()
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			return loss, grads, kept, be.Prepacked()
		}
		loss, grads, none, _ := run(0)
		again, regrads, kept, after := run(1 << 28)
		if !slices.Equal(loss, again) || !slices.Equal(grads, regrads) {
			t.Errorf("%s: loss %v, not %v, or other gradients", name, again, loss)
		}
		if none != 0 || kept == 0 || after != 0 {
			t.Errorf("%s: keeps %d bytes without leave, %d with, %d once closed", name, none, kept, after)
		}
	}
}
