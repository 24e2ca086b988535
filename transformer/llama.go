package transformer

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/nn"
)

// LLaMA (Touvron et al. 2023, arXiv 2302.13971) and what shares its layers
// (SmolLM2, TinyLlama, Mistral without a window), as transformers'
// modeling_llama.py runs it: root-mean-square norms, rotary positions,
// grouped-query attention, a gated feed-forward layer, optional biases.

var llamaFamily = family{
	name:      "llama",
	eos:       2,
	configure: (*Config).setLLaMA,
	validate: func(c Config, _ func(string) string) error {
		if c.RoPE.Dim != c.HeadDim {
			return fmt.Errorf("rope: rotary width %d is not head_dim %d", c.RoPE.Dim, c.HeadDim)
		}
		return c.RoPE.Validate()
	},
	embedding: embeddingNames{tokens: "model.embed_tokens.weight"},
	layers:    "model.layers.",
	block:     func(c *Config, name string, _ int) Block { return &llamaBlock{config: c, name: name} },
	ending: func(d *Decoder, v nn.Visitor) {
		v.RMSNorm(&d.Norm, "model.norm", d.Config.Width, d.Config.Eps)
	},
	fullName: prefixed("model.", "layers.", "embed_tokens.", "norm."),
	unread:   func(name string) bool { return strings.HasSuffix(name, "rotary_emb.inv_freq") },
}

func (c *Config) setLLaMA(k *keys) error {
	c.setSizes(sizes{
		vocab: k.int(32000, "vocab_size"), width: k.int(4096, "hidden_size"), layers: k.int(32, "num_hidden_layers"),
		heads: k.int(32, "num_attention_heads"), positions: k.int(2048, "max_position_embeddings"),
	})
	c.FeedForward, c.KVHeads = k.int(11008, "intermediate_size"), k.int(c.Heads, "num_key_value_heads")
	c.Bias, c.MLPBias = k.bool(false, "attention_bias"), k.bool(false, "mlp_bias")
	c.Tied = k.bool(false, "tie_word_embeddings")
	c.Eps = k.float(1e-6, "rms_norm_eps")
	c.HeadDim = k.int(c.HeadDim, "head_dim")
	if err := c.setRoPE(k); err != nil {
		return err
	}
	return c.setActivation("hidden_act", k.text("silu", "hidden_act"))
}

// llamaBlock has its weights below name in a checkpoint.
type llamaBlock struct {
	Norm1      *nn.Norm
	Q, K, V, O nn.Projection
	Norm2      *nn.Norm
	Gate, Up   nn.Projection
	Down       nn.Projection

	config *Config
	name   string
}

func (b *llamaBlock) Parts(v nn.Visitor) {
	c := b.config
	d, q, kv := c.Width, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	v = v.In(&b.name)
	v.RMSNorm(&b.Norm1, "input_layernorm", d, c.Eps)
	v.Linear(&b.Q, "self_attn.q_proj", d, q, c.Bias)
	v.Linear(&b.K, "self_attn.k_proj", d, kv, c.Bias)
	v.Linear(&b.V, "self_attn.v_proj", d, kv, c.Bias)
	v.Linear(&b.O, "self_attn.o_proj", q, d, c.Bias)
	v.RMSNorm(&b.Norm2, "post_attention_layernorm", d, c.Eps)
	v.Linear(&b.Gate, "mlp.gate_proj", d, c.FeedForward, c.MLPBias)
	v.Linear(&b.Up, "mlp.up_proj", d, c.FeedForward, c.MLPBias)
	v.Linear(&b.Down, "mlp.down_proj", c.FeedForward, d, c.MLPBias)
}

func (b *llamaBlock) Clone() Block { return nn.CloneOf(b) }

func (b *llamaBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	x = b.addAttention(p, x, b.Norm1.Forward(p, x), at)
	return b.addFeedForward(p, x, b.Norm2.Forward(p, x))
}

// addAttention returns residual + attention(x).
func (b *llamaBlock) addAttention(p *autograd.Pass, residual, x autograd.Var, at Place) autograd.Var {
	qkv := nn.Linears(p, x, b.Q, b.K, b.V)
	q := p.RoPE(qkv[0], at.cos, at.sin, b.config.HeadDim)
	k := p.RoPE(qkv[1], at.cos, at.sin, b.config.HeadDim)
	return nn.LinearAdd(p, residual, b.O, at.Attend(p, b.config.attentionScale(), q, k, qkv[2]))
}

// addFeedForward returns residual + feed-forward(x).
func (b *llamaBlock) addFeedForward(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	gated := nn.Linears(p, x, b.Gate, b.Up)
	return nn.LinearAdd(p, residual, b.Down, p.Gated(b.config.Activation, gated[0], gated[1]))
}
