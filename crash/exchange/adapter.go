package exchange

import (
	"io"
	"path/filepath"
	"slices"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// An adapter is what the data owner sends back: the trained weights T in F32,
// under the names they have in the full model, and a manifest.

// Names of the files of an adapter directory.
const (
	adapterWeights  = "adapter.safetensors"
	adapterManifest = "adapter.json"
	adapterKind     = "adapter"
	adapterFormat   = 2
)

// Manifest says what an adapter is for. Base is the fingerprint of the
// weights T before training: the owner can tell that the adapter started from
// his emulator, and nobody can test guesses of the full model with it.
type Manifest struct {
	Format         int       `json:"format"` // 2; 1 was without a MANIFEST.json
	Kind           string    `json:"kind"`   // "adapter"
	Plan           plan.Plan `json:"plan,omitempty"`
	Whole          bool      `json:"whole,omitempty"` // everything was trained, embeddings and head included
	Base           string    `json:"base"`
	emulate.Origin           // none where it was trained in the full model
	Tensors        []string  `json:"tensors"`
	Weights        string    `json:"weights,omitempty"` // fingerprint of T after training, however it is packed; earlier versions wrote none
	Versions       string    `json:"versions,omitempty"`
}

// SaveAdapter writes the adapter directory dir, replacing an earlier one.
func SaveAdapter(dir string, m Manifest, params nn.Params) error {
	m.Format, m.Kind = adapterFormat, adapterKind
	values := map[string]tensor.Tensor{}
	var entries []formats.Entry
	for w := range params {
		values[w.Name] = w.Value
		entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F32, Shape: w.Value.Shape()})
		m.Tensors = append(m.Tensors, w.Name)
	}
	slices.Sort(m.Tensors)
	m.Weights = transformer.Fingerprint(params)
	return files.Dir(dir, true, func(tmp string) error {
		err := safetensors.Write(filepath.Join(tmp, adapterWeights), entries, map[string]string{"format": "pt"},
			func(name string, w io.Writer) error {
				if v := values[name]; v.DType() != tensor.F32 { // not trained: as the model's file has it
					_, err := w.Write(tensor.Bytes(v.Float32s()))
					return err
				}
				_, err := values[name].WriteTo(w)
				return err
			})
		if err != nil {
			return err
		}
		if err := files.WriteJSON(filepath.Join(tmp, adapterManifest), m); err != nil {
			return err
		}
		return files.Seal(tmp)
	})
}
