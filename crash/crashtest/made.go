package crashtest

import (
	"fmt"
	"path/filepath"
	"testing"

	"lamina/kernels"
	"lamina/nn"
	"lamina/transformer"
)

// configs are those of [Made], by family: a layer has four heads, LLaMA's two by two.
var configs = map[string]string{
	"opt": `{"model_type":"opt","architectures":["OPTForCausalLM"],"vocab_size":61,"hidden_size":%d,"word_embed_proj_dim":%[1]d,"num_hidden_layers":6,` +
		`"num_attention_heads":4,"ffn_dim":%[1]d,"max_position_embeddings":64,"dropout":0.0}`,
	"llama": `{"model_type":"llama","architectures":["LlamaForCausalLM"],"vocab_size":61,"hidden_size":%d,"num_hidden_layers":6,"num_attention_heads":4,` +
		`"num_key_value_heads":2,"intermediate_size":%[1]d,"max_position_embeddings":64,"tie_word_embeddings":true}`,
	"gpt2": `{"model_type":"gpt2","architectures":["GPT2LMHeadModel"],"vocab_size":61,"n_embd":%d,"n_layer":6,"n_head":4,"n_inner":%[1]d,"n_positions":64,` +
		`"attn_pdrop":0.0,"embd_pdrop":0.0,"resid_pdrop":0.0}`,
	"bloom": `{"model_type":"bloom","architectures":["BloomForCausalLM"],"vocab_size":61,"hidden_size":%d,"n_layer":6,"n_head":4}`,
}

// Made writes a checkpoint of a family with six layers of random weights, the same at each
// call, and opens it. width is a multiple of 8, so that it is what quantised blocks need.
func Made(t testing.TB, be kernels.Backend, family string, width int) (*transformer.Checkpoint, *transformer.Decoder) {
	t.Helper()
	c, err := transformer.ParseConfig(fmt.Appendf(nil, configs[family], width))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), family)
	if err := transformer.New(c, nn.Init{Device: be, Seed: 3}).Save(dir); err != nil {
		t.Fatal(err)
	}
	ckpt, err := transformer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ckpt.Close() })
	d, err := ckpt.Decoder(be)
	if err != nil {
		t.Fatal(err)
	}
	return ckpt, d
}
