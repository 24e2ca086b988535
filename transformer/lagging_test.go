package transformer_test

import (
	"context"
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/kernels/kerneltest"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/nn/optim"
	"lamina/tensor"
	"lamina/transformer"
)

// TestLateWorkHasTheSameBits: logits, scores, generated tokens and trained weights do
// not depend on when a device does what it is told; so nothing is read before it was
// waited for, and nothing is freed or written to that work still needs.
func TestLateWorkHasTheSameBits(t *testing.T) {
	for name := range smallModels {
		inner := ref.New()
		d := small(t, inner, name)
		before := inner.Held()
		want, got := work(t, inner, d), work(t, kerneltest.NewLagging(inner), d)
		if !slices.Equal(got, want) {
			t.Errorf("%s: late work comes to other numbers", name)
		}
		if held := inner.Held() - before; held != 0 {
			t.Errorf("%s: %d bytes are not given back", name, held)
		}
	}
}

// work returns the numbers that a decoder comes to in each of the ways it is used.
func work(t *testing.T, be kernels.Backend, d *transformer.Decoder) (all []float64) {
	t.Helper()
	var items []transformer.Continuation
	for n := range int32(3) {
		for target := range int32(2) {
			items = append(items, transformer.Continuation{Context: make([]int32, 2+2*n), Target: []int32{target, n, 3}})
		}
	}
	scores, err := d.Score(context.Background(), be, items, transformer.ScoreOptions{Tokens: 6})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scores {
		all = append(all, s.LogProb)
	}
	err = d.Generate(context.Background(), be, []int32{1, 2, 3}, 5, transformer.Sampling{Temperature: 1, Seed: 3}, func(id int32) bool {
		all = append(all, float64(id))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(all, steps(t, be, d)...)
}

// steps trains a little and returns losses, norms and weights.
func steps(t *testing.T, be kernels.Backend, d *transformer.Decoder) (all []float64) {
	t.Helper()
	trained := tensor.Must(nn.Trainable(be, d.Params()))
	opt := tensor.Must(optim.NewAdamW(be, trained, optim.Config{LR: 1e-3, Clip: 1}))
	p := autograd.NewTrainingPass(be)
	for step := range 3 {
		p.Recompute, p.Dropout = step > 0, autograd.Dropout{P: 0.1, Seed: 1, Step: uint64(step)}
		loss := d.LossAt(p, d.Forward(p, transformer.NewBatch(layerRows...), nil), []int32{0, 3, 5}, []int32{1, 9, 4})
		if err := p.Backward(loss, 1); err != nil {
			t.Fatal(err)
		}
		all = append(all, loss.T.Floats()[0])
		p.Reset()
		all = append(all, opt.Step(1))
	}
	p.Close()
	opt.Close()
	all = append(all, trained.Values.Floats()...)
	trained.Close()
	if err := be.Sync(); err != nil {
		t.Fatal(err)
	}
	return all
}
