package peft

import (
	"fmt"

	"lamina/autograd"
	"lamina/nn"
	"lamina/tensor"
)

// Folded is what a tensor of the model becomes with what was trained folded in.
type Folded struct {
	Values []float32 // nil: it stays as it is
	// Change, if not nil, is what is added to it, before the sum is rounded to Values.
	Change []float64
}

// Fold returns what becomes of a tensor of the model, by its name in a checkpoint and its
// values: LoRA adds s·B·A, summed in float64 and rounded once; (IA)³ multiplies rows of W and
// the bias, or columns of W, by their factor; BitFit has the values that it trained.
func (a *Attached) Fold(w *autograd.Parameter) (Folded, error) {
	if !a.kind.Merges {
		return Folded{}, fmt.Errorf("%s cannot be merged: its layers are not linear: keep it beside the weights", a.kind.Name)
	}
	for _, p := range a.put {
		for own := range p.plain.Params() {
			if own.Name == w.Name {
				return a.kind.fold(p.now, w), nil
			}
		}
	}
	if a.kind.put == nil {
		for i, own := range a.params {
			if own.Name == w.Name {
				return Folded{Values: a.trainedValue(i).Float32s()}, nil
			}
		}
	}
	return Folded{}, nil
}

// Merged returns the tensors of the decoder's blocks that what was trained changes, with it
// folded in, see [Attached.Fold]: parameters of their names in a checkpoint, F32 on a device,
// whose values are the caller's to free.
func (a *Attached) Merged(dev tensor.Device) ([]*autograd.Parameter, error) {
	var all []nn.Params
	for _, p := range a.put {
		all = append(all, p.plain.Params())
	}
	if a.kind.put == nil {
		all = append(all, a.Params())
	}
	var merged []*autograd.Parameter
	for w := range nn.Join(all...) {
		f, err := a.Fold(w)
		if err == nil && f.Values == nil {
			continue
		}
		var t tensor.Tensor
		if err == nil {
			t, err = tensor.FromFloat32s(dev, tensor.F32, f.Values, w.Value.Shape()...)
		}
		if err != nil {
			for _, w := range merged {
				w.Value.Free()
			}
			return nil, err
		}
		merged = append(merged, &autograd.Parameter{Name: w.Name, Value: t})
	}
	return merged, nil
}
