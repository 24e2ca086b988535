package exchange

import (
	"io"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/tensor"
)

// Weights sends T itself in F32, under the names that it has in the full model. It is what
// adapters of format 2 and earlier have.
var Weights = Form{
	Name: "weights", Help: "the trained weights themselves", Weights: adapterWeights, Replaces: true,
	Write: func(dir string, r Returned) error {
		values := map[string]tensor.Tensor{}
		var entries []formats.Entry
		for w := range r.After {
			values[w.Name] = w.Value
			entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F32, Shape: w.Value.Shape()})
		}
		return writeTensors(dir, adapterWeights, entries, func(name string, w io.Writer) error {
			if v := values[name]; v.DType() != tensor.F32 { // not trained: as the model's file has it
				_, err := w.Write(tensor.Bytes(v.Float32s()))
				return err
			}
			_, err := values[name].WriteTo(w)
			return err
		})
	},
	Fits: func(file *safetensors.File, expected []Expected) []string { return fitsT(file, expected) },
	Delta: func(a *Adapter, w *autograd.Parameter) (Delta, error) {
		after, err := a.float32s(w.Name)
		if err != nil {
			return Delta{}, err
		}
		return newDelta[float64](after, w.Value.Float32s()), nil
	},
}
