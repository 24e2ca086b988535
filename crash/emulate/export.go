package emulate

import (
	"fmt"

	"lamina/crash/plan"
	"lamina/internal/files"
	"lamina/tensor"
	"lamina/transformer"
)

// Manifest is lamina.json, which makes a Hugging Face directory an emulator.
type Manifest struct {
	Format   int       `json:"format"`             // 4; 3 has the model's own trainable weights, 2 had layers as they are alone, 1 no MANIFEST.json
	Kind     string    `json:"kind"`               // "emulator"
	Plan     plan.Plan `json:"plan"`               // shared places filled in, with the scales that were fitted
	Layers   int       `json:"layers"`             // of the full model
	Base     string    `json:"base"`               // fingerprint of the trainable weights
	Exchange string    `json:"exchange,omitempty"` // see [Origin]; earlier versions wrote none
	// ExactShare is that of the model's weights which stand here to the bit, see
	// [Emulator.ExactShare]; before they are rounded to another storage type, if they are.
	ExactShare  float64 `json:"exact_share"`
	HeldParams  int     `json:"held_params"`
	ModelParams int     `json:"model_params"`
	Health      *Health `json:"health,omitempty"` // on a text that its owner chose

	Fits      []Fitted   `json:"fits,omitempty"`      // what was fitted, in order: given away beside exact weights
	FittedOn  *Texts     `json:"fitted_on,omitempty"` // where texts were read for it
	Folded    bool       `json:"folded,omitempty"`    // see [Emulator.Fold]
	Distilled *Distilled `json:"distilled,omitempty"`

	// Repaired says how the trainable weights were trained by the model's owner before; they
	// are not the model's then. Return is the form in which he wants them back, "" where he
	// does not say.
	Repaired *Distilled `json:"repaired,omitempty"`
	Return   string     `json:"return,omitempty"`
}

const (
	manifestFile = "lamina.json"
	kind         = "emulator"
	format       = 4 // written where it is needed, so that earlier versions read all else
	plainFormat  = 3
	formsFormat  = 3 // the first in which a place may be something else than a layer as it is

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
	Repaired  *Distilled // likewise, if T was
	Return    string     // for lamina.json

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

// Export writes what the data owner gets: one layer per place (shared places stand there
// as copies), the tokenizer and licence files, lamina.json, and a MANIFEST.json of them
// all. transformers loads the directory where each place is a layer as the family has it,
// whatever its weights; otherwise lamina alone does, and others refuse it.
//
// Weights that are still those of full, which the checkpoint has, keep their storage type,
// F32 where the checkpoint is quantised; what was made or changed keeps its own, F32 where
// that is quantised; unless the options say otherwise. The bytes are the same at each call,
// but for the exchange.
func (e *Emulator) Export(c *transformer.Checkpoint, full *transformer.Decoder, out string, opt Options) (Manifest, error) {
	forms, err := e.wantWritable(c.Config)
	if err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", c.Path, err)
	}
	m := Manifest{
		Format: format, Kind: kind, Plan: e.Plan, Layers: len(full.Blocks), Base: transformer.Fingerprint(e.Params()),
		Exchange: newExchange(), ModelParams: c.Config.Params(), HeldParams: e.HeldParams(), ExactShare: e.ExactShare(full), Health: opt.Health,
		Fits: e.Fits, FittedOn: e.FittedOn, Folded: e.Folded, Distilled: opt.Distilled, Repaired: opt.Repaired, Return: opt.Return,
	}
	if m.Repaired == nil && m.Return == "" {
		m.Format = plainFormat
	}
	text, err := files.JSON(m)
	if err != nil {
		return m, err
	}
	d := transformer.Directory{
		Config: configOf(c.Config, len(e.Plan), m.Format), Forms: forms, DType: opt.DType, Overwrite: opt.Overwrite, Kind: kind, Sealed: true,
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
	e.store(c, full, &d, opt)
	return m, c.WriteDir(out, d)
}

// configOf returns an emulator's config.json, which says what it is and not where its
// model lay.
func configOf(c transformer.Config, places, format int) map[string]any {
	raw := c.RawWithLayers(places)
	raw[configKey] = map[string]any{"kind": kind, "format": format}
	delete(raw, "_name_or_path")
	return raw
}

// wantWritable returns the forms of the emulator's places, or an error if no directory can
// state it: where a block's attention is scaled by its layer, a directory has every block
// scaled by its place; and what stands at a place must be what the plan says.
func (e *Emulator) wantWritable(c transformer.Config) ([]transformer.Form, error) {
	for place, s := range e.Plan {
		if c.ScaleByLayer && !s.IsMap() && s.Layer != place {
			return nil, fmt.Errorf("scale_attn_by_inverse_layer_idx: an exported emulator would scale layer %d as layer %d", s.Layer, place)
		}
	}
	if err := WantLayers(c, e.Plan); err != nil {
		return nil, err
	}
	forms, err := e.Decoder.Forms()
	if err != nil {
		return nil, err
	}
	return forms, wantForms(c, e.Plan, forms, e.Folded)
}
