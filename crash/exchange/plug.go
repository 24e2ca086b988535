package exchange

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Plugged returns the full model with an adapter's weights in their places; full
// itself is not changed. params are the replaced weights.
func (a *Adapter) Plugged(full *transformer.Decoder) (d *transformer.Decoder, params nn.Params, err error) {
	e := emulate.Whole(full)
	if !a.Manifest.Whole {
		if e, err = emulate.New(full, a.Manifest.Plan); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", a.Path, err)
		}
	}
	return e.Plug(full), e.Params(), a.Apply(full.Head.Value.Device(), e.Params())
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
	d.DType, d.Overwrite, d.Kind = dtype, overwrite, "plugged model"
	for i, t := range d.Tensors {
		d.Tensors[i].Value = values[t.Name]
	}
	return c.WriteDir(out, d)
}
