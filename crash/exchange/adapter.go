package exchange

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"lamina/autograd"
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
	adapterFormat   = 2
)

// Manifest says what an adapter is for. Base is the fingerprint of the
// weights T before training: the owner can tell that the adapter started from
// his emulator, and nobody can test guesses of the full model with it.
type Manifest struct {
	Format   int       `json:"format"` // 2; 1 was without a MANIFEST.json
	Kind     string    `json:"kind"`   // "adapter"
	Plan     plan.Plan `json:"plan,omitempty"`
	Whole    bool      `json:"whole,omitempty"` // everything was trained, embeddings and head included
	Base     string    `json:"base"`
	Tensors  []string  `json:"tensors"`
	Versions string    `json:"versions,omitempty"`
}

// SaveAdapter writes the adapter directory dir, replacing an earlier one.
func SaveAdapter(dir string, m Manifest, params nn.Params) error {
	m.Format, m.Kind = adapterFormat, "adapter"
	values := map[string]tensor.Tensor{}
	var entries []formats.Entry
	for w := range params {
		values[w.Name] = w.Value
		entries = append(entries, formats.Entry{Name: w.Name, DType: tensor.F32, Shape: w.Value.Shape()})
		m.Tensors = append(m.Tensors, w.Name)
	}
	slices.Sort(m.Tensors)
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

// Adapter is an adapter directory, opened.
type Adapter struct {
	Path     string
	Manifest Manifest
	Unsealed bool // there is no MANIFEST.json, as in adapters of earlier versions
	file     *safetensors.File
	applied  []tensor.Tensor // what Apply put on devices
}

// OpenAdapter opens an adapter: its own directory, or that of the run that made
// it. Every file is held against MANIFEST.json first; an error names the one that was
// changed, added or lost.
func OpenAdapter(path string) (*Adapter, error) {
	if _, err := os.Stat(filepath.Join(path, "adapter", adapterManifest)); err == nil {
		path = filepath.Join(path, "adapter")
	}
	a := &Adapter{Path: path, Unsealed: !files.HasManifest(path)}
	if !a.Unsealed {
		if err := files.Verify(path); err != nil {
			return nil, err
		}
	}
	if err := files.ReadJSON(filepath.Join(path, adapterManifest), &a.Manifest); err != nil {
		return nil, fmt.Errorf("%w (want a run directory of finetune that is done, or its adapter directory)", err)
	}
	switch m := a.Manifest; {
	case m.Kind != "adapter" || m.Format < 1 || m.Format > adapterFormat:
		return nil, fmt.Errorf("%s: kind %.32q format %d: this version reads adapters of formats 1 and %d",
			filepath.Join(path, adapterManifest), m.Kind, m.Format, adapterFormat)
	case m.Format > 1 && a.Unsealed:
		return nil, fmt.Errorf("%s: missing; an adapter of format %d has one: take a fresh copy of the directory", filepath.Join(path, files.Manifest), m.Format)
	}
	file, err := safetensors.Open(filepath.Join(path, adapterWeights))
	if err != nil {
		return nil, err
	}
	a.file = file
	return a, nil
}

// Close gives back the memory of applied values, which are invalid then, and unmaps the
// file.
func (a *Adapter) Close() error {
	for _, t := range a.applied {
		t.Free()
	}
	a.applied = nil
	return a.file.Close()
}

// Apply gives params the adapter's values, each an F32 tensor on dev until Close. First
// all is checked: the fingerprint of what params hold now, names, shapes, types and
// that every number is finite; on an error nothing was changed.
func (a *Adapter) Apply(dev tensor.Device, params nn.Params) error {
	if got := transformer.Fingerprint(params); got != a.Manifest.Base {
		return fmt.Errorf("%s: made for other weights: they had fingerprint %.19q…, this model's have %.19q…", a.Path, a.Manifest.Base, got)
	}
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
			wrong = append(wrong, fmt.Sprintf("tensor %.128q is not trained by its plan", name))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: does not fit, nothing was applied: %w", a.Path, errors.New(joinSome(wrong)))
	}
	applied := map[*autograd.Parameter]tensor.Tensor{}
	for w := range params {
		t, err := tensor.FromFloat32s(dev, tensor.F32, values[w], w.Value.Shape()...)
		if err != nil {
			for _, t := range applied {
				t.Free()
			}
			return fmt.Errorf("%s: %w", a.Path, err)
		}
		applied[w] = t
	}
	for w, t := range applied {
		w.Value = t
		a.applied = append(a.applied, t)
	}
	return nil
}

func (a *Adapter) values(w *autograd.Parameter) ([]float32, error) {
	e, ok := a.file.Entry(w.Name)
	switch {
	case !ok:
		return nil, fmt.Errorf("tensor %.128q is missing", w.Name)
	case !slices.Equal(e.Shape, w.Value.Shape()) || e.DType != tensor.F32:
		return nil, fmt.Errorf("tensor %.128q is %s%v, want F32%v", w.Name, e.DType, e.Shape, w.Value.Shape())
	}
	data, err := a.file.Bytes(w.Name)
	if err != nil {
		return nil, err
	}
	v := make([]float32, e.Elems())
	tensor.DecodeF32(v, data, tensor.F32)
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("tensor %.128q has %v at element %d", w.Name, x, i)
		}
	}
	return v, nil
}

// joinSome lists the first few of many.
func joinSome(texts []string) string {
	const shown = 4
	out := ""
	for i, t := range texts[:min(shown, len(texts))] {
		if i > 0 {
			out += "; "
		}
		out += t
	}
	if n := len(texts) - shown; n > 0 {
		out += fmt.Sprintf("; and %d more", n)
	}
	return out
}
