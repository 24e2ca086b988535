package transformer

import (
	"fmt"
	"strconv"
	"strings"

	"lamina/formats"
	"lamina/nn"
)

// family is one architecture: all that the decoder has to be told about it. Each
// stands in a file of its own, with its block, and in families.
type family struct {
	name string // transformers' model_type
	// configure takes what c needs from the keys of a config.json of the family, with the
	// defaults of transformers' class. What it leaves and could change a number is an
	// error. An error names the key.
	configure func(c *Config, k *keys) error
	// eos is the id that ends a text where the configuration does not say, by
	// transformers' class.
	eos int
	// keys translates configuration keys for messages: from LLaMA's, which are used for
	// all families, to this one's, where they differ.
	keys map[string]string
	// validate checks what is particular to the family, after the sizes have been found
	// possible one by one; key translates as keys does.
	validate func(c Config, key func(string) string) error

	// embedding lists what the embedding consists of.
	embedding embeddingNames
	// layers is what names of a layer's tensors begin with, before its number.
	layers string
	// block returns the block of a layer, still without weights, which it will take from
	// below name.
	block func(c *Config, name string, layer int) Block
	// ending shows what runs between the blocks and the head: d.Norm and d.Out.
	ending func(d *Decoder, v nn.Visitor)
	// slopes returns, for each of so many heads, how fast attention falls with the
	// distance (ALiBi); nil where it does not.
	slopes func(heads int) []float64

	// fullName completes the name of a tensor in a file. Files saved from a model without
	// its head lack the first word of each name. "" leaves the tensor out.
	fullName func(name string) string
	// unread tells which tensors of a checkpoint the model has no use for; nil for none.
	unread func(name string) bool
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

// ownKey is what a config.json says to lamina alone, of what the directory is (an
// emulator): no word of it holds of another that is written from it.
const ownKey = "lamina"

// RawWithLayers returns a copy of Raw for a model of n layers, without what it says of
// its directory.
func (c Config) RawWithLayers(n int) map[string]any {
	const layers = "num_hidden_layers"
	raw := map[string]any{}
	for k, v := range c.Raw {
		raw[k] = v
	}
	delete(raw, ownKey)
	delete(raw, layers) // an alias, where the key is another
	raw[c.key(layers)] = n
	return raw
}

// LayerName returns what the names of a layer's tensors begin with, before a dot, such
// as "model.layers.3".
func (c Config) LayerName(layer int) string { return c.family().layers + strconv.Itoa(layer) }

// SplitLayerName returns the layer that the tensor of this name belongs to and its name
// behind [Config.LayerName] and the dot; ok is false for one of no layer.
func (c Config) SplitLayerName(name string) (layer int, own string, ok bool) {
	rest, ok := strings.CutPrefix(name, c.family().layers)
	if !ok {
		return 0, "", false
	}
	number, own, ok := strings.Cut(rest, ".")
	layer, err := strconv.Atoi(number)
	return layer, own, ok && err == nil && strconv.Itoa(layer) == number && layer >= 0
}

// prefixed returns a [family.fullName] that adds a prefix to names that begin with one of
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

// wantWholeHeads is the check of families whose heads share the width out.
func wantWholeHeads(c Config, key func(string) string) error {
	if c.HeadDim*c.Heads != c.Width {
		return fmt.Errorf("%s %d is no multiple of %s %d", key("hidden_size"), c.Width, key("num_attention_heads"), c.Heads)
	}
	return nil
}
