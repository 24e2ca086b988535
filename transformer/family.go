package transformer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"lamina/formats"
	"lamina/nn"
)

// family is one architecture: all that the decoder has to be told about it. Each
// stands in a file of its own, with its blocks, and in families.
type family struct {
	name string // transformers' model_type
	// configure sets what the family's config.json says; what belongs to all has been
	// set. An error names the key.
	configure func(c *Config, data []byte) error
	// keys are the names that config.json has for some of our keys (LLaMA's).
	keys map[string]string
	// validate checks what only this family asks of sizes that are possible by
	// themselves; key gives the names that config.json has for them.
	validate func(c Config, key func(string) string) error
	// embedding says which of its parts the family's embedding has.
	embedding embeddingNames
	// blocks is what the names of a block's tensors begin with, before the layer.
	blocks string
	// block returns a block whose weights have names that begin with name, still
	// without them; layer is its number in the full model.
	block func(c *Config, name string, layer int) Block
	// ending shows what runs between the blocks and the head: d.Norm and d.Out.
	ending func(d *Decoder, v nn.Visitor)
	// full gives a tensor of a file the name that transformers has for it, where it
	// was saved from the bare model; "" leaves it out.
	full func(name string) string
	// spare tells tensors that a checkpoint may have and the model does not read; nil
	// for none.
	spare func(name string) bool
	// slopes returns what makes attention fall with the distance, for each of so many
	// heads; nil where it does not.
	slopes func(heads int) []float64
}

var families = []family{optFamily, llamaFamily, gpt2Family, bloomFamily}

func familyNamed(name string) (family, error) {
	known := make([]string, len(families))
	for i, f := range families {
		if known[i] = f.name; f.name == name {
			return f, nil
		}
	}
	return family{}, fmt.Errorf("model_type %s is not supported (%s)", formats.Quote(name), strings.Join(known, ", "))
}

// family returns c's, of no properties if there is none of the name.
func (c Config) family() family {
	f, _ := familyNamed(c.Family)
	return f
}

// key returns what c's config.json calls one of our keys.
func (c Config) key(name string) string {
	if own, ok := c.family().keys[name]; ok {
		return own
	}
	return name
}

// RawWithLayers returns a copy of Raw for a model of n layers.
func (c Config) RawWithLayers(n int) map[string]any {
	const layers = "num_hidden_layers"
	raw := map[string]any{}
	for k, v := range c.Raw {
		raw[k] = v
	}
	delete(raw, layers) // an alias, where the key is another
	raw[c.key(layers)] = n
	return raw
}

// LayerName returns what the names of a layer's tensors begin with, before a dot, such
// as "model.layers.3".
func (c Config) LayerName(layer int) string { return c.family().blocks + strconv.Itoa(layer) }

// SplitLayerName returns the layer that the tensor of this name belongs to and its name
// behind [Config.LayerName] and the dot; ok is false for one of no layer.
func (c Config) SplitLayerName(name string) (layer int, own string, ok bool) {
	rest, ok := strings.CutPrefix(name, c.family().blocks)
	if !ok {
		return 0, "", false
	}
	number, own, ok := strings.Cut(rest, ".")
	layer, err := strconv.Atoi(number)
	return layer, own, ok && err == nil && strconv.Itoa(layer) == number && layer >= 0
}

// prefixed returns a [family.full] that adds a prefix to names that begin with one of
// the beginnings.
func prefixed(prefix string, beginnings ...string) func(name string) string {
	return func(name string) string {
		for _, b := range beginnings {
			if strings.HasPrefix(name, b) {
				return prefix + name
			}
		}
		return name
	}
}

// decodeConfig reads the keys of a config.json into keys, whose type has them.
func decodeConfig(data []byte, keys any) error {
	if err := json.Unmarshal(data, keys); err != nil {
		return fmt.Errorf("not a model configuration: %w", err)
	}
	return nil
}

// wantWholeHeads is the check of families whose heads share the width out.
func wantWholeHeads(c Config, key func(string) string) error {
	if c.HeadDim*c.Heads != c.Width {
		return fmt.Errorf("%s %d is no multiple of %s %d", key("hidden_size"), c.Width, key("num_attention_heads"), c.Heads)
	}
	return nil
}
