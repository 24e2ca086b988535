package exchange

import (
	"cmp"
	"fmt"
	"slices"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// peftForms send what was trained beside T, or little of T, as [lamina/transformer/peft]
// writes it: for LoRA and (IA)³ the directory is one that the library of that name reads.
// What can be folded in is added to T₀ as any delta; what cannot stays beside it.
func peftForms() (forms []Form) {
	for _, k := range peft.Kinds {
		weights, config := k.Files()
		f := Form{
			Name: k.Name, Help: k.Help, Weights: weights, Others: []string{config}, Kind: k.Name,
			Write:   func(dir string, r Returned) error { return r.Attached.Save(dir) },
			Fits:    func(file *safetensors.File, expected []Expected) []string { return peftFits(k, file, expected) },
			Changes: func(a *Adapter, name string) bool { return peftChanges(k, a.file, name) }, Replaces: k.Replaces(), Adds: k.Adds,
		}
		if k.Merges {
			f.Delta = peftDelta
		}
		forms = append(forms, f)
	}
	return forms
}

// peftFits says which tensors of a file are there for no weight of T. Their shapes are held
// against the model where they are read.
func peftFits(k peft.Kind, file *safetensors.File, expected []Expected) (wrong []string) {
	for _, name := range file.Names() {
		changes := k.Changes(name)
		if !slices.ContainsFunc(expected, func(x Expected) bool { return x.Name == changes }) {
			wrong = append(wrong, fmt.Sprintf("tensor %s is for no weight that was to be trained", formats.Quote(name)))
		}
	}
	if len(file.Names()) == 0 {
		wrong = append(wrong, "there is no tensor in it")
	}
	return wrong
}

// peftChanges reports whether a file may change the tensor of T of a name: the weight of a
// layer, or its bias.
func peftChanges(k peft.Kind, file *safetensors.File, name string) bool {
	return slices.ContainsFunc(file.Names(), func(own string) bool {
		changes := k.Changes(own)
		return changes == name || cutBias(changes) == name
	})
}

// cutBias returns the bias beside a weight.
func cutBias(weight string) string {
	const end = ".weight"
	if n := len(weight) - len(end); n > 0 && weight[n:] == end {
		return weight[:n] + ".bias"
	}
	return ""
}

// peftDelta is [Form.Delta] of what can be folded in.
func peftDelta(a *Adapter, w *autograd.Parameter) (Delta, error) {
	f, err := a.beside.Fold(w)
	before := w.Value.Float32s()
	switch {
	case err != nil:
		return Delta{}, err
	case f.Change != nil:
		return Delta{D: f.Change}, nil
	case f.Values == nil:
		return Delta{D: make([]float64, len(before))}, nil
	}
	return newDelta[float64](f.Values, before), nil
}

// loadBeside reads what stands beside the weights of a decoder's blocks, which it does not
// change.
func (a *Adapter) loadBeside(dev tensor.Device, d *transformer.Decoder, blocks []transformer.Block) error {
	saved, err := peft.Open(a.Path)
	if err != nil {
		return err
	}
	if a.beside != nil {
		a.beside.Close()
	}
	if a.beside, err = saved.Load(dev, d, blocks); err == nil && saved.Config.Kind != a.Form.Kind {
		err = fmt.Errorf("%s: is of the kind %s, and %s says %s", a.Path, saved.Config.Kind, adapterManifest, a.Form.Kind)
	}
	return cmp.Or(err, saved.Close())
}

// ApplyTo gives the trained part of an emulator, or of a full model, what the adapter makes
// of its weights, as [Adapter.Apply] does, or puts beside them what cannot be folded in.
func (a *Adapter) ApplyTo(dev tensor.Device, e *emulate.Emulator) error {
	params := slices.Collect(e.Params()) // of the model alone
	if a.Form.Kind != "" {
		if err := a.wantBase(slices.Values(params)); err != nil { // before what does not fit then
			return err
		}
		if err := a.loadBeside(dev, e.Decoder, e.Trained()); err != nil {
			return err
		}
	}
	if err := a.Apply(dev, slices.Values(params)); err != nil {
		return err
	}
	if a.Form.Delta == nil {
		a.beside.Install()
		for _, r := range a.beside.Reach() {
			a.changed = append(a.changed, tensorChange{r.Layer + " (beside)", r.Change * r.Change, r.Start * r.Start})
		}
	}
	return nil
}
