package exchange

import (
	"fmt"
	"slices"

	"lamina/crash/emulate"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Plugged returns the full model with an adapter's weights in their places; full
// itself is not changed. params are the replaced weights. Of the plan the starred layers
// count alone: what stood between them in the emulator, and how it was made, does not come
// back.
func (a *Adapter) Plugged(full *transformer.Decoder) (d *transformer.Decoder, params nn.Params, err error) {
	e := emulate.Whole(full)
	if !a.Manifest.Whole {
		if err = a.Manifest.Plan.Validate(len(full.Blocks)); err == nil {
			e, err = emulate.New(full, a.Manifest.Plan.Starred())
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", a.Path, err)
		}
	}
	params = nn.List(slices.Collect(e.Params())...) // of the model alone
	return e.Plug(full), params, a.applyTo(full.Head.Value.Device(), e)
}

// PlugOptions say how a model with an adapter's weights is written.
type PlugOptions struct {
	DType     tensor.DType // of all tensors; Invalid: as the base has them
	Overwrite bool
	Force     bool // also where a block changed by more than [MostChange]

	// Ready, if not nil, is called when the model is whole and before it is there.
	Ready func()
}

// pluggedKind is what a plugged model's directory says that it is.
const pluggedKind = "plugged model"

// Applied says what was done to a model.
type Applied struct {
	Form        string       `json:"form"`
	Exchange    string       `json:"exchange,omitempty"`
	Adapter     string       `json:"adapter"` // what it is known by, see [Receipt]
	Corrections *Corrections `json:"corrections,omitempty"`
}

// Applied says what plugging the adapter in does.
func (a *Adapter) Applied() Applied {
	r := Applied{Form: a.Form.Name, Exchange: a.Manifest.Exchange}
	r.Adapter, _ = a.identity() // its manifest was read when it was opened
	if a.corrections.Any() {
		r.Corrections = &a.corrections
	}
	return r
}

// Text tells it in a line; "" of weights that were plugged in as they are.
func (r Applied) Text() string {
	switch {
	case r.Corrections != nil:
		return fmt.Sprintf("added to T₀ what came back as %s: %s\n", r.Form, r.Corrections)
	case r.Form != Weights.Name:
		return fmt.Sprintf("added to T₀ what came back as %s\n", r.Form)
	}
	return ""
}

// note is what a plugged model says of how it came to be, beside its kind: nothing of one
// that has the adapter's weights as they are.
func (a *Adapter) note() any {
	if a.Form.String() == "" && !a.corrections.Any() {
		return nil
	}
	return a.Applied()
}

// ExportPlugged writes the full model with an adapter's weights in their places, and
// returns how far those of each block went. Untouched tensors keep their bytes (F32 where
// the base is quantised); the adapter's are rounded to the base's type, unless the options
// say otherwise, and one that would become infinite is an error.
func ExportPlugged(c *transformer.Checkpoint, full *transformer.Decoder, a *Adapter, out string, opt PlugOptions) ([]Change, error) {
	_, params, err := a.Plugged(full)
	if err != nil {
		return nil, err
	}
	if a.Form.Delta == nil {
		return nil, fmt.Errorf("%s: what it has, %s, cannot be merged into the model's weights: nothing was applied", a.Path, a.Form.Help)
	}
	changes := a.Changes(c.Config)
	if err := a.CheckChanges(changes); err != nil && !opt.Force {
		return changes, fmt.Errorf("%w; nothing was applied; --force plugs it in all the same", err)
	}
	values := map[string]tensor.Tensor{}
	for w := range params {
		values[w.Name] = w.Value
	}
	if c.Config.Tied { // some checkpoints store the embedding under this name too
		values["lm_head.weight"] = values[full.Head.Name]
	}
	d := c.Whole()
	d.DType, d.Overwrite, d.Kind, d.Note = opt.DType, opt.Overwrite, pluggedKind, a.note()
	if opt.Ready != nil {
		d.Ready = func(string) error { opt.Ready(); return nil }
	}
	for i, t := range d.Tensors {
		d.Tensors[i].Value = values[t.Name]
	}
	return changes, c.WriteDir(out, d)
}
