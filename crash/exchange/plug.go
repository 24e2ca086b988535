package exchange

import (
	"cmp"
	"fmt"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/undo"
	"lamina/formats"
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
	return e.Plug(full), params, a.ApplyTo(full.Head.Value.Device(), e)
}

// PlugOptions say how a model with an adapter's weights is written.
type PlugOptions struct {
	DType tensor.DType // of all tensors; Invalid: as the base has them
	// Compact leaves what is quantised as it is, in a directory that lamina alone reads, and
	// stores matrices that the adapter changes, of such a base, as this type, F16 or Q8_0:
	// in blocks of 4 bits a small change would be rounded away. Invalid: no such directory.
	Compact   tensor.DType
	Overwrite bool
	Force     bool // also where a block changed by more than [MostChange]

	// Undo keeps the way back beside the model: see [lamina/crash/undo].
	Undo bool

	// Ready, if not nil, is called when the model is whole and before it is there.
	Ready func()
}

// Unplug gives a plugged model's directory back the files of the model that it was written
// from.
func Unplug(out string) (undo.Undone, error) { return undo.Back(out, pluggedKind) }

// pluggedKind is what a plugged model's directory says that it is.
const pluggedKind = "plugged model"

// Applied says what was done to a model.
type Applied struct {
	Form        string       `json:"form"`
	Exchange    string       `json:"exchange,omitempty"`
	Adapter     string       `json:"adapter"` // what it is known by, see [Receipt]
	Corrections *Corrections `json:"corrections,omitempty"`
	// Stored is the type of the matrices that the adapter changed, of a base that is
	// quantised; Blocks says that the others stayed in their blocks.
	Stored string `json:"stored,omitempty"`
	Blocks bool   `json:"blocks,omitempty"`
}

// Applied says what plugging the adapter in does.
func (a *Adapter) Applied() Applied {
	r := Applied{Form: a.Form.Name, Exchange: a.Manifest.Exchange}
	r.Adapter, _ = a.identity() // its manifest was read when it was opened
	if a.corrections.Any() {
		r.Corrections = &a.corrections
	}
	if a.storedAs != tensor.Invalid {
		r.Stored, r.Blocks = a.storedAs.String(), a.inBlocks
	}
	return r
}

// Text tells it in a line; "" of weights that were plugged in as they are.
func (r Applied) Text() string {
	text := ""
	switch {
	case r.Corrections != nil:
		text = fmt.Sprintf("added to T₀ what came back as %s: %s\n", r.Form, r.Corrections)
	case r.Form != Weights.Name:
		text = fmt.Sprintf("added to T₀ what came back as %s\n", r.Form)
	}
	switch {
	case r.Blocks:
		text += fmt.Sprintf("the base is quantised: its changed matrices are %s now, all others have their blocks\n", r.Stored)
	case r.Stored != "":
		text += fmt.Sprintf("the base is quantised: its changed matrices are %s now, as are all others; --compact leaves those in their blocks\n", r.Stored)
	}
	return text
}

// note is what a plugged model says of how it came to be, beside its kind: nothing of one
// that has the adapter's weights as they are.
func (a *Adapter) note() any {
	if a.Form.String() == "" && !a.corrections.Any() && a.storedAs == tensor.Invalid {
		return nil
	}
	return a.Applied()
}

// ExportPlugged writes the full model with an adapter's weights in their places, and
// returns how far those of each block went. Untouched tensors keep their bytes (F32 where
// the base is quantised, unless Compact keeps its blocks); the adapter's are rounded to the
// base's type, or the one that the options say, and one that would become infinite is an
// error. Nothing is quantised again that was.
func ExportPlugged(c *transformer.Checkpoint, full *transformer.Decoder, a *Adapter, out string, opt PlugOptions) ([]Change, error) {
	_, params, err := a.Plugged(full)
	if err != nil {
		return nil, err
	}
	if a.Form.Delta == nil {
		return nil, fmt.Errorf("%s: what it has, %s, cannot be merged into the model's weights: nothing was applied; plug --keep leaves it beside the model", a.Path, a.Form.Help)
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
	for i, t := range d.Tensors {
		d.Tensors[i].Value = values[t.Name]
	}
	if err := a.store(c, &d, opt); err != nil {
		return changes, err
	}
	d.DType, d.Overwrite, d.Kind, d.Note = opt.DType, opt.Overwrite, pluggedKind, a.note()
	out = undo.Named(out)
	id, release := "", func() {} // of the record of the way back
	defer func() { release() }()
	d.Ready = func(tmp string) (err error) {
		unlock, err := undo.Lock(out)
		if err != nil {
			return err
		}
		release = unlock
		if opt.Undo {
			id, err = undo.Keep(tmp, out, undo.Base{Path: c.Path, Weights: c.Files()})
		}
		if err == nil && opt.Ready != nil {
			opt.Ready()
		}
		return err
	}
	if err := c.WriteDir(out, d); err != nil {
		return changes, err
	}
	return changes, undo.Settle(out, id)
}

// store says how the changed matrices of a quantised base are stored.
func (a *Adapter) store(c *transformer.Checkpoint, d *transformer.Directory, opt PlugOptions) error {
	_, quantised := c.Bytes()
	switch {
	case !quantised && opt.Compact != tensor.Invalid:
		return fmt.Errorf("%s: is not quantised: --compact has nothing to leave as it is", c.Path)
	case !quantised:
		return nil
	case opt.Compact == tensor.Invalid:
		a.storedAs = cmp.Or(opt.DType, tensor.F32)
		return nil
	}
	a.storedAs, a.inBlocks = opt.Compact, true
	for i := range c.Config.Layers {
		d.Places = append(d.Places, i)
	}
	for i, t := range d.Tensors {
		if t.Value.IsNone() || t.Value.Rank() < 2 || t.Value.DType() != tensor.F32 {
			continue
		}
		if was, _ := c.Entry(t.From); !was.DType.IsBlock() {
			continue
		}
		value, err := encoded(t.Value, opt.Compact)
		if err != nil {
			return fmt.Errorf("%s: tensor %s as %s: %w", a.Path, formats.Quote(t.Name), opt.Compact, err)
		}
		a.applied = append(a.applied, value)
		d.Tensors[i] = transformer.NamedTensor{Name: t.Name, Value: value} // From: with its type
	}
	return nil
}

// encoded returns a matrix in another type, in memory of its own. A number that this would
// make infinite is an error.
func encoded(m tensor.Tensor, as tensor.DType) (tensor.Tensor, error) {
	values, shape := m.Float32s(), m.Shape()
	data, err := tensor.EncodeRows(values, shape[len(shape)-1], as)
	if err != nil {
		return tensor.Tensor{}, err
	}
	tensor.DecodeF32(values, data, as)
	if err := wantFinite(as.String(), values); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Wrap(m.Device(), as, data, shape...)
}
