package emulate

import (
	"fmt"

	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Manifest is lamina.json, which makes a Hugging Face directory an emulator.
type Manifest struct {
	Format      int       `json:"format"`             // 2; 1 was without a MANIFEST.json
	Kind        string    `json:"kind"`               // "emulator"
	Plan        plan.Plan `json:"plan"`               // shared places filled in
	Layers      int       `json:"layers"`             // of the full model
	Base        string    `json:"base"`               // fingerprint of the trainable weights
	Exchange    string    `json:"exchange,omitempty"` // see [Origin]; earlier versions wrote none
	ExactShare  float64   `json:"exact_share"`
	HeldParams  int       `json:"held_params"`
	ModelParams int       `json:"model_params"`
	Health      *Health   `json:"health,omitempty"` // on a text that its owner chose

	Distilled *Distilled `json:"distilled,omitempty"`
	Fits      []Fitted   `json:"fits,omitempty"` // beside exact weights it gives away what was fitted
}

const (
	manifestFile = "lamina.json"
	kind         = "emulator"
	format       = 2

	// configKey is what config.json says of an emulator, to us alone: transformers keeps
	// keys that it does not know and does nothing with them.
	configKey = "lamina"
)

// Options say how an emulator is written.
type Options struct {
	Overwrite bool

	// DType is the storage type of all that is not trained; Invalid: as the model has it,
	// F32 where that is quantised in blocks. Starred blocks keep their values, so that
	// what comes back fits the model.
	DType tensor.DType

	// Compact stores each layer once, however many places have it, and leaves what is
	// quantised in blocks as it is. Only lamina reads such a directory.
	Compact bool

	Health    *Health    // for lamina.json, if it was measured
	Distilled *Distilled // for lamina.json, if its frozen part was trained

	// Ready, if not nil, is called when the emulator is whole and before it is there, with
	// the SHA-256 of its MANIFEST.json; on its error nothing is written.
	Ready func(m Manifest, digest string) error
}

// Export writes the emulator of a plan of plain layers, see [Emulator.Export].
func Export(c *transformer.Checkpoint, full *transformer.Decoder, plan plan.Plan, out string, opt Options) (Manifest, error) {
	e, err := New(full, plan)
	if err != nil {
		return Manifest{}, err
	}
	return e.Export(c, full, out, opt)
}

// Export writes what the data owner gets: a directory transformers loads, with
// one layer per place (shared places stand there as copies), the tokenizer and
// licence files, lamina.json, and a MANIFEST.json of them all. Weights that are still those
// of full, which the checkpoint has, keep their storage type, F32 where the checkpoint is
// quantised; what was changed is F32; unless the options say otherwise.
func (e *Emulator) Export(c *transformer.Checkpoint, full *transformer.Decoder, out string, opt Options) (Manifest, error) {
	plan := e.Plan
	for place, s := range plan {
		if !s.Plain() {
			return Manifest{}, fmt.Errorf("%s: place %d, %s, is no layer of the family: such an emulator is not written yet", out, place, s)
		}
	}
	if err := wantTellable(c.Config, plan); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	m := Manifest{
		Format: format, Kind: kind, Plan: plan, Layers: len(full.Blocks), Base: transformer.Fingerprint(e.Params()),
		Exchange: newExchange(), ModelParams: c.Config.Params(), HeldParams: e.HeldParams(), ExactShare: e.ExactShare(full), Health: opt.Health,
		Distilled: opt.Distilled, Fits: e.Fits,
	}
	text, err := files.JSON(m)
	if err != nil {
		return m, err
	}
	d := transformer.Directory{
		Config: configOf(c.Config, len(plan)), DType: opt.DType, Overwrite: opt.Overwrite, Kind: kind, Sealed: true,
		Extra: map[string][]byte{manifestFile: text},
	}
	if opt.Ready != nil {
		d.Ready = func(tmp string) error {
			digest, err := files.ManifestSum(tmp)
			if err != nil {
				return err
			}
			return opt.Ready(m, digest)
		}
	}
	changed := e.changed(full)
	stored := ownPlaces(plan, changed, opt)
	if opt.Compact {
		d.Places = stored
	}
	if len(changed) > 0 && opt.DType == tensor.Invalid {
		transformer.SetStorage(d.Config, tensor.F32)
	}
	for _, name := range c.Names() {
		layer, own, ok := c.Config.SplitLayerName(name)
		if !ok {
			d.Tensors = append(d.Tensors, transformer.NamedTensor{Name: name, From: name})
			continue
		}
		for place, s := range plan {
			if s.Layer != layer || stored[place] != place {
				continue
			}
			t := transformer.NamedTensor{Name: c.Config.LayerName(place) + "." + own, From: name, Exact: s.Trainable || opt.DType == tensor.Invalid}
			if w, ok := changed[place][name]; ok {
				t.From, t.Value = "", w
			}
			d.Tensors = append(d.Tensors, t)
		}
	}
	return m, c.WriteDir(out, d)
}

// changed returns, by place and name, the weights that are not the full model's own.
func (e *Emulator) changed(full *transformer.Decoder) map[int]map[string]tensor.Tensor {
	all := map[int]map[string]tensor.Tensor{}
	for place, s := range e.Plan {
		was := map[string]tensor.Tensor{}
		for w := range nn.ParamsOf(full.Blocks[s.Layer]) {
			was[w.Name] = w.Value
		}
		for w := range nn.ParamsOf(e.Decoder.Blocks[place]) {
			if w.Value.SameMemory(was[w.Name]) {
				continue
			}
			if all[place] == nil {
				all[place] = map[string]tensor.Tensor{}
			}
			all[place][w.Name] = w.Value
		}
	}
	return all
}

// ownPlaces returns for each place the one that its tensors are stored for: itself, but
// of the places of one layer the first, where an emulator is compact. A starred place
// keeps its values, so that it is another's equal only where all do.
func ownPlaces(p plan.Plan, changed map[int]map[string]tensor.Tensor, opt Options) []int {
	type content struct {
		layer          int
		exact, changed bool
	}
	first := map[content]int{}
	own := make([]int, len(p))
	for place, s := range p {
		what := content{s.Layer, s.Trainable || opt.DType == tensor.Invalid, changed[place] != nil}
		at, again := first[what]
		if !again || !opt.Compact {
			at = place
			first[what] = place
		}
		own[place] = at
	}
	return own
}

// configOf returns an emulator's config.json, which says what it is and not where its
// model lay.
func configOf(c transformer.Config, places int) map[string]any {
	raw := c.RawWithLayers(places)
	raw[configKey] = map[string]any{"kind": kind, "format": format}
	delete(raw, "_name_or_path")
	return raw
}

// wantTellable refuses plans that no directory can state: where a block's attention is
// scaled by its layer, a directory has every block scaled by its place.
func wantTellable(c transformer.Config, p plan.Plan) error {
	for place, s := range p {
		if c.ScaleByLayer && s.Layer != place {
			return fmt.Errorf("scale_attn_by_inverse_layer_idx: an exported emulator would scale layer %d as layer %d", s.Layer, place)
		}
	}
	return nil
}
