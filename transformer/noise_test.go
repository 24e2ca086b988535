package transformer_test

import (
	"math"
	"testing"

	"lamina/autograd"
	"lamina/internal/philox"
	"lamina/kernels"
	"lamina/kernels/cpu"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// TestNoisy holds what a noisy block gives on against a float64 loop over what the block
// itself does: the numbers of a sample, a position and a feature do not depend on the batch.
func TestNoisy(t *testing.T) {
	const size, seed, step = 0.25, 11, 3
	rows := [][]int32{{5, 31, 23, 7}, {9, 2}}
	for _, be := range []kernels.Backend{ref.New(), cpu.New(cpu.Options{})} {
		d := small(t, be, "opt")
		stream := func(d *transformer.Decoder, samples []int32, rows ...[]int32) [][]float64 {
			p := autograd.NewTrainingPass(be)
			p.Dropout.Seed, p.Dropout.Step = seed, step
			b := transformer.NewBatch(rows...)
			b.Samples = samples
			x := d.ForwardBlocks(p, b, autograd.Var{}, 0, 2).T
			out := make([][]float64, x.Rows())
			for i := range out {
				out[i] = x.Slice(i, i+1).Floats()
			}
			return out
		}
		plain := stream(d, nil, rows...)
		noisy := *d
		noisy.Blocks = []transformer.Block{d.Blocks[0], &transformer.Noisy{Block: d.Blocks[1], Size: size}}
		got := stream(&noisy, []int32{40, 7}, rows...)
		draw := philox.New(seed^0x6e6f697365, step<<16|1)
		for i, row := range plain {
			sample, position := uint64(40), uint64(i)
			if i >= len(rows[0]) {
				sample, position = 7, uint64(i-len(rows[0]))
			}
			squares := 0.0
			for _, v := range row {
				squares += v * v
			}
			rms := math.Sqrt(squares / float64(len(row)))
			for j, v := range row {
				n := draw.Normal((sample<<20|position)*uint64(len(row)) + uint64(j))
				// a row's sum, a root, a product and a sum in 32 bits
				if want, bar := v+size*rms*n, 16*0x1p-24*(math.Abs(v)+math.Abs(size*rms*n)); math.Abs(got[i][j]-want) > bar {
					t.Fatalf("%s: row %d, feature %d: %v, want %v", be.Name(), i, j, got[i][j], want)
				}
			}
		}
		alone := stream(&noisy, []int32{7}, rows[1])
		for i, row := range alone {
			for j, v := range row {
				if v != got[len(rows[0])+i][j] {
					t.Fatalf("%s: sample 7 alone: row %d, feature %d: %v, in company %v", be.Name(), i, j, v, got[len(rows[0])+i][j])
				}
			}
		}
	}
}

// TestMarginLossAt holds loss and margin, and their gradients, against operations on whole
// logits, whatever type the head is stored in.
func TestMarginLossAt(t *testing.T) {
	const smoothing = 0.3
	be := ref.New()
	for _, stored := range []tensor.DType{tensor.F32, tensor.BF16} {
		run := func(fused bool) (sum float64, grads []float64) {
			d := small(t, be, "llama")
			params := d.Params()
			if stored != tensor.F32 { // frozen
				half := tensor.MustNew(be, stored, d.Head.Value.Shape()...)
				kernels.Convert(be, half, d.Head.Value)
				d.Head.Value = half
				params = nn.ParamsOf(d.Blocks[0])
			}
			trained := tensor.Must(nn.Trainable(be, params))
			p := autograd.NewTrainingPass(be)
			p.Arena.Poison = true
			rows, targets := []int32{0, 3, 5, 6, 9}, []int32{1, 299, 4, 4, 8}
			x := d.Forward(p, transformer.NewBatch(layerRows...), nil)
			if fused {
				loss, margin := d.MarginLossAt(p, x, rows, targets)
				p.Backward(p.Add(loss, p.Scale(margin, smoothing)), 1)
				return loss.T.Floats()[0] + smoothing*margin.T.Floats()[0], trained.Grads.Floats()
			}
			ids := p.New(tensor.I32, len(targets))
			ids.SetInts(targets)
			logits := d.Logits(p, d.Rows(p, x, rows))
			vocab := logits.T.Cols()
			plain := p.Scale(p.Sum(p.CrossEntropy(logits, ids)), 1-smoothing)
			even := p.Scale(p.Sum(p.LogSoftmax(logits)), -smoothing/float64(vocab)) // torch's formula
			loss := p.Add(plain, even)
			p.Backward(loss, 1)
			return loss.T.Floats()[0], trained.Grads.Floats()
		}
		want, wantGrads := run(false)
		got, grads := run(true)
		if math.Abs(got-want) > 1e-5*want {
			t.Errorf("%s: loss %v, want %v", stored, got, want)
		}
		top := 0.0
		for _, g := range wantGrads {
			top = max(top, math.Abs(g))
		}
		for i, g := range grads {
			if math.Abs(g-wantGrads[i]) > 1e-5*top {
				t.Fatalf("%s: gradient %d is %v, want %v", stored, i, g, wantGrads[i])
			}
		}
	}
}
