package transformer

import (
	"fmt"
	"math"

	"lamina/autograd"
	"lamina/kernels"
	"lamina/nn"
)

// BLOOM (Scao et al. 2022, arXiv 2211.05100), as transformers' modeling_bloom.py runs
// it: a norm behind the embedding, attention scores that fall with the distance in
// place of positions, queries, keys and values of one product, biases, a tied head.
// Dropout of attention probabilities (attention_dropout) is left out, as it is for the
// other families. slow_but_exact asks for the sums of so many parts as pretraining_tp
// says, for which transformers forgets two biases: they are added here all the same.

var bloomFamily = family{
	name:      "bloom",
	eos:       2,
	configure: (*Config).setBLOOM,
	keys: map[string]string{
		"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "rms_norm_eps": "layer_norm_epsilon",
		"dropout": "hidden_dropout",
	},
	validate:  wantWholeHeads,
	embedding: embeddingNames{tokens: "transformer.word_embeddings.weight", norm: "transformer.word_embeddings_layernorm"},
	layers:    "transformer.h.",
	block:     func(c *Config, name string, _ int) Block { return &bloomBlock{config: c, name: name} },
	ending: func(d *Decoder, v nn.Visitor) {
		v.LayerNorm(&d.Norm, "transformer.ln_f", d.Config.Width, d.Config.Eps, true)
	},
	fullName: prefixed("transformer.", "word_embeddings.", "word_embeddings_layernorm.", "h.", "ln_f."),
	slopes:   bloomSlopes,
}

// bloomPositions is the length of sequences where no key of the configuration states
// it: slopes have no end, and this is lm-eval's choice and that of the published models.
const bloomPositions = 2048

type bloomConfig struct {
	normResidual bool // a residual connection begins behind the norm
}

func (c *Config) setBLOOM(k *keys) error {
	c.setSizes(sizes{
		vocab: k.int(250880, "vocab_size"), width: k.int(64, "n_embed", "hidden_size"), layers: k.int(2, "num_hidden_layers", "n_layer"),
		heads:     k.int(8, "num_attention_heads", "n_head"),
		positions: k.int(bloomPositions, "n_positions", "max_position_embeddings", "n_ctx"),
	})
	c.FeedForward, c.Eps, c.Activation = 4*c.Width, k.float(1e-5, "layer_norm_epsilon"), kernels.GELUTanh
	c.Bias, c.MLPBias, c.Tied = true, true, k.bool(true, "tie_word_embeddings")
	c.Dropout = k.float(0, "hidden_dropout")
	c.own = bloomConfig{k.bool(false, "apply_residual_connection_post_layernorm")}
	if parts := k.int(1, "pretraining_tp"); k.bool(false, "slow_but_exact") && parts > 1 {
		c.Warnings = append(c.Warnings, fmt.Sprintf("slow_but_exact with pretraining_tp %d: transformers leaves out the biases of self_attention.dense and "+
			"mlp.dense_4h_to_h then; they are added here, as in training (its logits are equal with slow_but_exact false)", parts))
	}
	// What Megatron noted: transformers reads none of it.
	k.ignore("attention_softmax_in_fp32", "masked_softmax_fusion", "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "bias_dropout_fusion")
	return nil
}

// bloomSlopes returns what the score of a key loses, negated, for each position that it
// is farther away: for a power of two of heads n the powers 1 to n of 2^(-8/n), and for
// the heads beyond one the odd powers of the root, rounded to float32 as transformers'
// build_alibi_tensor has them.
func bloomSlopes(heads int) []float64 {
	n := 1
	for 2*n <= heads {
		n *= 2
	}
	slopes := make([]float64, heads)
	for i := range slopes {
		base, power := 8/float64(n), i+1
		if i >= n {
			base, power = 4/float64(n), 2*(i-n)+1
		}
		slopes[i] = float64(float32(math.Pow(float64(float32(math.Exp2(-base))), float64(power))))
	}
	return slopes
}

// bloomBlock has its weights below name in a checkpoint.
type bloomBlock struct {
	Norm1    *nn.Norm
	QKV      nn.Projection // of each head query, key, value
	O        nn.Projection
	Norm2    *nn.Norm
	Up, Down nn.Projection

	heads  []int // the layer's heads that are left; nil: all
	config *Config
	name   string
}

func (b *bloomBlock) headNumbers() *[]int { return &b.heads }

func (b *bloomBlock) Parts(v nn.Visitor) {
	c := b.config
	d, heads := c.Width, c.Heads*c.HeadDim
	v = v.In(&b.name)
	v.LayerNorm(&b.Norm1, "input_layernorm", d, c.Eps, true)
	v.Linear(&b.QKV, "self_attention.query_key_value", d, 3*heads, true)
	v.Linear(&b.O, "self_attention.dense", heads, d, true)
	v.LayerNorm(&b.Norm2, "post_attention_layernorm", d, c.Eps, true)
	v.Linear(&b.Up, "mlp.dense_h_to_4h", d, c.FeedForward, true)
	v.Linear(&b.Down, "mlp.dense_4h_to_h", c.FeedForward, d, true)
}

func (b *bloomBlock) Clone() Block { return nn.CloneOf(b) }

func (b *bloomBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	h := b.Norm1.Forward(p, x)
	q, k, v := b.queriesKeysValues(p, h)
	x = addDropped(p, b.residual(x, h), b.O, at.attend(p, b.config.attentionScale(), q, k, v, b.heads))
	h = b.Norm2.Forward(p, x)
	return addDropped(p, b.residual(x, h), b.Down, nn.LinearFunc(p, b.config.Activation, b.Up, h))
}

// residual returns what is added to a part of the block that reads h, the norm of x.
func (b *bloomBlock) residual(x, h autograd.Var) autograd.Var {
	if own, _ := b.config.own.(bloomConfig); own.normResidual {
		return h
	}
	return x
}

// queriesKeysValues takes the product [N H·3·K] apart, each part [N H·K].
func (b *bloomBlock) queriesKeysValues(p *autograd.Pass, x autograd.Var) (q, k, v autograd.Var) {
	n, width := x.T.Rows(), b.config.HeadDim
	y := b.QKV.Forward(p, x)
	all := y.T.Cols() / 3
	heads := p.Reshape(y, n*all/width, 3*width)
	part := func(i int) autograd.Var {
		return p.Reshape(p.Slice(heads, 1, i*width, (i+1)*width), n, all)
	}
	return part(0), part(1), part(2)
}
