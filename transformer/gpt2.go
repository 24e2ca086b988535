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
	configure: (*Config).setGPT2,
	keys: map[string]string{
		"num_hidden_layers": "n_layer", "hidden_size": "n_embd", "num_attention_heads": "n_head", "intermediate_size": "n_inner",
		"max_position_embeddings": "n_positions", "rms_norm_eps": "layer_norm_epsilon", "dropout": "resid_pdrop",
	},
	validate: wantWholeHeads,
	build:    newGPT2,
	blocks:   "transformer.h.",
	full:     gpt2Name,
	learned:  true,
}

// gpt2Name leaves out the causal masks that older files hold for every layer.
func gpt2Name(name string) string {
	if strings.HasSuffix(name, ".attn.bias") || strings.HasSuffix(name, ".attn.masked_bias") {
		return ""
	}
	return prefixed("transformer.", "wte.", "wpe.", "h.", "ln_f.")(name)
}

func (c *Config) setGPT2(data []byte) error {
	var hf struct {
		Vocab         int      `json:"vocab_size"`
		Width         int      `json:"n_embd"`
		Layers        int      `json:"n_layer"`
		Heads         int      `json:"n_head"`
		Positions     int      `json:"n_positions"`
		Inner         *int     `json:"n_inner"`
		Activation    string   `json:"activation_function"`
		Eps           *float64 `json:"layer_norm_epsilon"`
		Dropout       *float64 `json:"resid_pdrop"`
		EmbedDropout  *float64 `json:"embd_pdrop"`
		Scaled        *bool    `json:"scale_attn_weights"`
		ScaledByLayer bool     `json:"scale_attn_by_inverse_layer_idx"`
		Cross         bool     `json:"add_cross_attention"`
		Tied          *bool    `json:"tie_word_embeddings"`
	}
	if err := decodeConfig(data, &hf); err != nil {
		return err
	}
	if hf.Cross {
		return fmt.Errorf("add_cross_attention is not supported: a decoder reads one text")
	}
	c.setSizes(hfConfig{Vocab: hf.Vocab, Hidden: hf.Width, Layers: hf.Layers, Heads: hf.Heads, MaxPositions: hf.Positions})
	c.FeedForward, c.Eps = or(hf.Inner, 4*hf.Width), or(hf.Eps, 1e-5)
	c.Bias, c.MLPBias, c.Tied = true, true, or(hf.Tied, true)
	c.Dropout, c.EmbedDropout = or(hf.Dropout, 0.1), or(hf.EmbedDropout, 0.1) > 0
	c.PlainScores, c.ScaleByLayer = !or(hf.Scaled, true), hf.ScaledByLayer
	return c.setActivation("activation_function", hf.Activation, "gelu_new")
}

func newGPT2(c Config, src nn.Source) *Decoder {
	w := nn.From(src).At("transformer")
	embed := &gpt2Embedding{
		Tokens:    w.Get("wte.weight", c.Vocab, c.Width),
		Positions: w.Get("wpe.weight", c.MaxPositions, c.Width),
		drop:      c.EmbedDropout,
	}
	d := &Decoder{Config: c, Embed: embed, Head: embed.Tokens}
	for i := range c.Layers {
		b := newGPT2Block(c, w.At(fmt.Sprintf("h.%d", i)))
		if c.ScaleByLayer {
			b.scale /= float64(i + 1)
		}
		d.Blocks = append(d.Blocks, b)
	}
	norm := nn.NewLayerNorm(w.At("ln_f"), c.Width, c.Eps, true)
	d.Norm = &norm
	if !c.Tied {
		d.Head = nn.From(src).Get("lm_head.weight", c.Vocab, c.Width)
	}
	return d
}

type gpt2Embedding struct {
	Tokens    *autograd.Parameter // [V D]
	Positions *autograd.Parameter // [positions D]

	drop bool
}

func (e *gpt2Embedding) Forward(p *autograd.Pass, s *Stream) autograd.Var {
	x := p.Add(p.Gather(p.Param(e.Tokens), s.ids, activations), p.Gather(p.Param(e.Positions), s.positions, activations))
	if e.drop {
		x = p.ApplyDropout(x)
	}
	return x
}

func (e *gpt2Embedding) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) { _ = yield(e.Tokens) && yield(e.Positions) }
}

func (e *gpt2Embedding) TokenWeights() *autograd.Parameter { return e.Tokens }

func (e *gpt2Embedding) Clone() Embedding {
	return &gpt2Embedding{Tokens: nn.Clone(e.Tokens), Positions: nn.Clone(e.Positions), drop: e.drop}
}

type gpt2Block struct {
	Norm1 nn.Norm   // ln_1
	QKV   nn.Linear // attn.c_attn: columns of queries, keys, values
	O     nn.Linear // attn.c_proj
	Norm2 nn.Norm   // ln_2
	Up    nn.Linear // mlp.c_fc
	Down  nn.Linear // mlp.c_proj

	scale  float64 // of q·k
	config *Config
}

func newGPT2Block(c Config, w nn.Weights) *gpt2Block {
	attn, mlp, d := w.At("attn"), w.At("mlp"), c.Width
	b := &gpt2Block{
		Norm1:  nn.NewLayerNorm(w.At("ln_1"), d, c.Eps, true),
		QKV:    nn.NewConv1D(attn.At("c_attn"), d, 3*d),
		O:      nn.NewConv1D(attn.At("c_proj"), d, d),
		Norm2:  nn.NewLayerNorm(w.At("ln_2"), d, c.Eps, true),
		Up:     nn.NewConv1D(mlp.At("c_fc"), d, c.FeedForward),
		Down:   nn.NewConv1D(mlp.At("c_proj"), c.FeedForward, d),
		scale:  c.attentionScale(),
		config: &c,
	}
	if c.PlainScores {
		b.scale = 1
	}
	return b
}

func (b *gpt2Block) Forward(p *autograd.Pass, x autograd.Var, at Place) autograd.Var {
	qkv, d := b.QKV.Forward(p, b.Norm1.Forward(p, x)), b.config.Width
	q, k, v := p.Slice(qkv, 1, 0, d), p.Slice(qkv, 1, d, 2*d), p.Slice(qkv, 1, 2*d, 3*d)
	x = addDropped(p, x, b.O, at.Attend(p, b.scale, q, k, v))
	return addDropped(p, x, b.Down, b.Up.ForwardFunc(p, b.config.Activation, b.Norm2.Forward(p, x)))
}

func (b *gpt2Block) Params() nn.Params {
	return func(yield func(*autograd.Parameter) bool) {
		_ = b.Norm1.Each(yield) && b.QKV.Each(yield) && b.O.Each(yield) &&
			b.Norm2.Each(yield) && b.Up.Each(yield) && b.Down.Each(yield)
	}
}

func (b *gpt2Block) Clone() Block {
	return &gpt2Block{
		Norm1: b.Norm1.Clone(), QKV: b.QKV.Clone(), O: b.O.Clone(),
		Norm2: b.Norm2.Clone(), Up: b.Up.Clone(), Down: b.Down.Clone(), scale: b.scale, config: b.config,
	}
}
