package transformer

import (
	"errors"
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

	// Forms are those of the places, one each; nil where all are the family's layers.
	Forms []Form

	// own holds settings that only the family's own file sets and reads.
	own any
	// compact is what a directory that lamina alone reads says beside; else nil.
	compact *compact

	// Raw is the configuration as read, for writing a directory that transformers loads:
	// what newer versions call otherwise stands there under the old keys too.
	Raw map[string]any
	// Warnings are what a reader of the configuration should know, a line each.
	Warnings []string
}

// Limits of what is accepted from a file, far above any published model.
const (
	maxLayers = 1024
	maxSize   = 1 << 24
	maxParams = 1 << 44 // with their moments, and what a pass takes, a whole number of the machine
)

// sizes are what every family has.
type sizes struct{ vocab, width, layers, heads, positions int }

// setSizes takes the sizes, and sets what follows from them unless a family says more:
// as many key and value heads as query heads, each of width D/H.
func (c *Config) setSizes(s sizes) {
	c.Vocab, c.Width, c.EmbedWidth, c.Layers, c.MaxPositions = s.vocab, s.width, s.width, s.layers, s.positions
	c.Heads, c.KVHeads = s.heads, s.heads
	if c.Heads > 0 {
		c.HeadDim = c.Width / c.Heads
	}
}

// ParseConfig reads a config.json. A key that is not there has the default of
// transformers' class; one that is there, means something and is not known is an error.
// Errors name the field.
func ParseConfig(data []byte) (Config, error) {
	data, compact, err := expandConfig(data)
	if err != nil {
		return Config{}, err
	}
	data, forms, err := expandForms(data)
	if err != nil {
		return Config{}, err
	}
	k, err := readKeys(data)
	if err != nil {
		return Config{}, err
	}
	raw := k.values()
	name := k.text("", "model_type")
	if k.err != nil {
		return Config{}, k.err
	}
	if name == "" {
		return Config{}, fmt.Errorf("model_type is missing (want opt, llama, gpt2 or bloom, which says how the model computes)")
	}
	f, err := familyNamed(name)
	if err != nil {
		return Config{}, err
	}
	c := Config{Family: f.name, NormAffine: true, Forms: forms, compact: compact, Raw: raw}
	if err := c.setTypeName(k); err != nil {
		return Config{}, err
	}
	if err := f.configure(&c, k); err != nil {
		return Config{}, err
	}
	if err := k.unread(); err != nil {
		return Config{}, err
	}
	if err := c.Validate(); err != nil {
		return c, err
	}
	return c, compact.check(c.Layers)
}

// setTypeName reads the type of the weights, which transformers 5 calls dtype: nothing is
// computed from it, but what is written must say it for both.
func (c *Config) setTypeName(k *keys) error {
	torch, newer := typeName(k.text("", "torch_dtype")), typeName(k.text("", "dtype"))
	if k.err != nil {
		return k.err
	}
	if torch != "" && newer != "" && torch != newer {
		return fmt.Errorf("torch_dtype is %s and dtype %s (want one type: remove the wrong one)", formats.Quote(torch), formats.Quote(newer))
	}
	for key, name := range map[string]string{"torch_dtype": torch, "dtype": newer} {
		if name != "" {
			c.Raw[key], c.Raw["torch_dtype"] = name, name
		} else if c.Raw[key] != nil && (key == "dtype" || newer == "") {
			delete(c.Raw, key)
		}
	}
	return nil
}

// typeName returns a type's name as transformers reads it: as Python prints it, torch.float16,
// it does not, and neither "auto", which is what its caller may ask for.
func typeName(name string) string {
	if name = strings.TrimPrefix(name, "torch."); name == "auto" {
		return ""
	}
	return name
}

func (c *Config) setActivation(field, name string) error {
	f, ok := nn.ParseActivation(name)
	if !ok {
		return fmt.Errorf("%s %s is not supported (relu, gelu, gelu_python, gelu_new, gelu_fast, gelu_pytorch_tanh, silu, swish, tanh)", field, formats.Quote(name))
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
	case c.Heads > maxSize/c.HeadDim:
		return fmt.Errorf("%d heads of %d are more than %d wide", c.Heads, c.HeadDim, maxSize)
	case c.roughParams(nil) > maxParams:
		return fmt.Errorf("about %.3g parameters by its sizes, which is more than any model has", c.roughParams(nil))
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
	if err := f.validate(c, c.key); err != nil {
		return err
	}
	return c.checkForms()
}

// roughParams is the number of weights in matrices, by sizes of which not even the product
// need fit the machine, with places of some forms and the family's layer at the others.
func (c Config) roughParams(forms []Form) float64 {
	width := float64(c.Width)
	block := func(f Form) float64 {
		if f.Map != "" {
			return width * width
		}
		own := c.sized(f)
		return width * (2*float64(own.HeadDim)*float64(own.Heads+own.KVHeads) + 2*float64(own.FeedForward))
	}
	sum := float64(c.Layers-len(forms)) * block(Form{})
	for _, f := range forms {
		sum += block(f)
	}
	return sum + float64(c.Vocab)*float64(c.EmbedWidth) + float64(c.MaxPositions)*width
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

// SequenceLength returns how many tokens a sequence may have: what was asked for, else, for
// 0, what the model takes. Errors are in the words of the flag.
func (c Config) SequenceLength(asked int) (int, error) {
	switch {
	case asked == 0:
		return c.MaxPositions, nil
	case asked < 1:
		return 0, errors.New("--max-length: want 1 or more")
	case asked > c.MaxPositions:
		return 0, fmt.Errorf("--max-length %d: more than the model's %d positions", asked, c.MaxPositions)
	}
	return asked, nil
}
