package transformer

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"lamina/formats"
	"lamina/kernels"
	"lamina/nn"
)

// Config is the architecture of a decoder: what transformers' config.json (or
// GGUF metadata) says, in one form for all families.
type Config struct {
	Family       string // "opt" or "llama": transformers' model_type
	Layers       int    // L
	Width        int    // D
	EmbedWidth   int    // E: width of token embeddings and head input (OPT-350m: ≠ D)
	Heads        int    // H
	KVHeads      int    // G
	HeadDim      int    // K
	FeedForward  int    // F
	Vocab        int    // V
	MaxPositions int
	Eps          float64
	Activation   kernels.Func
	Tied         bool // the head is the token embedding
	PostNorm     bool // OPT-350m: normalise after the residual addition, no final norm
	NormAffine   bool
	Bias         bool // OPT: all linears; LLaMA: attention_bias
	MLPBias      bool
	Dropout      float64
	RoPE         nn.RoPE

	// Raw is the configuration as read, for writing a directory that
	// transformers loads.
	Raw map[string]any
}

// Limits of what is accepted from a file, far above any published model.
const (
	maxLayers = 1024
	maxSize   = 1 << 24
)

// hfConfig has the keys of config.json that we read; pointers tell absent from zero.
type hfConfig struct {
	ModelType        string   `json:"model_type"`
	Vocab            int      `json:"vocab_size"`
	Hidden           int      `json:"hidden_size"`
	Layers           int      `json:"num_hidden_layers"`
	Heads            int      `json:"num_attention_heads"`
	KVHeads          *int     `json:"num_key_value_heads"`
	HeadDim          *int     `json:"head_dim"`
	Intermediate     int      `json:"intermediate_size"`
	FFN              int      `json:"ffn_dim"`
	MaxPositions     int      `json:"max_position_embeddings"`
	WordEmbedProjDim *int     `json:"word_embed_proj_dim"`
	NormBefore       *bool    `json:"do_layer_norm_before"`
	RemoveFinalNorm  bool     `json:"_remove_final_layer_norm"`
	NormAffine       *bool    `json:"layer_norm_elementwise_affine"`
	EnableBias       *bool    `json:"enable_bias"`
	Activation       string   `json:"activation_function"`
	HiddenAct        string   `json:"hidden_act"`
	RMSEps           *float64 `json:"rms_norm_eps"`
	Tied             *bool    `json:"tie_word_embeddings"`
	AttentionBias    bool     `json:"attention_bias"`
	MLPBias          bool     `json:"mlp_bias"`
	Dropout          *float64 `json:"dropout"`
	RopeTheta        *float64 `json:"rope_theta"`
	RopeScaling      *struct {
		RopeType string  `json:"rope_type"`
		Type     string  `json:"type"`
		Factor   float64 `json:"factor"`
		Low      float64 `json:"low_freq_factor"`
		High     float64 `json:"high_freq_factor"`
		Original int     `json:"original_max_position_embeddings"`
	} `json:"rope_scaling"`
}

