package crash

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
)

// An adapter is what the data owner sends back: the trained weights T in F32,
// under the names they have in the full model, and a manifest.

// Names of the files of an adapter directory.
const (
	adapterWeights  = "adapter.safetensors"
	adapterManifest = "adapter.json"
)

// AdapterManifest says what an adapter is for. Base is the fingerprint of the
// weights T before training: the owner can tell that the adapter started from
// his emulator, and nobody can test guesses of the full model with it.
type AdapterManifest struct {
	Format   int       `json:"format"` // 1
	Kind     string    `json:"kind"`   // "adapter"
	Plan     LayerPlan `json:"plan,omitempty"`
	Whole    bool      `json:"whole,omitempty"` // everything was trained, embeddings and head included
	Base     string    `json:"base"`
	Tensors  []string  `json:"tensors"`
	Versions string    `json:"versions,omitempty"`
}

// Fingerprint digests named weights: SHA-256 over the sorted records
// "name\n[shape]\nsha256(F32 values, little-endian)\n". It does not depend on
// how a file stores them beyond their values.
func Fingerprint(params nn.Params) string {
	var records []string
	for w := range params {
		records = append(records, fmt.Sprintf("%s\n%v\n%x\n", w.Name, w.Value.Shape(), sumValues(w.Value)))
	}
	slices.Sort(records)
	h := sha256.New()
	for _, r := range records {
		io.WriteString(h, r)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// sumValues hashes a tensor's values as F32, some rows at a time: a copy of the
// whole may be larger than all the rest of a run.
func sumValues(t tensor.Tensor) []byte {
	const piece = 1 << 18
	h, rows := sha256.New(), t.Dim(0)
	step := max(piece*rows/max(t.Len(), 1), 1)
	for from := 0; from < rows; from += step {
		h.Write(tensor.Bytes(t.Slice(from, min(from+step, rows)).Float32s()))
	}
	return h.Sum(nil)
}

// SaveAdapter writes the adapter directory dir, replacing an earlier one.
func SaveAdapter(dir string, m AdapterManifest, params nn.Params) error {
	m.Format, m.Kind = 1, "adapter"
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
		return writeJSON(filepath.Join(tmp, adapterManifest), m)
	})
}

// Adapter is an adapter directory, opened.
type Adapter struct {
	Path     string
	Manifest AdapterManifest
	file     *safetensors.File
}

// OpenAdapter opens an adapter: its own directory, or that of the run that made
// it.
func OpenAdapter(path string) (*Adapter, error) {
	if _, err := os.Stat(filepath.Join(path, "adapter", adapterManifest)); err == nil {
		path = filepath.Join(path, "adapter")
	}
	a := &Adapter{Path: path}
	if err := readJSON(filepath.Join(path, adapterManifest), &a.Manifest); err != nil {
		return nil, err
	}
	if a.Manifest.Kind != "adapter" || a.Manifest.Format != 1 {
		return nil, fmt.Errorf("%s: kind %.32q format %d: this version reads adapters of format 1",
			filepath.Join(path, adapterManifest), a.Manifest.Kind, a.Manifest.Format)
	}
	file, err := safetensors.Open(filepath.Join(path, adapterWeights))
	if err != nil {
		return nil, err
	}
	a.file = file
	return a, nil
}

// Close unmaps the file.
func (a *Adapter) Close() error { return a.file.Close() }

// Apply gives params the adapter's values, each an F32 tensor on dev. First all
// is checked: the fingerprint of what params hold now, names, shapes, types and
// that every number is finite; on an error nothing was changed.
func (a *Adapter) Apply(dev tensor.Device, params nn.Params) error {
	if got := Fingerprint(params); got != a.Manifest.Base {
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
	for w := range params {
		t := tensor.New(dev, tensor.F32, w.Value.Shape()...)
		t.SetFloat32s(values[w])
		w.Value = t
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

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return files.WriteBytes(path, append(data, '\n'))
}

// readJSON reads a small file of ours; unknown fields and anything after the
// value are an error, since nobody else writes it.
func readJSON(path string, v any) error {
	const limit = 16 << 20
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: missing or unreadable: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: more text after its JSON", path)
	}
	return nil
}
