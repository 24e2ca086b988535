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

// Apply gives params what the adapter makes of their values T₀, as its corrections say,
// each an F32 tensor on dev until Close. First all is checked: the fingerprint of what
// params hold now, names, shapes, types, that every number is finite, and the fingerprint
// of the values; on an error nothing was changed.
func (a *Adapter) Apply(dev tensor.Device, params nn.Params) error {
	if err := a.wantBase(params); err != nil {
		return err
	}
	if err := a.fitting(params); err != nil {
		return err
	}
	applied := map[*autograd.Parameter]tensor.Tensor{}
	var changed []tensorChange
	var err error
	for w := range params {
		if !a.changes(w.Name) {
			continue
		}
		var values []float32
		if values, err = a.plugged(w); err != nil {
			break
		}
		if applied[w], err = tensor.FromFloat32s(dev, tensor.F32, values, w.Value.Shape()...); err != nil {
			delete(applied, w)
			break
		}
		changed = append(changed, newTensorChange(w.Name, w.Value.Float32s(), values))
	}
	if err != nil {
		for _, t := range applied {
			t.Free()
		}
		return fmt.Errorf("%s: %w", a.Path, err)
	}
	a.changed, a.before = changed, nil
	for w := range params {
		a.before = append(a.before, w.Value)
		if t, ok := applied[w]; ok {
			w.Value = t
			a.applied = append(a.applied, t)
		}
	}
	return nil
}

// changes reports whether the adapter may change a tensor of T.
func (a *Adapter) changes(name string) bool {
	return a.Form.Delta != nil && (a.Form.Changes == nil || a.Form.Changes(a, name))
}

// wantBase returns an error unless the adapter started from what params hold, or from what
// their owner made of that before he sent it, by the receipt that it was held against.
func (a *Adapter) wantBase(params nn.Params) error {
	if a.repaired || a.library {
		return nil
	}
	got := transformer.Fingerprint(params)
	if got == a.Manifest.Base {
		return nil
	}
	return fmt.Errorf("%s: made for other weights: they had fingerprint %.19q…, this model's have %.19q…", a.Path, a.Manifest.Base, got)
}

// fitting returns an error that lists all that is missing, too many or other than it should
// be in the adapter's file.
func (a *Adapter) fitting(params nn.Params) error {
	var wrong []string
	if !slices.Equal(a.Manifest.Tensors, a.file.Names()) {
		wrong = append(wrong, fmt.Sprintf("%s lists %d tensors that are not the %d of %s",
			adapterManifest, len(a.Manifest.Tensors), len(a.file.Names()), a.Form.Weights))
	}
	wrong = append(wrong, a.Form.Fits(a.file, expectedOf(params))...)
	for _, name := range a.file.Names() {
		if e, _ := a.file.Entry(name); len(wrong) == 0 && e.DType == tensor.F32 {
			if _, err := a.float32s(name); err != nil {
				wrong = append(wrong, err.Error())
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: does not fit, nothing was applied: %w", a.Path, errors.New(joinSome(wrong)))
	}
	return a.checkWeights()
}

// checkWeights holds the tensors against their fingerprint.
func (a *Adapter) checkWeights() error {
	want := a.Manifest.Weights
	if want == "" { // of an earlier version
		return nil
	}
	got, err := fingerprint(a.file)
	if err == nil && got != want {
		err = fmt.Errorf("%s: the weights have fingerprint %.19q…, %s says %.19q…: one of the two was changed: take a fresh copy", a.Path, got, adapterManifest, want)
	}
	return err
}

// float32s returns the values of an F32 tensor of the adapter's file, all finite.
func (a *Adapter) float32s(name string) ([]float32, error) {
	e, _ := a.file.Entry(name)
	data, err := a.file.Bytes(name)
	if err != nil {
		return nil, err
	}
	v := make([]float32, e.Elems())
	tensor.DecodeF32(v, data, e.DType)
	return v, wantFinite(name, v)
}

func wantFinite(name string, values []float32) error {
	for i, x := range values {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return fmt.Errorf("tensor %s has %v at element %d", formats.Quote(name), x, i)
		}
	}
	return nil
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
