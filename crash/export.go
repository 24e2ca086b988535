package crash

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Manifest is lamina.json, which makes a Hugging Face directory an emulator.
type Manifest struct {
	Format      int       `json:"format"` // 1
	Kind        string    `json:"kind"`   // "emulator"
	Plan        LayerPlan `json:"plan"`   // shared places filled in
	Layers      int       `json:"layers"` // of the full model
	Base        string    `json:"base"`   // fingerprint of the trainable weights
	ExactShare  float64   `json:"exact_share"`
	HeldParams  int       `json:"held_params"`
	ModelParams int       `json:"model_params"`
}

const manifestFile = "lamina.json"

// Export writes what the data owner gets: a directory transformers loads, with
// one layer per place (shared places stand there as copies), the tokenizer and
// licence files, and lamina.json. Weights keep their storage type, F32 where the
// checkpoint is quantised.
func Export(c *transformer.Checkpoint, full *transformer.Decoder, plan LayerPlan, out string, overwrite bool) (Manifest, error) {
	e, err := NewEmulator(full, plan)
	if err != nil {
		return Manifest{}, err
	}
	if err := wantTellable(c.Config, plan); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	m := Manifest{
		Format: 1, Kind: "emulator", Plan: plan, Layers: len(full.Blocks), Base: Fingerprint(e.Params()),
		ModelParams: c.Config.Params(), HeldParams: e.HeldParams(),
	}
	exact := m.ModelParams - (m.Layers-len(plan.distinct()))*c.Config.BlockParams()
	m.ExactShare = float64(exact) / float64(m.ModelParams)
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	d := transformer.Directory{
		Config: c.Config.RawWithLayers(len(plan)), Overwrite: overwrite,
		Extra: map[string][]byte{manifestFile: append(text, '\n')},
	}
	places := map[int][]int{}
	for i, s := range plan {
		places[s.Layer] = append(places[s.Layer], i)
	}
	for _, name := range c.Names() {
		layer, part, ok := c.Config.SplitBlockName(name)
		if !ok {
			d.Parts = append(d.Parts, transformer.Part{Name: name, From: name})
			continue
		}
		for _, place := range places[layer] {
			d.Parts = append(d.Parts, transformer.Part{Name: c.Config.BlockName(place, part), From: name})
		}
	}
	return m, c.WriteDir(out, d)
}

// wantTellable refuses plans that no directory can state: where a block's attention is
// scaled by its layer, a directory has every block scaled by its place.
func wantTellable(c transformer.Config, p LayerPlan) error {
	for place, s := range p {
		if c.ScaleByLayer && s.Layer != place {
			return fmt.Errorf("scale_attn_by_inverse_layer_idx: an exported emulator would scale layer %d as layer %d", s.Layer, place)
		}
	}
	return nil
}

// distinct returns the layers a plan names, each once.
func (p LayerPlan) distinct() map[int]bool {
	layers := map[int]bool{}
	for _, s := range p {
		layers[s.Layer] = true
	}
	return layers
}

// IsEmulator reports whether a directory holds an exported emulator.
func IsEmulator(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, manifestFile))
	return err == nil
}

// OpenEmulator loads an exported emulator from its opened checkpoint: places that
// repeat an unstarred layer become one object again, and parameters get back the
// names they have in the full model.
func OpenEmulator(c *transformer.Checkpoint, dev tensor.Device) (*Emulator, Manifest, error) {
	var m Manifest
	path := filepath.Join(c.Dir, manifestFile)
	if err := readJSON(path, &m); err != nil {
		return nil, m, err
	}
	switch {
	case m.Kind != "emulator" || m.Format != 1:
		return nil, m, fmt.Errorf("%s: kind %.32q format %d: this version reads emulators of format 1", path, m.Kind, m.Format)
	case len(m.Plan) != c.Config.Layers:
		return nil, m, fmt.Errorf("%s: plan has %d places, the model %d layers", path, len(m.Plan), c.Config.Layers)
	}
	if err := m.Plan.Validate(m.Layers); err != nil {
		return nil, m, fmt.Errorf("%s: %w", path, err)
	}
	d, err := c.Decoder(dev)
	if err != nil {
		return nil, m, err
	}
	first := map[int]int{}
	for i, s := range m.Plan {
		if s.Trainable {
			continue
		}
		if at, ok := first[s.Layer]; ok {
			d.Blocks[i] = d.Blocks[at]
			continue
		}
		first[s.Layer] = i
	}
	for i, s := range m.Plan {
		if at, ok := first[s.Layer]; ok && at != i && !s.Trainable {
			continue
		}
		for w := range d.Blocks[i].Params() {
			if _, part, ok := c.Config.SplitBlockName(w.Name); ok {
				w.Name = c.Config.BlockName(s.Layer, part)
			}
		}
	}
	e := &Emulator{Plan: m.Plan, Decoder: d}
	e.collect()
	if got := Fingerprint(e.Params()); got != m.Base {
		return nil, m, fmt.Errorf("%s: the trainable weights are not the ones this emulator was exported with (%.19q…, want %.19q…)", c.Dir, got, m.Base)
	}
	return e, m, nil
}

// Plugged returns the full model with an adapter's weights in their places; full
// itself is not changed. params are the replaced weights.
func (a *Adapter) Plugged(full *transformer.Decoder) (d *transformer.Decoder, params nn.Params, err error) {
	dev := full.Head.Value.Device()
	if a.Manifest.Whole {
		d = full.Clone()
		return d, d.Params(), a.Apply(dev, d.Params())
	}
	e, err := NewEmulator(full, a.Manifest.Plan)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", a.Path, err)
	}
	return e.Plug(full), e.Params(), a.Apply(dev, e.Params())
}

// ExportPlugged writes the full model with an adapter's weights in their places.
// Untouched tensors keep their bytes (F32 where the base is quantised); the
// adapter's are rounded to the base's type; dtype, if not Invalid, says otherwise.
func ExportPlugged(c *transformer.Checkpoint, full *transformer.Decoder, a *Adapter, dtype tensor.DType, out string, overwrite bool) error {
	_, params, err := a.Plugged(full)
	if err != nil {
		return err
	}
	values := map[string]tensor.Tensor{}
	for w := range params {
		values[w.Name] = w.Value
	}
	if c.Config.Tied { // some checkpoints store the embedding under this name too
		values["lm_head.weight"] = values[full.Head.Name]
	}
	d := c.Whole()
	d.DType, d.Overwrite = dtype, overwrite
	for i, part := range d.Parts {
		d.Parts[i].Value = values[part.Name]
	}
	return c.WriteDir(out, d)
}
