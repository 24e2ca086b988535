package exchange

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/formats"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// Apply gives params the adapter's values, each an F32 tensor on dev until Close. First
// all is checked: the fingerprint of what params hold now, names, shapes, types, that
// every number is finite, and the fingerprint of the values; on an error nothing was
// changed.
func (a *Adapter) Apply(dev tensor.Device, params nn.Params) error {
	if got := transformer.Fingerprint(params); got != a.Manifest.Base {
		return fmt.Errorf("%s: made for other weights: they had fingerprint %.19q…, this model's have %.19q…", a.Path, a.Manifest.Base, got)
	}
	values, err := a.fitting(params)
	if err != nil {
		return err
	}
	applied := map[*autograd.Parameter]tensor.Tensor{}
	for w := range params {
		if applied[w], err = tensor.FromFloat32s(dev, tensor.F32, values[w], w.Value.Shape()...); err != nil {
			delete(applied, w)
			break
		}
	}
	if err == nil {
		err = a.checkWeights(params, applied)
	}
	if err != nil {
		for _, t := range applied {
			t.Free()
		}
		return fmt.Errorf("%s: %w", a.Path, err)
	}
	a.changed = nil
	for w := range params {
		a.changed = append(a.changed, newTensorChange(w.Name, w.Value.Float32s(), values[w]))
		w.Value = applied[w]
		a.applied = append(a.applied, w.Value)
	}
	return nil
}

// checkWeights holds the values that params are to get against their fingerprint.
func (a *Adapter) checkWeights(params nn.Params, values map[*autograd.Parameter]tensor.Tensor) error {
	want := a.Manifest.Weights
	if want == "" { // of an earlier version
		return nil
	}
	got := transformer.Fingerprint(func(yield func(*autograd.Parameter) bool) {
		for w := range params {
			if !yield(&autograd.Parameter{Name: w.Name, Value: values[w]}) {
				return
			}
		}
	})
	if got != want {
		return fmt.Errorf("the weights have fingerprint %.19q…, %s says %.19q…: one of the two was changed: take a fresh copy", got, adapterManifest, want)
	}
	return nil
}

// fitting returns the adapter's values of params, or an error that lists all that is
// missing, too many or other than it should be.
func (a *Adapter) fitting(params nn.Params) (map[*autograd.Parameter][]float32, error) {
	var wrong []string
	if !slices.Equal(a.Manifest.Tensors, a.file.Names()) {
		wrong = append(wrong, fmt.Sprintf("%s lists %d tensors that are not the %d of %s",
			adapterManifest, len(a.Manifest.Tensors), len(a.file.Names()), adapterWeights))
	}
	wanted := map[string]bool{}
	values := map[*autograd.Parameter][]float32{}
	for w := range params {
		wanted[w.Name] = true
		v, err := a.values(w)
		if err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		values[w] = v
	}
	for _, name := range a.file.Names() {
		if !wanted[name] {
			wrong = append(wrong, fmt.Sprintf("tensor %s is not trained by its plan", formats.Quote(name)))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s: does not fit, nothing was applied: %w", a.Path, errors.New(joinSome(wrong)))
	}
	return values, nil
}

func (a *Adapter) values(w *autograd.Parameter) ([]float32, error) {
	e, ok := a.file.Entry(w.Name)
	switch {
	case !ok:
		return nil, fmt.Errorf("tensor %s is missing", formats.Quote(w.Name))
	case !slices.Equal(e.Shape, w.Value.Shape()) || e.DType != tensor.F32:
		return nil, fmt.Errorf("tensor %s is %s%v, want F32%v", formats.Quote(w.Name), e.DType, e.Shape, w.Value.Shape())
	}
	data, err := a.file.Bytes(w.Name)
	if err != nil {
		return nil, err
	}
	v := make([]float32, e.Elems())
	tensor.DecodeF32(v, data, tensor.F32)
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("tensor %s has %v at element %d", formats.Quote(w.Name), x, i)
		}
	}
	return v, nil
}

// joinSome lists the first of many.
func joinSome(texts []string) string {
	const shown = 64
	out := strings.Join(texts[:min(shown, len(texts))], "; ")
	if n := len(texts) - shown; n > 0 {
		out += fmt.Sprintf("; and %d more", n)
	}
	return out
}
