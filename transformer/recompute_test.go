package transformer_test

import (
	"slices"
	"testing"

	"lamina/autograd"
	"lamina/kernels/cpu"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

const (
	smallOPT = `{"model_type":"opt","vocab_size":300,"hidden_size":64,"num_hidden_layers":6,"num_attention_heads":4,
		"ffn_dim":256,"max_position_embeddings":128}`
	smallPostNorm = `{"model_type":"opt","vocab_size":300,"hidden_size":64,"num_hidden_layers":6,"num_attention_heads":4,
		"ffn_dim":256,"max_position_embeddings":128,"do_layer_norm_before":false,"word_embed_proj_dim":32}`
	smallLLaMA = `{"model_type":"llama","vocab_size":300,"hidden_size":64,"intermediate_size":160,"num_hidden_layers":6,
		"num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":256,"rms_norm_eps":1e-5,"rope_theta":10000,"tie_word_embeddings":true}`
	smallGPT2  = `{"model_type":"gpt2","vocab_size":300,"n_embd":64,"n_layer":6,"n_head":4,"n_positions":128,"scale_attn_by_inverse_layer_idx":true}`
	smallBLOOM = `{"model_type":"bloom","vocab_size":300,"hidden_size":66,"n_layer":6,"n_head":3}`
)

// gradients returns loss and flat gradients of one pass in which the blocks at the
// given places are trained (nil: everything is), the peak of the arena, and the
// records of forward.
func gradients(t *testing.T, config string, places []int, recompute bool) (loss float64, grads []float64, peak int, ops []string) {
	t.Helper()
	be := cpu.New(cpu.Options{})
	defer be.Close()
	c, err := transformer.ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	d := transformer.New(c, nn.Init{Device: be, Seed: 5, Std: 0.05})
	params := d.Params()
	if places != nil {
		params = func(yield func(*autograd.Parameter) bool) {
			for _, i := range places {
				for w := range nn.ParamsOf(d.Blocks[i]) {
					if !yield(w) {
						return
					}
				}
			}
		}
	}
	trained := tensor.Must(nn.Trainable(be, params))
	p := autograd.NewTrainingPass(be)
	p.Arena.Poison = true
	p.Recompute = recompute
	b := transformer.NewBatch(make([]int32, 50), []int32{7, 8, 9, 7, 1}, make([]int32, 33))
	for i := range b.Tokens {
		b.Tokens[i] = int32(i * 7 % 300)
	}
	p.Dropout = autograd.Dropout{P: 0.1, Seed: 3, Step: 4}
	rows, targets := []int32{3, 17, 49, 53, 87}, []int32{1, 299, 4, 4, 8}
	x := d.Rows(p, d.Forward(p, b, nil), rows)
	want := p.New(tensor.I32, len(targets))
	want.SetInts(targets)
	sum := d.Loss(p, x, want)
	ops = p.Ops()
	p.Backward(sum, 0.2)
	return sum.T.Floats()[0], trained.Grads.Floats(), p.Arena.Peak(), ops
}

// TestRecomputingHasTheSameBits: loss and gradients, with dropout, are those of a
// pass that keeps everything, in less memory; below the lowest trained block
// nothing is recorded either way.
func TestRecomputingHasTheSameBits(t *testing.T) {
	for name, config := range map[string]string{"opt": smallOPT, "post-norm": smallPostNorm, "llama": smallLLaMA, "gpt2": smallGPT2, "bloom": smallBLOOM} {
		for _, places := range [][]int{nil, {2, 4}} {
			loss, grads, peak, _ := gradients(t, config, places, false)
			again, regrads, repeak, ops := gradients(t, config, places, true)
			if loss != again || !slices.Equal(grads, regrads) {
				t.Errorf("%s, places %v: recomputing gives loss %v, not %v, or other gradients", name, places, again, loss)
			}
			if 2*repeak > peak {
				t.Errorf("%s, places %v: recomputing takes %d bytes, more than half of %d", name, places, repeak, peak)
			}
			blocks := 0
			for _, op := range ops {
				if op == "recompute" {
					blocks++
				}
			}
			if want := map[bool]int{true: 6, false: 4}[places == nil]; blocks != want {
				t.Errorf("%s, places %v: %d blocks are recorded, want %d", name, places, blocks, want)
			}
		}
	}
}
