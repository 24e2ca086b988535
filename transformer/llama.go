package transformer

import (
	"fmt"
	"strings"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
)

// LLaMA (Touvron et al. 2023, arXiv 2302.13971) and what shares its layers
// (SmolLM2, TinyLlama, Mistral without a window), as transformers'
// modeling_llama.py runs it: root-mean-square norms, rotary positions,
// grouped-query attention, a gated feed-forward layer, optional biases.

// activations is the type of the stream.
const activations = tensor.F32

var llamaFamily = family{
	name:      "llama",
	configure: (*Config).setLLaMA,
	validate: func(c Config, _ func(string) string) error {
		if c.RoPE.Dim != c.HeadDim {
			return fmt.Errorf("rope: rotary width %d is not head_dim %d", c.RoPE.Dim, c.HeadDim)
		}
		return c.RoPE.Validate()
	},
	build:  newLLaMA,
	blocks: "model.layers.",
	full:   prefixed("model.", "layers.", "embed_tokens.", "norm."),
	spare:  func(name string) bool { return strings.HasSuffix(name, "rotary_emb.inv_freq") },
}

func (c *Config) setLLaMA(data []byte) error {
	var hf struct {
		hfConfig
		KVHeads       *int     `json:"num_key_value_heads"`
		HeadDim       *int     `json:"head_dim"`
		Intermediate  int      `json:"intermediate_size"`
		HiddenAct     string   `json:"hidden_act"`
		RMSEps        *float64 `json:"rms_norm_eps"`
		AttentionBias bool     `json:"attention_bias"`
		MLPBias       bool     `json:"mlp_bias"`
		RopeTheta     *float64 `json:"rope_theta"`
		RopeScaling   *struct {
			RopeType string  `json:"rope_type"`
			Type     string  `json:"type"`
			Factor   float64 `json:"factor"`
			Low      float64 `json:"low_freq_factor"`
			High     float64 `json:"high_freq_factor"`
			Original int     `json:"original_max_position_embeddings"`
		} `json:"rope_scaling"`
	}
	if err := decodeConfig(data, &hf); err != nil {
		return err
	}
	c.setSizes(hf.hfConfig)
	c.FeedForward, c.KVHeads = hf.Intermediate, or(hf.KVHeads, hf.Heads)
	c.Bias, c.MLPBias = hf.AttentionBias, hf.MLPBias
	c.Tied = or(hf.Tied, false)
	c.Eps = or(hf.RMSEps, 1e-6)
	c.HeadDim = or(hf.HeadDim, c.HeadDim)
	c.RoPE = nn.RoPE{Dim: c.HeadDim, Theta: or(hf.RopeTheta, 10000), MaxPositions: hf.MaxPositions}
	if s := hf.RopeScaling; s != nil {
		c.RoPE.Type = s.RopeType
		if c.RoPE.Type == "" {
			c.RoPE.Type = s.Type
		}
		c.RoPE.Factor, c.RoPE.LowFreq, c.RoPE.HighFreq, c.RoPE.OriginalPositions = s.Factor, s.Low, s.High, s.Original
	}
	return c.setActivation("hidden_act", hf.HiddenAct, "silu")
}

func newLLaMA(c Config, src nn.Source) *Decoder {
	w := nn.From(src).At("model")
	embed := &llamaEmbedding{Tokens: w.Get("embed_tokens.weight", c.Vocab, c.Width)}
	d := &Decoder{Config: c, Embed: embed, Head: embed.Tokens}
	for i := range c.Layers {
		d.Blocks = append(d.Blocks, newLLaMABlock(c, w.At(fmt.Sprintf("layers.%d", i))))
	}
	norm := nn.NewRMSNorm(w.At("norm"), c.Width, c.Eps)
	d.Norm = &norm
	if !c.Tied {
		d.Head = nn.From(src).Get("lm_head.weight", c.Vocab, c.Width)
	}
	return d
}

