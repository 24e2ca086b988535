package emulate

import (
	"slices"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// store lists the tensors of an emulator's directory: of each place those of its block,
// and all that stands outside of the blocks. What is the full model's is taken from its
// checkpoint.
func (e *Emulator) store(c *transformer.Checkpoint, full *transformer.Decoder, d *transformer.Directory, opt Options) {
	places := e.ownPlaces(opt)
	if opt.Compact {
		d.Places = places
	}
	model := map[string]tensor.Tensor{}
	for w := range full.Params() {
		model[w.Name] = w.Value
	}
	changed := false
	for place, s := range e.Plan {
		if places[place] != place {
			continue
		}
		for name, w := range c.Config.Stored(place, e.Decoder.Blocks[place]) {
			t := transformer.NamedTensor{Name: name, Exact: opt.exact(s.Trainable)}
			if was, ok := model[w.Name]; ok && w.Value.SameMemory(was) {
				t.From = w.Name
			} else {
				t.Value, changed = w.Value, true
			}
			d.Tensors = append(d.Tensors, t)
		}
	}
	if changed && opt.DType == tensor.Invalid {
		transformer.SetStorage(d.Config, tensor.F32)
	}
	for _, name := range c.Names() {
		layer, own, inLayer := c.Config.SplitLayerName(name)
		if !inLayer {
			d.Tensors = append(d.Tensors, transformer.NamedTensor{Name: name, From: name})
			continue
		}
		if _, read := model[name]; read {
			continue
		}
		for place, s := range e.Plan { // a buffer, which nobody reads
			if s.Layer == layer && places[place] == place {
				d.Tensors = append(d.Tensors, transformer.NamedTensor{Name: c.Config.LayerName(place) + "." + own, From: name, Exact: opt.exact(s.Trainable)})
			}
		}
	}
}

// exact reports whether what trains, or does not, keeps its values.
func (o Options) exact(trains bool) bool { return trains || o.DType == tensor.Invalid }

// ownPlaces returns for each place the one that its tensors are stored for: itself, but
// of the places of the same weights the first, where an emulator is compact. A starred
// place keeps its values, so that it is another's equal only where all do.
func (e *Emulator) ownPlaces(opt Options) []int {
	own := make([]int, len(e.Plan))
	var first []int
	for place, s := range e.Plan {
		own[place] = place
		for _, at := range first {
			if opt.exact(s.Trainable) == opt.exact(e.Plan[at].Trainable) && sameWeights(e.Decoder.Blocks[place], e.Decoder.Blocks[at]) {
				own[place] = at
				break
			}
		}
		if own[place] == place && opt.Compact {
			first = append(first, place)
		}
	}
	return own
}

// sameWeights reports whether two blocks have the same weights in the same memory.
func sameWeights(a, b transformer.Block) bool {
	return slices.EqualFunc(slices.Collect(nn.ParamsOf(a)), slices.Collect(nn.ParamsOf(b)), func(v, w *autograd.Parameter) bool {
		return v.Name == w.Name && v.Value.SameMemory(w.Value) && v.Value.DType() == w.Value.DType()
	})
}
