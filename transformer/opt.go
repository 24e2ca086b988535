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

// optPositionOffset is the number of unused rows before position 0.
const optPositionOffset = 2

var optFamily = family{
	name:      "opt",
	configure: (*Config).setOPT,
	keys:      map[string]string{"intermediate_size": "ffn_dim"},
	validate:  wantWholeHeads,
	build:     newOPT,
	blocks:    "model.decoder.layers.",
	full:      prefixed("model.", "decoder."),
	spare:     func(name string) bool { return strings.HasSuffix(name, "decoder.version") },
	learned:   true,
}

func (c *Config) setOPT(data []byte) error {
	var hf struct {
		hfConfig
		FFN              int      `json:"ffn_dim"`
		WordEmbedProjDim *int     `json:"word_embed_proj_dim"`
		NormBefore       *bool    `json:"do_layer_norm_before"`
		RemoveFinalNorm  bool     `json:"_remove_final_layer_norm"`
		NormAffine       *bool    `json:"layer_norm_elementwise_affine"`
		EnableBias       *bool    `json:"enable_bias"`
		Activation       string   `json:"activation_function"`
		Dropout          *float64 `json:"dropout"`
	}
	if err := decodeConfig(data, &hf); err != nil {
		return err
	}
	c.setSizes(hf.hfConfig)
	c.FeedForward, c.Eps = hf.FFN, 1e-5
	c.Bias, c.MLPBias = or(hf.EnableBias, true), or(hf.EnableBias, true)
	c.NormAffine = or(hf.NormAffine, true)
	c.PostNorm = !or(hf.NormBefore, true)
	c.EmbedWidth = or(hf.WordEmbedProjDim, hf.Hidden)
	c.Tied = or(hf.Tied, true)
	c.Dropout = or(hf.Dropout, 0.1)
	if hf.RemoveFinalNorm && !c.PostNorm {
		return fmt.Errorf("_remove_final_layer_norm with do_layer_norm_before is not supported")
	}
	return c.setActivation("activation_function", hf.Activation, "relu")
}

func newOPT(c Config, src nn.Source) *Decoder {
	w := nn.From(src).At("model").At("decoder")
	embed := &optEmbedding{
		Tokens:    w.Get("embed_tokens.weight", c.Vocab, c.EmbedWidth),
		Positions: w.Get("embed_positions.weight", c.MaxPositions+optPositionOffset, c.Width),
	}
	d := &Decoder{Config: c, Embed: embed, Head: embed.Tokens}
	if c.EmbedWidth != c.Width {
		in := nn.NewLinear(w.At("project_in"), c.EmbedWidth, c.Width, false)
		out := nn.NewLinear(w.At("project_out"), c.Width, c.EmbedWidth, false)
		embed.In, d.Out = &in, &out
	}
	for i := range c.Layers {
		d.Blocks = append(d.Blocks, newOPTBlock(c, w.At(fmt.Sprintf("layers.%d", i))))
	}
	if !c.PostNorm {
		norm := nn.NewLayerNorm(w.At("final_layer_norm"), c.Width, c.Eps, c.NormAffine)
		d.Norm = &norm
	}
	if !c.Tied {
		d.Head = nn.From(src).Get("lm_head.weight", c.Vocab, c.EmbedWidth)
	}
	return d
}

type optEmbedding struct {
	Tokens    *autograd.Parameter // [V E]
	Positions *autograd.Parameter // [positions+2 D]
	In        *nn.Linear          // E → D, or nil
}

func (e *optEmbedding) Forward(p *autograd.Pass, s *Stream) autograd.Var {
	x := p.Gather(p.Param(e.Tokens), s.ids, activations)
	if e.In != nil {
		x = e.In.Forward(p, x)
	}
	at := p.New(s.positions.DType(), s.positions.Len())
	rows := s.positions.Ints()
	for i := range rows {
		rows[i] += optPositionOffset
	}
	at.SetInts(rows)
	return p.Add(x, p.Gather(p.Param(e.Positions), at, activations))
}

func (e *optEmbedding) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		_ = yield(e.Tokens) && yield(e.Positions) && (e.In == nil || e.In.Each(yield))
	}
}

func (e *optEmbedding) TokenWeights() *autograd.Parameter { return e.Tokens }

func (e *optEmbedding) Clone() Embedding {
	c := &optEmbedding{Tokens: nn.Clone(e.Tokens), Positions: nn.Clone(e.Positions)}
	if e.In != nil {
		in := e.In.Clone()
		c.In = &in
	}
	return c
}

type optBlock struct {
	Norm1   nn.Norm // self_attn_layer_norm
	Q, K, V nn.Linear
	O       nn.Linear
	Norm2   nn.Norm // final_layer_norm
	Up      nn.Linear
	Down    nn.Linear

	config *Config
}

func newOPTBlock(c Config, w nn.Weights) *optBlock {
	attn, d := w.At("self_attn"), c.Width
	return &optBlock{
		Norm1:  nn.NewLayerNorm(w.At("self_attn_layer_norm"), d, c.Eps, c.NormAffine),
		Q:      nn.NewLinear(attn.At("q_proj"), d, d, c.Bias),
		K:      nn.NewLinear(attn.At("k_proj"), d, d, c.Bias),
		V:      nn.NewLinear(attn.At("v_proj"), d, d, c.Bias),
		O:      nn.NewLinear(attn.At("out_proj"), d, d, c.Bias),
		Norm2:  nn.NewLayerNorm(w.At("final_layer_norm"), d, c.Eps, c.NormAffine),
		Up:     nn.NewLinear(w.At("fc1"), d, c.FeedForward, c.MLPBias),
		Down:   nn.NewLinear(w.At("fc2"), c.FeedForward, d, c.MLPBias),
		config: &c,
	}
}

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
	return addDropped(p, residual, b.Down, b.Up.ForwardFunc(p, b.config.Activation, x))
}

func (b *optBlock) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		_ = b.Norm1.Each(yield) && b.Q.Each(yield) && b.K.Each(yield) && b.V.Each(yield) && b.O.Each(yield) &&
			b.Norm2.Each(yield) && b.Up.Each(yield) && b.Down.Each(yield)
	}
}

func (b *optBlock) Clone() Block {
	return &optBlock{
		Norm1: b.Norm1.Clone(), Q: b.Q.Clone(), K: b.K.Clone(), V: b.V.Clone(), O: b.O.Clone(),
		Norm2: b.Norm2.Clone(), Up: b.Up.Clone(), Down: b.Down.Clone(), config: b.config,
	}
}
