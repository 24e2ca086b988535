package transformer

import (
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
	Family       string // "opt", "llama", "gpt2" or "bloom": transformers' model_type
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
	EmbedDropout bool // GPT-2: the stream that the embedding makes is dropped from too
	ScaleByLayer bool // GPT-2: attention divides q·k by the number of the layer, from 1 on
	RoPE         nn.RoPE

	// own holds settings that only the family's own file sets and reads.
	own any
	// compact is what a directory that lamina alone reads says beside; else nil.
	compact *compact

	// Raw is the configuration as read, for writing a directory that
	// transformers loads.
	Raw map[string]any
}

// Limits of what is accepted from a file, far above any published model.
const (
	maxLayers = 1024
	maxSize   = 1 << 24
)

// hfConfig has the keys of config.json that OPT and LLaMA share; pointers tell absent
// from zero.
type hfConfig struct {
	Vocab        int   `json:"vocab_size"`
	Hidden       int   `json:"hidden_size"`
	Layers       int   `json:"num_hidden_layers"`
	Heads        int   `json:"num_attention_heads"`
	MaxPositions int   `json:"max_position_embeddings"`
	Tied         *bool `json:"tie_word_embeddings"`
}

// setSizes takes the sizes, and sets what follows from them unless a family says more:
// as many key and value heads as query heads, each of width D/H.
func (c *Config) setSizes(hf hfConfig) {
	c.Vocab, c.Width, c.EmbedWidth, c.Layers, c.MaxPositions = hf.Vocab, hf.Hidden, hf.Hidden, hf.Layers, hf.MaxPositions
	c.Heads, c.KVHeads = hf.Heads, hf.Heads
	if c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
}

// ParseConfig reads a config.json. Errors name the field.
func ParseConfig(data []byte) (Config, error) {
	var hf struct {
		ModelType string `json:"model_type"`
	}
	data, compact, err := expandConfig(data)
	if err != nil {
		return Config{}, err
	}
	if err := decodeConfig(data, &hf); err != nil {
		return Config{}, err
	}
	f, err := familyNamed(hf.ModelType)
	if err != nil {
		return Config{}, err
	}
	c := Config{Family: f.name, NormAffine: true, compact: compact}
	if err := decodeConfig(data, &c.Raw); err != nil {
		return Config{}, err
	}
	if err := f.configure(&c, data); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return c, err
	}
	return c, compact.check(c.Layers)
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
		{"intermediate_size", c.FeedForward, maxSize}, {"vocab_size", c.Vocab, maxSize},
		{"max_position_embeddings", c.MaxPositions, maxSize},
	} {
		if f.value < 1 || f.value > f.limit {
			return fmt.Errorf("%s is %d (want 1 to %d)", c.key(f.name), f.value, f.limit)
		}
	}
	switch {
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("num_attention_heads %d is no multiple of num_key_value_heads %d", c.Heads, c.KVHeads)
	case !(c.Eps > 0):
		return fmt.Errorf("norm epsilon (%s) is %v (want > 0)", c.key("rms_norm_eps"), c.Eps)
	case !(c.Dropout >= 0 && c.Dropout < 1):
		return fmt.Errorf("%s is %v (want 0 to 1)", c.key("dropout"), c.Dropout)
	}
	f, err := familyNamed(c.Family)
	if err != nil {
		return err
	}
	return f.validate(c, c.key)
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
