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
// other families; pretraining_tp and slow_but_exact change the order of sums only.

var bloomFamily = family{
	name:      "bloom",
	configure: (*Config).setBLOOM,
	keys: map[string]string{
		"num_hidden_layers": "n_layer", "num_attention_heads": "n_head", "rms_norm_eps": "layer_norm_epsilon",
		"dropout": "hidden_dropout",
	},
	validate: wantWholeHeads,
	build:    newBLOOM,
	blocks:   "transformer.h.",
	full:     prefixed("transformer.", "word_embeddings.", "word_embeddings_layernorm.", "h.", "ln_f."),
	slopes:   bloomSlopes,
}

// bloomPositions is the length of sequences where no key of the configuration states
// it: slopes have no end, and this is lm-eval's choice and that of the published models.
const bloomPositions = 2048

func (c *Config) setBLOOM(data []byte) error {
	var hf struct {
		Vocab        int      `json:"vocab_size"`
		Width        int      `json:"hidden_size"`
		OldWidth     *int     `json:"n_embed"`
		Layers       int      `json:"n_layer"`
		OtherLayers  *int     `json:"num_hidden_layers"`
		Heads        int      `json:"n_head"`
		OtherHeads   *int     `json:"num_attention_heads"`
		Positions    *int     `json:"n_positions"`
		MaxPositions *int     `json:"max_position_embeddings"`
		Context      *int     `json:"n_ctx"`
		Eps          *float64 `json:"layer_norm_epsilon"`
		Dropout      *float64 `json:"hidden_dropout"`
		NormResidual bool     `json:"apply_residual_connection_post_layernorm"`
		Tied         *bool    `json:"tie_word_embeddings"`
	}
	if err := decodeConfig(data, &hf); err != nil {
		return err
	}
	c.setSizes(hfConfig{
		Vocab: hf.Vocab, Hidden: or(hf.OldWidth, hf.Width), Layers: or(hf.OtherLayers, hf.Layers), Heads: or(hf.OtherHeads, hf.Heads),
		MaxPositions: or(hf.Positions, or(hf.MaxPositions, or(hf.Context, bloomPositions))),
	})
	c.FeedForward, c.Eps, c.Activation = 4*c.Width, or(hf.Eps, 1e-5), kernels.GELUTanh
	c.Bias, c.MLPBias, c.Tied = true, true, or(hf.Tied, true)
	c.Dropout, c.NormResidual = or(hf.Dropout, 0), hf.NormResidual
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

func newBLOOM(c Config, src nn.Source) *Decoder {
	w := nn.From(src).At("transformer")
	embed := &bloomEmbedding{
		Tokens: w.Get("word_embeddings.weight", c.Vocab, c.Width),
		Norm:   nn.NewLayerNorm(w.At("word_embeddings_layernorm"), c.Width, c.Eps, true),
	}
	d := &Decoder{Config: c, Embed: embed, Head: embed.Tokens}
	for i := range c.Layers {
		d.Blocks = append(d.Blocks, newBLOOMBlock(c, w.At(fmt.Sprintf("h.%d", i))))
	}
	norm := nn.NewLayerNorm(w.At("ln_f"), c.Width, c.Eps, true)
	d.Norm = &norm
	if !c.Tied {
		d.Head = nn.From(src).Get("lm_head.weight", c.Vocab, c.Width)
	}
	return d
}

type bloomEmbedding struct {
	Tokens *autograd.Parameter // [V D]
	Norm   nn.Norm
}

func (e *bloomEmbedding) Forward(p *autograd.Pass, s *Stream) autograd.Var {
	return e.Norm.Forward(p, p.Gather(p.Param(e.Tokens), s.ids, activations))
}

func (e *bloomEmbedding) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) { _ = yield(e.Tokens) && e.Norm.Each(yield) }
}

func (e *bloomEmbedding) TokenWeights() *autograd.Parameter { return e.Tokens }

func (e *bloomEmbedding) Clone() Embedding {
	return &bloomEmbedding{Tokens: nn.Clone(e.Tokens), Norm: e.Norm.Clone()}
}

type bloomBlock struct {
	Norm1 nn.Norm   // input_layernorm
	QKV   nn.Linear // self_attention.query_key_value: of each head query, key, value
	O     nn.Linear // self_attention.dense
	Norm2 nn.Norm   // post_attention_layernorm
	Up    nn.Linear // mlp.dense_h_to_4h
	Down  nn.Linear // mlp.dense_4h_to_h

	config *Config
}

func newBLOOMBlock(c Config, w nn.Weights) *bloomBlock {
	attn, mlp, d := w.At("self_attention"), w.At("mlp"), c.Width
	return &bloomBlock{
		Norm1:  nn.NewLayerNorm(w.At("input_layernorm"), d, c.Eps, true),
		QKV:    nn.NewLinear(attn.At("query_key_value"), d, 3*d, true),
		O:      nn.NewLinear(attn.At("dense"), d, d, true),
		Norm2:  nn.NewLayerNorm(w.At("post_attention_layernorm"), d, c.Eps, true),
		Up:     nn.NewLinear(mlp.At("dense_h_to_4h"), d, c.FeedForward, true),
		Down:   nn.NewLinear(mlp.At("dense_4h_to_h"), c.FeedForward, d, true),
		config: &c,
	}
}

func (b *bloomBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	h := b.Norm1.Forward(p, x)
	q, k, v := b.queriesKeysValues(p, h)
	x = addDropped(p, b.residual(x, h), b.O, at.Attend(p, b.config.attentionScale(), q, k, v))
	h = b.Norm2.Forward(p, x)
	return addDropped(p, b.residual(x, h), b.Down, b.Up.ForwardFunc(p, b.config.Activation, h))
}

// residual returns what is added to a part of the block that reads h, the norm of x.
func (b *bloomBlock) residual(x, h autograd.Var) autograd.Var {
	if b.config.NormResidual {
		return h
	}
	return x
}

// queriesKeysValues takes the product [N H·3·K] apart, each part [N H·K].
func (b *bloomBlock) queriesKeysValues(p *autograd.Pass, x autograd.Var) (q, k, v autograd.Var) {
	n, width := x.T.Rows(), b.config.HeadDim
	heads := p.Reshape(b.QKV.Forward(p, x), n*b.config.Heads, 3*width)
	part := func(i int) autograd.Var {
		return p.Reshape(p.Slice(heads, 1, i*width, (i+1)*width), n, b.config.Width)
	}
	return part(0), part(1), part(2)
}

func (b *bloomBlock) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		_ = b.Norm1.Each(yield) && b.QKV.Each(yield) && b.O.Each(yield) &&
			b.Norm2.Each(yield) && b.Up.Each(yield) && b.Down.Each(yield)
	}
}

func (b *bloomBlock) Clone() Block {
	return &bloomBlock{
		Norm1: b.Norm1.Clone(), QKV: b.QKV.Clone(), O: b.O.Clone(),
		Norm2: b.Norm2.Clone(), Up: b.Up.Clone(), Down: b.Down.Clone(), config: b.config,
	}
}
