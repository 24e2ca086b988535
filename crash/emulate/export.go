package emulate

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Manifest is lamina.json, which makes a Hugging Face directory an emulator.
type Manifest struct {
	Format      int       `json:"format"` // 2; 1 was without a MANIFEST.json
	Kind        string    `json:"kind"`   // "emulator"
	Plan        plan.Plan `json:"plan"`   // shared places filled in
	Layers      int       `json:"layers"` // of the full model
	Base        string    `json:"base"`   // fingerprint of the trainable weights
	ExactShare  float64   `json:"exact_share"`
	HeldParams  int       `json:"held_params"`
	ModelParams int       `json:"model_params"`
	Health      *Health   `json:"health,omitempty"` // on a text that its owner chose
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

	Health *Health // for lamina.json, if it was measured
}

// Export writes what the data owner gets: a directory transformers loads, with
// one layer per place (shared places stand there as copies), the tokenizer and
// licence files, lamina.json, and a MANIFEST.json of them all. Weights keep their storage
// type, F32 where the checkpoint is quantised, unless the options say otherwise.
func Export(c *transformer.Checkpoint, full *transformer.Decoder, plan plan.Plan, out string, opt Options) (Manifest, error) {
	e, err := New(full, plan)
	if err != nil {
		return Manifest{}, err
	}
	if err := wantTellable(c.Config, plan); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	m := Manifest{
		Format: format, Kind: kind, Plan: plan, Layers: len(full.Blocks), Base: transformer.Fingerprint(e.Params()),
		ModelParams: c.Config.Params(), HeldParams: e.HeldParams(), Health: opt.Health,
	}
	exact := m.ModelParams - (m.Layers-len(plan.Kept()))*c.Config.BlockParams()
	m.ExactShare = float64(exact) / float64(m.ModelParams)
	text, err := files.JSON(m)
	if err != nil {
		return m, err
	}
	d := transformer.Directory{
		Config: configOf(c.Config, len(plan)), DType: opt.DType, Overwrite: opt.Overwrite, Kind: kind, Sealed: true,
		Extra: map[string][]byte{manifestFile: text},
	}
	stored := ownPlaces(plan, opt)
	if opt.Compact {
		d.Places = stored
	}
	for _, name := range c.Names() {
		layer, own, ok := c.Config.SplitLayerName(name)
		if !ok {
			d.Tensors = append(d.Tensors, transformer.NamedTensor{Name: name, From: name})
			continue
		}
		for place, s := range plan {
			if s.Layer == layer && stored[place] == place {
				d.Tensors = append(d.Tensors, transformer.NamedTensor{
					Name: c.Config.LayerName(place) + "." + own, From: name, Exact: s.Trainable || opt.DType == tensor.Invalid})
			}
		}
	}
	return m, c.WriteDir(out, d)
}

// ownPlaces returns for each place the one that its tensors are stored for: itself, but
// of the places of one layer the first, where an emulator is compact. A starred place
// keeps its values, so that it is another's equal only where all do.
func ownPlaces(p plan.Plan, opt Options) []int {
	type content struct {
		layer int
		exact bool
	}
	first := map[content]int{}
	own := make([]int, len(p))
	for place, s := range p {
		what := content{s.Layer, s.Trainable || opt.DType == tensor.Invalid}
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

// IsEmulator reports whether a directory holds an exported emulator.
func IsEmulator(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, manifestFile))
	return err == nil
}

// WantPlain returns an error if a checkpoint without lamina.json says that it is an
// emulator: as a plain model it would be trained whole, frozen blocks and copies too.
func WantPlain(c *transformer.Checkpoint) error {
	said, _ := c.Config.Raw[configKey].(map[string]any)
	if said["kind"] != kind || IsEmulator(c.Dir) {
		return nil
	}
	return fmt.Errorf("%s: missing; config.json says that this is an emulator: take a fresh copy of the directory", filepath.Join(c.Dir, manifestFile))
}

// Blame returns why a directory that transformer.Open refused with err is not to be
// opened: the file that is not as its MANIFEST.json has it, if there is one, else err. So
// a changed configuration is called changed, not a model that does not fit.
func Blame(dir string, err error) error {
	if changed := Verify(dir); changed != nil {
		return changed
	}
	return err
}

// Verify holds the files of an emulator against its MANIFEST.json; a directory without
// one, or that is no emulator, passes.
func Verify(dir string) error {
	if !IsEmulator(dir) || !files.HasManifest(dir) {
		return nil
	}
	return files.Verify(dir)
}

// Open loads an exported emulator from its opened checkpoint: places that
// repeat an unstarred layer become one object again, and parameters get back the
// names they have in the full model. First every file is held against MANIFEST.json: an
// error names the one that was changed, added or lost.
func Open(c *transformer.Checkpoint, dev tensor.Device) (*Emulator, Manifest, error) {
	var m Manifest
	path := filepath.Join(c.Dir, manifestFile)
	sealed := files.HasManifest(c.Dir)
	if err := Verify(c.Dir); err != nil {
		return nil, m, err
	}
	if err := files.ReadJSON(path, &m); err != nil {
		return nil, m, err
	}
	switch {
	case m.Kind != kind || m.Format < 1 || m.Format > format:
		return nil, m, fmt.Errorf("%s: kind %.32q format %d: this version reads emulators of formats 1 and %d", path, m.Kind, m.Format, format)
	case m.Format > 1 && !sealed:
		return nil, m, fmt.Errorf("%s: missing; an emulator of format %d has one: take a fresh copy of the directory", filepath.Join(c.Dir, files.Manifest), m.Format)
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
		nn.Rename(d.Blocks[i], c.Config.LayerName(i), c.Config.LayerName(s.Layer))
	}
	e := &Emulator{Plan: m.Plan, Decoder: d, Unsealed: !sealed}
	e.collect()
	if got := transformer.Fingerprint(e.Params()); got != m.Base {
		return nil, m, fmt.Errorf("%s: the trainable weights are not the ones this emulator was exported with (%.19q…, want %.19q…)", c.Dir, got, m.Base)
	}
	return e, m, nil
}
