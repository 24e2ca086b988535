package transformer

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/nn"
)

// OPT (Zhang et al. 2022, arXiv 2205.01068), as transformers' modeling_opt.py
// runs it: learned positions with an offset of two, biases, a tied head without
// bias; every published size from 125m to 66b. The 350m normalises after each
// residual addition, has no final norm, and projects between an embedding of
// width E = 512 and the stream of width D = 1024.

var optFamily = family{
	name:      "opt",
	eos:       2,
	configure: (*Config).setOPT,
	keys:      map[string]string{"intermediate_size": "ffn_dim"},
	validate:  wantWholeHeads,
	embedding: embeddingNames{
		tokens: "model.decoder.embed_tokens.weight", project: "model.decoder.project_in",
		positions: "model.decoder.embed_positions.weight", unused: 2,
	},
	layers:   "model.decoder.layers.",
	block:    func(c *Config, name string, _ int) Block { return &optBlock{config: c, name: name} },
	ending:   endOPT,
	fullName: prefixed("model.", "decoder."),
	unread:   func(name string) bool { return strings.HasSuffix(name, "decoder.version") },
}

func (c *Config) setOPT(k *keys) error {
	c.setSizes(sizes{
		vocab: k.int(50272, "vocab_size"), width: k.int(768, "hidden_size"), layers: k.int(12, "num_hidden_layers"),
		heads: k.int(12, "num_attention_heads"), positions: k.int(2048, "max_position_embeddings"),
	})
	c.FeedForward, c.Eps = k.int(3072, "ffn_dim"), 1e-5
	c.Bias = k.bool(true, "enable_bias")
	c.MLPBias = c.Bias
	c.NormAffine = k.bool(true, "layer_norm_elementwise_affine")
	c.PostNorm = !k.bool(true, "do_layer_norm_before")
	c.EmbedWidth = k.int(c.Width, "word_embed_proj_dim")
	c.Tied = k.bool(true, "tie_word_embeddings")
	c.Dropout = k.float(0.1, "dropout")
	if k.bool(false, "_remove_final_layer_norm") && !c.PostNorm {
		return fmt.Errorf("_remove_final_layer_norm with do_layer_norm_before is not supported")
	}
	return c.setActivation("activation_function", k.text("relu", "activation_function"))
}

func endOPT(d *Decoder, v nn.Visitor) {
	c := d.Config
	if !c.PostNorm {
		v.LayerNorm(&d.Norm, "model.decoder.final_layer_norm", c.Width, c.Eps, c.NormAffine)
	}
	if c.EmbedWidth != c.Width {
		v.Linear(&d.Out, "model.decoder.project_out", c.Width, c.EmbedWidth, false)
	}
}

// optBlock has its weights below name in a checkpoint.
type optBlock struct {
	Norm1      *nn.Norm
	Q, K, V, O nn.Projection
	Norm2      *nn.Norm
	Up, Down   nn.Projection

	config *Config
	name   string
}

func (b *optBlock) Parts(v nn.Visitor) {
	c := b.config
	d, heads := c.Width, c.Heads*c.HeadDim
	v = v.In(&b.name)
	v.LayerNorm(&b.Norm1, "self_attn_layer_norm", d, c.Eps, c.NormAffine)
	v.Linear(&b.Q, "self_attn.q_proj", d, heads, c.Bias)
	v.Linear(&b.K, "self_attn.k_proj", d, heads, c.Bias)
	v.Linear(&b.V, "self_attn.v_proj", d, heads, c.Bias)
	v.Linear(&b.O, "self_attn.out_proj", heads, d, c.Bias)
	v.LayerNorm(&b.Norm2, "final_layer_norm", d, c.Eps, c.NormAffine)
	v.Linear(&b.Up, "fc1", d, c.FeedForward, c.MLPBias)
	v.Linear(&b.Down, "fc2", c.FeedForward, d, c.MLPBias)
}

func (b *optBlock) Clone() Block { return nn.CloneOf(b) }

func (b *optBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	if b.config.PostNorm {
		x = b.Norm1.Forward(p, b.addAttention(p, x, x, at))
		return b.Norm2.Forward(p, b.addFeedForward(p, x, x))
	}
	x = b.addAttention(p, x, b.Norm1.Forward(p, x), at)
	return b.addFeedForward(p, x, b.Norm2.Forward(p, x))
}

// addAttention returns residual + attention(x).
func (b *optBlock) addAttention(p *autograd.Pass, residual, x autograd.Var, at Place) autograd.Var {
	qkv := nn.Linears(p, x, b.Q, b.K, b.V)
	return addDropped(p, residual, b.O, at.Attend(p, b.config.attentionScale(), qkv[0], qkv[1], qkv[2]))
}

// addFeedForward returns residual + feed-forward(x).
func (b *optBlock) addFeedForward(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	return addDropped(p, residual, b.Down, nn.LinearFunc(p, b.config.Activation, b.Up, x))
}