type llamaEmbedding struct {
	Tokens *autograd.Parameter // [V D]
}

func (e *llamaEmbedding) Forward(p *autograd.Pass, s *Stream) autograd.Var {
	return p.Gather(p.Param(e.Tokens), s.ids, activations)
}

func (e *llamaEmbedding) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) { yield(e.Tokens) }
}

func (e *llamaEmbedding) TokenWeights() *autograd.Parameter { return e.Tokens }

func (e *llamaEmbedding) Clone() Embedding { return &llamaEmbedding{Tokens: nn.Clone(e.Tokens)} }

type llamaBlock struct {
	Norm1   nn.Norm // input_layernorm
	Q, K, V nn.Linear
	O       nn.Linear
	Norm2   nn.Norm // post_attention_layernorm
	Gate    nn.Linear
	Up      nn.Linear
	Down    nn.Linear

	config *Config
}

func newLLaMABlock(c Config, w nn.Weights) *llamaBlock {
	attn, mlp := w.At("self_attn"), w.At("mlp")
	d, q, kv := c.Width, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	return &llamaBlock{
		Norm1:  nn.NewRMSNorm(w.At("input_layernorm"), d, c.Eps),
		Q:      nn.NewLinear(attn.At("q_proj"), d, q, c.Bias),
		K:      nn.NewLinear(attn.At("k_proj"), d, kv, c.Bias),
		V:      nn.NewLinear(attn.At("v_proj"), d, kv, c.Bias),
		O:      nn.NewLinear(attn.At("o_proj"), q, d, c.Bias),
		Norm2:  nn.NewRMSNorm(w.At("post_attention_layernorm"), d, c.Eps),
		Gate:   nn.NewLinear(mlp.At("gate_proj"), d, c.FeedForward, c.MLPBias),
		Up:     nn.NewLinear(mlp.At("up_proj"), d, c.FeedForward, c.MLPBias),
		Down:   nn.NewLinear(mlp.At("down_proj"), c.FeedForward, d, c.MLPBias),
		config: &c,
	}
}

func (b *llamaBlock) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	x = b.addAttention(p, x, b.Norm1.Forward(p, x), at)
	return b.addFeedForward(p, x, b.Norm2.Forward(p, x))
}

// addAttention returns residual + attention(x).
func (b *llamaBlock) addAttention(p *autograd.Pass, residual, x autograd.Var, at Place) autograd.Var {
	qkv := nn.Linears(p, x, b.Q, b.K, b.V)
	q := p.RoPE(qkv[0], at.cos, at.sin, b.config.HeadDim)
	k := p.RoPE(qkv[1], at.cos, at.sin, b.config.HeadDim)
	return b.O.ForwardAdd(p, residual, at.Attend(p, b.config.attentionScale(), q, k, qkv[2]))
}

// addFeedForward returns residual + feed-forward(x).
func (b *llamaBlock) addFeedForward(p *autograd.Pass, residual, x autograd.Var) autograd.Var {
	gated := nn.Linears(p, x, b.Gate, b.Up)
	return b.Down.ForwardAdd(p, residual, p.Gated(b.config.Activation, gated[0], gated[1]))
}

func (b *llamaBlock) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		_ = b.Norm1.Each(yield) && b.Q.Each(yield) && b.K.Each(yield) && b.V.Each(yield) && b.O.Each(yield) &&
			b.Norm2.Each(yield) && b.Gate.Each(yield) && b.Up.Each(yield) && b.Down.Each(yield)
	}
}

func (b *llamaBlock) Clone() Block {
	return &llamaBlock{
		Norm1: b.Norm1.Clone(), Q: b.Q.Clone(), K: b.K.Clone(), V: b.V.Clone(), O: b.O.Clone(),
		Norm2: b.Norm2.Clone(), Gate: b.Gate.Clone(), Up: b.Up.Clone(), Down: b.Down.Clone(), config: b.config,
	}
}
