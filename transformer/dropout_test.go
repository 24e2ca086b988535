package transformer_test

import (
	"testing"

	"lamina/autograd"
	"lamina/kernels/ref"
	"lamina/nn"
	"lamina/transformer"
)

// TestEmbeddingDropout: the stream that GPT-2's embedding makes has zeros if its
// configuration asks for them, those of a place of their own; no other family's does.
func TestEmbeddingDropout(t *testing.T) {
	be := ref.New()
	zeros := func(config string, fields map[string]any, p float64) (n, all int) {
		c, err := transformer.ParseConfig(with(t, config, fields))
		if err != nil {
			t.Fatal(err)
		}
		d := transformer.New(c, nn.Init{Device: be, Seed: 5, Std: 0.05})
		pass := autograd.NewPass(be)
		pass.Dropout = autograd.Dropout{P: p, Seed: 3, Step: 4}
		d.Forward(pass, transformer.NewBatch(make([]int32, 40), []int32{7, 8, 9}), func(state int, x autograd.Var) {
			for _, v := range x.T.Floats() {
				if state == 0 && v == 0 {
					n++
				}
			}
			all = x.T.Len()
		})
		return n, all
	}
	for name, c := range map[string]struct {
		config string
		fields map[string]any
		p      float64
	}{
		"GPT-2 without": {smallGPT2, map[string]any{"embd_pdrop": 0}, 0.25}, "GPT-2 scoring": {smallGPT2, nil, 0},
		"OPT": {smallOPT, nil, 0.25}, "LLaMA": {smallLLaMA, nil, 0.25}, "BLOOM": {smallBLOOM, map[string]any{"hidden_dropout": 0.25}, 0.25},
	} {
		if n, all := zeros(c.config, c.fields, c.p); n != 0 {
			t.Errorf("%s: %d of %d elements are 0", name, n, all)
		}
	}
	if n, all := zeros(smallGPT2, nil, 0.25); n < all/5 || n > all*3/10 {
		t.Errorf("GPT-2: %d of %d elements are 0, want about a quarter", n, all)
	}
}