// ParseConfig reads a config.json. Errors name the field.
func ParseConfig(data []byte) (Config, error) {
	var hf hfConfig
	if err := json.Unmarshal(data, &hf); err != nil {
		return Config{}, fmt.Errorf("not a model configuration: %w", err)
	}
	var raw map[string]any
	if err := json.Unmarshal(data, &raw); err != nil {
		return Config{}, err
	}
	c := Config{
		Family: hf.ModelType, Layers: hf.Layers, Width: hf.Hidden, EmbedWidth: hf.Hidden,
		Heads: hf.Heads, Vocab: hf.Vocab, MaxPositions: hf.MaxPositions, NormAffine: true, Raw: raw,
	}
	var err error
	switch hf.ModelType {
	case "opt":
		err = c.setOPT(hf)
	case "llama":
		err = c.setLLaMA(hf)
	default:
		return Config{}, fmt.Errorf("model_type %s is not supported (opt, llama)", formats.Quote(hf.ModelType))
	}
	if err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

func (c *Config) setOPT(hf hfConfig) error {
	c.FeedForward, c.KVHeads, c.Eps = hf.FFN, hf.Heads, 1e-5
	c.Bias, c.MLPBias = or(hf.EnableBias, true), or(hf.EnableBias, true)
	c.NormAffine = or(hf.NormAffine, true)
	c.PostNorm = !or(hf.NormBefore, true)
	c.EmbedWidth = or(hf.WordEmbedProjDim, hf.Hidden)
	c.Tied = or(hf.Tied, true)
	c.Dropout = or(hf.Dropout, 0.1)
	if c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
	if hf.RemoveFinalNorm && !c.PostNorm {
		return fmt.Errorf("_remove_final_layer_norm with do_layer_norm_before is not supported")
	}
	return c.setActivation("activation_function", hf.Activation, "relu")
}

func (c *Config) setLLaMA(hf hfConfig) error {
	c.FeedForward, c.KVHeads = hf.Intermediate, or(hf.KVHeads, hf.Heads)
	c.Bias, c.MLPBias = hf.AttentionBias, hf.MLPBias
	c.Tied = or(hf.Tied, false)
	c.Eps = or(hf.RMSEps, 1e-6)
	if c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
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

func (c *Config) setActivation(field, name, standard string) error {
	if name == "" {
		name = standard
	}
	f, ok := nn.ParseActivation(name)
	if !ok {
		return fmt.Errorf("%s %s is not supported (relu, gelu, gelu_new, gelu_pytorch_tanh, silu, swish, tanh)", field, formats.Quote(name))
	}
	c.Activation = f
	return nil
}

// Validate checks that sizes are possible and fit each other, before anything is
// allocated from them.
func (c Config) Validate() error {
	for _, f := range []struct {
		name  string
		value int
		limit int
	}{
		{"num_hidden_layers", c.Layers, maxLayers}, {"hidden_size", c.Width, maxSize},
		{"word_embed_proj_dim", c.EmbedWidth, maxSize}, {"num_attention_heads", c.Heads, maxSize},
		{"num_key_value_heads", c.KVHeads, maxSize}, {"head_dim", c.HeadDim, maxSize},
		{"ffn_dim/intermediate_size", c.FeedForward, maxSize}, {"vocab_size", c.Vocab, maxSize},
		{"max_position_embeddings", c.MaxPositions, maxSize},
	} {
		if f.value < 1 || f.value > f.limit {
			return fmt.Errorf("%s is %d (want 1 to %d)", f.name, f.value, f.limit)
		}
	}
	switch {
	case c.Family == "opt" && c.Width%c.Heads != 0:
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", c.Width, c.Heads)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_attention_heads %d is no multiple of num_key_value_heads %d", c.Heads, c.KVHeads)
	case !(c.Eps > 0):
		return fmt.Errorf("norm epsilon (rms_norm_eps) is %v (want > 0)", c.Eps)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("dropout is %v (want 0 to 1)", c.Dropout)
	}
	if c.Family != "llama" {
		return nil
	}
	if c.RoPE.Dim != c.HeadDim {
		return fmt.Errorf("rope: rotary width %d is not head_dim %d", c.RoPE.Dim, c.HeadDim)
	}
	return c.RoPE.Validate()
}

// BlockParams returns the number of weights of one block.
func (c Config) BlockParams() int {
	d, q, kv, f := c.Width, c.Heads*c.HeadDim, c.KVHeads*c.HeadDim, c.FeedForward
	n := d*q + 2*d*kv + q*d
	if c.Bias {
		n += q + 2*kv + d
	}
	norm := 0
	if c.NormAffine {
		norm = 2 * d
	}
	if c.Family == "llama" {
		n += 3*d*f + 2*d
		if c.MLPBias {
			n += 2*f + d
		}
		return n
	}
	n += 2*d*f + 2*norm
	if c.MLPBias {
		n += f + d
	}
	return n
}

// Params returns the number of weights of the model; a tied head counts once.
func (c Config) Params() int {
	n := c.Layers*c.BlockParams() + c.Vocab*c.EmbedWidth
	if !c.Tied {
		n += c.Vocab * c.EmbedWidth
	}
	if c.Family == "llama" {
		return n + c.Width
	}
	n += (c.MaxPositions + optPositionOffset) * c.Width
	if c.EmbedWidth != c.Width {
		n += 2 * c.EmbedWidth * c.Width
	}
	if !c.PostNorm && c.NormAffine {
		n += 2 * c.Width
	}
	return n
}

// String describes the architecture in one line.
func (c Config) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d layers, width %d, %d heads", c.Family, c.Layers, c.Width, c.Heads)
	if c.KVHeads != c.Heads {
		fmt.Fprintf(&b, " (%d key/value)", c.KVHeads)
	}
	fmt.Fprintf(&b, " of %d, feed-forward %d, vocabulary %d, %d positions", c.HeadDim, c.FeedForward, c.Vocab, c.MaxPositions)
	return b.String()
}

// attentionScale is what most families multiply q·k by: 1/√K.
func (c Config) attentionScale() float64 { return 1 / math.Sqrt(float64(c.HeadDim)) }

func or[T any](v *T, standard T) T {
	if v == nil {
		return standard
	}
	return *v
}
