package transformer

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/nn"
)

// GPT-2 (Radford et al. 2019), as transformers' modeling_gpt2.py runs it: learned
// positions, biases, weights stored [in out], queries, keys and values of one product,
// a tied head. Dropout of attention probabilities (attn_pdrop) is left out, as it is
// for the other families.

var gpt2Family = family{
	name:      "gpt2",
	eos:       50256,
	configure: (*Config).setGPT2,
	keys: map[string]string{
		"num_hidden_layers": "n_layer", "hidden_size": "n_embd", "num_attention_heads": "n_head", "intermediate_size": "n_inner",
		"max_position_embeddings": "n_positions", "rms_norm_eps": "layer_norm_epsilon", "dropout": "resid_pdrop",
	},
	validate:  wantWholeHeads,
	embedding: embeddingNames{tokens: "transformer.wte.weight", positions: "transformer.wpe.weight"},
	layers:    "transformer.h.",
	block:     newGPT2Block,
	ending: func(d *Decoder, v nn.Visitor) {
		v.LayerNorm(&d.Norm, "transformer.ln_f", d.Config.Width, d.Config.Eps, true)
	},
	fullName: gpt2Name,
}

// gpt2Name leaves out the causal masks that older files hold for every layer.
func gpt2Name(name string) string {
	if strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attn.masked_bias") {
		return ""
	}
	return prefixed("transformer.", "wte.", "wpe.", "h.", "ln_f.")(name)
}

type gpt2Config struct {
	plainScores bool // attention does not divide q·k by √K
}

func (c *Config) setGPT2(k *keys) error {
	if k.bool(false, "add_cross_attention") {
		return fmt.Errorf("add_cross_attention is not supported: a decoder reads one text")
	}
	// transformers sets the general names last, so that they win.
	c.setSizes(sizes{
		vocab: k.int(50257, "vocab_size"), width: k.int(768, "hidden_size", "n_embd"), layers: k.int(12, "num_hidden_layers", "n_layer"),
		heads: k.int(12, "num_attention_heads", "n_head"), positions: k.int(1024, "max_position_embeddings", "n_positions"),
	})
	c.FeedForward, c.Eps = k.int(4*c.Width, "n_inner"), k.float(1e-5, "layer_norm_epsilon")
	c.Bias, c.MLPBias, c.Tied = true, true, k.bool(true, "tie_word_embeddings")
	c.Dropout, c.EmbedDropout = k.float(0.1, "resid_pdrop"), k.float(0.1, "embd_pdrop") > 0
	c.ScaleByLayer = k.bool(false, "scale_attn_by_inverse_layer_idx")
	c.own = gpt2Config{plainScores: !k.bool(true, "scale_attn_weights")}
	k.ignore("reorder_and_upcast_attn", "attn_pdrop") // the order of sums, and training
	return c.setActivation("activation_function", k.text("gelu_new", "activation_function"))
}

// gpt2Block has its weights below name in a checkpoint.
type gpt2Block struct {
	Norm1    *nn.Norm
	QKV      nn.Projection // columns of queries, keys, values
	O        nn.Projection
	Norm2    *nn.Norm
	Up, Down nn.Projection

	scale  float64 // of q·k
	config *Config
	name   string
}

func newGPT2Block(c *Config, name string, layer int) Block {
	b := &gpt2Block{scale: c.attentionScale(), config: c, name: name}
	if own, _ := c.own.(gpt2Config); own.plainScores {
		b.scale = 1
	}
	if c.ScaleByLayer {
		b.scale /= float64(layer + 1)
	}
	return b
}

func (b *gpt2Block) Parts(v nn.Visitor) {
	c := b.config
	d, heads := c.Width, c.Heads*c.HeadDim
	v = v.In(&b.name)
	v.LayerNorm(&b.Norm1, "ln_1", d, c.Eps, true)
	v.Conv1D(&b.QKV, "attn.c_attn", d, 3*heads)
	v.Conv1D(&b.O, "attn.c_proj", heads, d)
	v.LayerNorm(&b.Norm2, "ln_2", d, c.Eps, true)
	v.Conv1D(&b.Up, "mlp.c_fc", d, c.FeedForward)
	v.Conv1D(&b.Down, "mlp.c_proj", c.FeedForward, d)
}

func (b *gpt2Block) Clone() Block { return nn.CloneOf(b) }

func (b *gpt2Block) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	qkv := b.QKV.Forward(p, b.Norm1.Forward(p, x))
	d := qkv.T.Cols() / 3
	q, k, v := p.Slice(qkv, 1, 0, d), p.Slice(qkv, 1, d, 2*d), p.Slice(qkv, 1, 2*d, 3*d)
	x = addDropped(p, x, b.O, at.Attend(p, b.scale, q, k, v))
	return addDropped(p, x, b.Down, nn.LinearFunc(p, b.config.Activation, b.Up, b.Norm2.Forward(p, x)))
}
