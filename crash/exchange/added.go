package exchange

import (
	"fmt"

	"lamina/autograd"
	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Added returns the full model with what training added to the starred layers of a plan,
// where their owner trained them before he sent them: T is fl32(T₀ + (T_after - T_r)), to the
// bit what plugging it in makes of it when it comes back as [DeltaForm]. params are the
// replaced weights; their memory is the caller's to free. full is not changed.
func Added(full *transformer.Decoder, p plan.Plan, r Returned) (d *transformer.Decoder, params nn.Params, err error) {
	e, err := emulate.New(full, p.Starred())
	if err != nil {
		return nil, nil, err
	}
	changed := map[string]trained{}
	for _, w := range byName(r) {
		changed[w.Name] = w
	}
	var own []*autograd.Parameter
	for w := range e.Params() {
		own = append(own, w)
		of, ok := changed[w.Name]
		if !ok || !of.Value.SameShape(w.Value) {
			return nil, nil, fmt.Errorf("tensor %s: was not trained as the model has it, %v", w.Name, w.Value.Shape())
		}
	}
	var made []tensor.Tensor
	for _, w := range own {
		of, values := changed[w.Name], w.Value.Float32s()
		delta := newDelta[float32](of.Value.Float32s(), of.before.Float32s())
		for i, v := range values {
			values[i] = delta.plus(i, v, 1)
		}
		value, err := tensor.FromFloat32s(full.Head.Value.Device(), tensor.F32, values, w.Value.Shape()...)
		if err != nil {
			for _, t := range made {
				t.Free()
			}
			return nil, nil, err
		}
		w.Value = value
		made = append(made, value)
	}
	return e.Plug(full), nn.List(own...), nil
}
