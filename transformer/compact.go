package transformer

import (
	"encoding/json"
	"fmt"
	"slices"

	"lamina/formats"
	"lamina/internal/files"
	"lamina/tensor"
)

// A compact directory holds what safetensors and transformers' classes cannot say: layers
// that have one set of tensors between them, stored once, and weights that are quantised
// in blocks, as the bytes they are. Its config.json has a model_type of its own, so that
// other programs refuse it instead of making up what is missing; what it stands for lies
// below compactKey, and config.json is read as if it stood in its place.
type compact struct {
	ModelType     string                 `json:"model_type"`
	Architectures any                    `json:"architectures,omitempty"`
	Places        []int                  `json:"places"`           // for each layer, the one whose tensors it has
	Blocks        map[string]blockTensor `json:"blocks,omitempty"` // what stands there as U8
}

// blockTensor describes a tensor that is quantised in blocks.
type blockTensor struct {
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

const (
	compactType  = "lamina_compact"
	compactClass = "LaminaCompactForCausalLM"
	compactKey   = "lamina_compact"
)

// expandConfig returns the config.json that a compact directory's stands for, and what
// else it says; another's config.json it returns as it is.
func expandConfig(data []byte) ([]byte, *compact, error) {
	var own struct {
		ModelType string   `json:"model_type"`
		Compact   *compact `json:"lamina_compact"`
	}
	if json.Unmarshal(data, &own) != nil || own.ModelType != compactType {
		return data, nil, nil
	}
	if err := files.DecodeJSON("config.json", data, &own); err != nil { // names to the letter
		return nil, nil, err
	}
	if own.Compact == nil {
		return nil, nil, fmt.Errorf("model_type %s without %s", compactType, compactKey)
	}
	var raw map[string]any
	if err := decodeConfig(data, &raw); err != nil {
		return nil, nil, err
	}
	delete(raw, compactKey)
	raw["model_type"] = own.Compact.ModelType
	if delete(raw, "architectures"); own.Compact.Architectures != nil {
		raw["architectures"] = own.Compact.Architectures
	}
	data, err := json.Marshal(raw)
	return data, own.Compact, err
}

// compactConfig is expandConfig the other way round. It changes raw.
func compactConfig(raw map[string]any, places []int, blocks map[string]blockTensor) {
	name, _ := raw["model_type"].(string)
	raw[compactKey] = compact{ModelType: name, Architectures: raw["architectures"], Places: places, Blocks: blocks}
	raw["model_type"], raw["architectures"] = compactType, []string{compactClass}
}

// check returns an error if the places are not those of so many layers.
func (k *compact) check(layers int) error {
	if k == nil {
		return nil
	}
	if len(k.Places) != layers {
		return fmt.Errorf("%s.places has %d layers, want %d", compactKey, len(k.Places), layers)
	}
	for i, at := range k.Places {
		if at < 0 || at >= layers || k.Places[at] != at {
			return fmt.Errorf("%s.places: layer %d has the tensors of %d, which has none of its own", compactKey, i, at)
		}
	}
	return nil
}

// spread gives the tensors that layers of a compact directory share the names they have
// in each, and returns what is wrong with its block tensors.
func (c *Checkpoint) spread() (wrong []string) {
	k := c.Config.compact
	if k == nil {
		return nil
	}
	for _, name := range c.Names() {
		layer, own, ok := c.Config.SplitLayerName(name)
		if !ok || layer >= len(k.Places) || k.Places[layer] != layer {
			continue
		}
		for place, at := range k.Places {
			if at == layer {
				c.names[c.Config.LayerName(place)+"."+own] = c.names[name]
			}
		}
	}
	for name, b := range k.Blocks {
		e, _ := c.source.Entry(name)
		d, ok := tensor.ParseDType(b.DType)
		size, whole := formats.StorageBytes(b.Shape, d.BlockLen(), d.BlockBytes())
		if !ok || !d.IsBlock() || !whole || e.DType != tensor.U8 || !slices.Equal(e.Shape, []int{int(size)}) {
			wrong = append(wrong, fmt.Sprintf("tensor %s is %s%v and cannot be %.16q%v", formats.Quote(name), e.DType, e.Shape, b.DType, b.Shape))
			delete(k.Blocks, name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// asBlocks returns what an entry of a compact directory stands for.
func (k *compact) asBlocks(file string, e formats.Entry) formats.Entry {
	if k == nil {
		return e
	}
	if b, ok := k.Blocks[file]; ok {
		e.DType, _ = tensor.ParseDType(b.DType)
		e.Shape = b.Shape
	}
	return e
}
