package exchange

import (
	"cmp"
	"path/filepath"

	"lamina/crash/emulate"
	"lamina/crash/plan"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// An adapter is what the data owner sends back: what training made of the weights T, in
// one of [Forms], under the names they have in the full model, and a manifest.

// Names of the files of an adapter directory.
const (
	adapterWeights  = "adapter.safetensors"
	adapterManifest = "adapter.json"
	adapterKind     = "adapter"
	adapterFormat   = 3 // the first that names a form; of weights 2 is written, so that earlier versions read it
	weightsFormat   = 2
)

// Manifest says what an adapter is for. Base is the fingerprint of the
// weights T before training: the owner can tell that the adapter started from
// his emulator, and nobody can test guesses of the full model with it.
type Manifest struct {
	Format         int       `json:"format"`         // 3; 2 is of weights alone, 1 without a MANIFEST.json
	Kind           string    `json:"kind"`           // "adapter"
	Form           string    `json:"form,omitempty"` // of [Forms]; "": weights
	Plan           plan.Plan `json:"plan,omitempty"`
	Whole          bool      `json:"whole,omitempty"` // everything was trained, embeddings and head included
	Base           string    `json:"base"`
	emulate.Origin           // none where it was trained in the full model
	Tensors        []string  `json:"tensors"`
	Weights        string    `json:"weights,omitempty"` // fingerprint of Tensors: of weights that of T after training; earlier versions wrote none
	Versions       string    `json:"versions,omitempty"`

	Claims map[string]string `json:"claims,omitempty"` // what the data owner chose to say, and nobody can check
}

// SaveAdapter writes trained weights as the adapter directory dir, replacing an earlier one.
func SaveAdapter(dir string, m Manifest, params nn.Params) error {
	return Save(dir, Weights, m, Returned{After: params})
}

// Save writes what training made of T in a form as the adapter directory dir, replacing an
// earlier one. m has what the form does not say.
func Save(dir string, form Form, m Manifest, r Returned) error {
	m.Format, m.Kind, m.Form = adapterFormat, adapterKind, form.String()
	if m.Form == "" {
		m.Format = weightsFormat
	}
	return files.Dir(dir, true, func(tmp string) error { return fill(tmp, form, m, r) })
}

// fill writes the files of an adapter's directory.
func fill(tmp string, form Form, m Manifest, r Returned) error {
	if err := form.Write(tmp, r); err != nil {
		return err
	}
	file, err := safetensors.Open(filepath.Join(tmp, form.Weights))
	if err != nil {
		return err
	}
	m.Tensors = file.Names()
	m.Weights, err = fingerprint(file)
	if err := cmp.Or(err, file.Close()); err != nil {
		return err
	}
	if err := files.WriteJSON(filepath.Join(tmp, adapterManifest), m); err != nil {
		return err
	}
	return files.Seal(tmp)
}

// fingerprint is [transformer.FingerprintOf] the float tensors of a file.
func fingerprint(file *safetensors.File) (string, error) {
	var failed error
	sum := transformer.FingerprintOf(func(yield func(formats.Entry, []float32) bool) {
		for _, name := range file.Names() {
			e, _ := file.Entry(name)
			if !e.DType.IsFloat() {
				continue
			}
			data, err := file.Bytes(name)
			if err != nil {
				failed = err
				return
			}
			values := make([]float32, e.Elems())
			tensor.DecodeF32(values, data, e.DType)
			if !yield(e, values) {
				return
			}
		}
	})
	return sum, failed
}
