package peft

import (
	"fmt"

	"lamina/autograd"
	"lamina/tensor"
)

// Merged returns the tensors of the model that what was trained changes, with it folded in:
// parameters of their names in a checkpoint, F32 on a device, whose values are the caller's
// to free. LoRA gives W + s·B·A, summed in float64 and rounded once; (IA)³ rows of W and of
// the bias, or columns of W, times their factor; BitFit what it trained. What cannot be
// folded in is an error.
func (a *Attached) Merged(dev tensor.Device) ([]*autograd.Parameter, error) {
	if !a.kind.Merges {
		return nil, fmt.Errorf("%s cannot be merged: its layers are not linear: keep it beside the weights", a.kind.Name)
	}
	var all []folded
	for _, p := range a.put {
		all = append(all, a.kind.merged(p.now)...)
	}
	if a.kind.put == nil {
		for _, w := range a.params {
			all = append(all, folded{w, w.Value.Float32s()})
		}
	}
	merged := make([]*autograd.Parameter, 0, len(all))
	for _, f := range all {
		t, err := tensor.FromFloat32s(dev, tensor.F32, f.values, f.of.Value.Shape()...)
		if err != nil {
			for _, w := range merged {
				w.Value.Free()
			}
			return nil, err
		}
		merged = append(merged, &autograd.Parameter{Name: f.of.Name, Value: t})
	}
	return merged, nil
}
