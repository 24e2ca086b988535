package exchange

import (
	"fmt"

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
	return e.Plug(full), e.Params(), a.Apply(full.Head.Value.Device(), e.Params())
}

// PlugOptions say how a model with an adapter's weights is written.
type PlugOptions struct {
	DType     tensor.DType // of all tensors; Invalid: as the base has them
	Overwrite bool
	Force     bool // also where a block changed by more than [MostChange]

	// Ready, if not nil, is called when the model is whole and before it is there.
	Ready func()
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
	d.DType, d.Overwrite, d.Kind = opt.DType, opt.Overwrite, "plugged model"
	if opt.Ready != nil {
		d.Ready = func(string) error { opt.Ready(); return nil }
	}
	for i, t := range d.Tensors {
		d.Tensors[i].Value = values[t.Name]
	}
	return changes, c.WriteDir(out, d)
}
