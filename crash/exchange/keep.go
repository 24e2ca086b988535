package exchange

import (
	"fmt"

	"lamina/crash/emulate"
	"lamina/internal/files"
	"lamina/transformer"
)

// Keep writes an adapter as a directory to stand beside the full model, whose weights stay
// as they are: what --adapter reads, and for LoRA and (IA)³ the library peft too. First it
// is held against the model as by [ExportPlugged]; its settings are written anew, so that
// nothing goes on that changes no number, as the name of a model. Of the options DType and
// Compact say nothing.
func Keep(full *transformer.Decoder, a *Adapter, out string, opt PlugOptions) ([]Change, error) {
	switch {
	case a.Form.Kind == "":
		return nil, fmt.Errorf("%s: what came back as %s takes the place of weights, and nothing stands beside them: leave --keep out", a.Path, a.Form.Name)
	case a.corrections.Any():
		return nil, fmt.Errorf("%s: %s changes the weights that it is merged into: leave it or --keep out", a.Path, a.corrections)
	}
	_, _, err := a.Plugged(full)
	if err != nil {
		return nil, err
	}
	changes := a.Changes(full.Config)
	if err := a.CheckChanges(changes); err != nil && !opt.Force {
		return changes, fmt.Errorf("%w; nothing was written; --force keeps it all the same", err)
	}
	m := a.Manifest
	if a.library { // from now on it is this model's
		m.Base = transformer.Fingerprint(emulate.Whole(full).Params())
	}
	to := files.Output{Path: out, Kind: adapterKind, Overwrite: opt.Overwrite}
	return changes, to.Write(func(tmp string) error {
		if err := fill(tmp, a.Form, m, Returned{Attached: a.beside}); err != nil {
			return err
		}
		if opt.Ready != nil {
			opt.Ready()
		}
		return nil
	})
}
