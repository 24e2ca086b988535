package lens

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/torchbin"
	"lamina/internal/files"
	"lamina/tensor"
	"lamina/transformer"
)

// Config is config.json of a tuned lens, as the tuned-lens library 0.2.0 writes it
// (tuned_lens/nn/lenses.py, TunedLensConfig).
type Config struct {
	Model    string  `json:"base_model_name_or_path"`
	Width    int     `json:"d_model"`
	Layers   int     `json:"num_hidden_layers"`
	Bias     bool    `json:"bias"`
	Revision *string `json:"base_model_revision"`
	Hash     *string `json:"unembed_hash"` // see [Hash]
	Type     string  `json:"lens_type"`
}

// The files of a lens, and what else they say.
const (
	ConfigFile = "config.json"
	ParamsFile = "params.pt"
	lensType   = "linear_tuned_lens"
)

// Written is the kind of directory that a lens is.
const Written = "tuned lens"

func configOf(d *transformer.Decoder, name string) Config {
	hash := headHash(d)
	return Config{Model: name, Width: d.Config.Width, Layers: len(d.Blocks), Bias: true, Hash: &hash, Type: lensType}
}

// check returns an error unless a decoder is such as the lens was trained for.
func (c Config) check(d *transformer.Decoder) error {
	switch {
	case c.Width != d.Config.Width:
		return fmt.Errorf("the lens is for a width (d_model) of %d, and the model has %d: it is another model's (%.80q)", c.Width, d.Config.Width, c.Model)
	case c.Layers != len(d.Blocks):
		return fmt.Errorf("the lens is for %d layers, and the model has %d: it is another model's (%.80q)", c.Layers, len(d.Blocks), c.Model)
	case c.Hash == nil:
		return nil
	}
	if hash := headHash(d); hash != *c.Hash {
		return fmt.Errorf("the lens was trained for another head (unembed_hash %.12s…, and the model's is %.12s…): it is another model's (%.80q), or of weights that are stored otherwise", *c.Hash, hash, c.Model)
	}
	return nil
}

// Save writes a tuned lens to an existing directory: config.json and params.pt, which
// tuned_lens.TunedLens.from_model_and_pretrained reads.
func (l *Lens) Save(dir string) error {
	if err := l.finite(); err != nil {
		return err
	}
	if err := files.WriteJSON(filepath.Join(dir, ConfigFile), l.Config); err != nil {
		return err
	}
	values, entries := map[string]tensor.Tensor{}, []formats.Entry{}
	for w := range l.Params() {
		values[w.Name] = w.Value
		entries = append(entries, formats.Entry{Name: w.Name, DType: w.Value.DType(), Shape: w.Value.Shape()})
	}
	return torchbin.Write(filepath.Join(dir, ParamsFile), entries, func(name string, w io.Writer) error {
		_, err := values[name].WriteTo(w)
		return err
	})
}

// Open reads a tuned lens: its maps are used where the file has them, until Close. What its configuration says beside
// what [Config] has is passed over, as the library does. An error names the file, or the
// tensor.
func Open(dev tensor.Device, dir string) (*Lens, error) {
	path := filepath.Join(dir, ConfigFile)
	data, err := files.Read(path, files.Small)
	if err != nil {
		return nil, fmt.Errorf("%w: want the directory of a tuned lens, with %s and %s", err, ConfigFile, ParamsFile)
	}
	c := Config{Bias: true, Type: lensType}
	if err := files.DecodeJSON(path, data, &c); err != nil {
		return nil, err
	}
	switch {
	case c.Type != lensType:
		return nil, fmt.Errorf("%s: lens_type %.64q: want %q", path, c.Type, lensType)
	case c.Width < 1 || c.Layers < 1 || c.Width > 1<<20 || c.Layers > 1<<12:
		return nil, fmt.Errorf("%s: d_model %d and num_hidden_layers %d: want the sizes of a model", path, c.Width, c.Layers)
	}
	l := &Lens{Kind: Tuned, Config: c}
	path = filepath.Join(dir, ParamsFile)
	if err := l.read(dev, path); err != nil {
		l.Close()
		return nil, err
	}
	if err := l.finite(); err != nil {
		l.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i := range l.Translators { // all were read
		l.release(i)
	}
	return l, nil
}

// read fills the maps from the state dict.
func (l *Lens) read(dev tensor.Device, path string) error {
	f, err := torchbin.Open(path)
	if err != nil {
		return err
	}
	l.file = f
	want := l.Config.Layers
	if l.Config.Bias {
		want *= 2
	}
	if f.Len() != want {
		return fmt.Errorf("%s: holds %d tensors, and %s says %d layers: want %d", path, f.Len(), ConfigFile, l.Config.Layers, want)
	}
	d := l.Config.Width
	for i := range l.Config.Layers {
		t := Translator{}
		if t.Weight, err = parameter(dev, f, path, weightName(i), d, d); err == nil && l.Config.Bias {
			t.Bias, err = parameter(dev, f, path, biasName(i), d)
		}
		l.Translators = append(l.Translators, t)
		if err != nil {
			return err
		}
	}
	return nil
}

// parameter reads one tensor in F32: in place, where the file has it so.
func parameter(dev tensor.Device, f *torchbin.File, path, name string, shape ...int) (*autograd.Parameter, error) {
	e, ok := f.Entry(name)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s: tensor %q is missing", path, name)
	case !slices.Equal(e.Shape, shape) || !e.DType.IsFloat():
		return nil, fmt.Errorf("%s: tensor %q is %s%v, want %v of floats", path, name, e.TypeName(), e.Shape, shape)
	}
	data, err := f.Bytes(name)
	if err != nil {
		return nil, err
	}
	w := &autograd.Parameter{Name: name}
	if start, _, _ := f.Range(name); e.DType == tensor.F32 && start%4 == 0 {
		w.Value, err = tensor.Wrap(dev, tensor.F32, data, shape...)
	} else if w.Value, err = tensor.New(dev, tensor.F32, shape...); err == nil {
		values := make([]float32, e.Elems())
		tensor.DecodeF32(values, data, e.DType)
		w.Value.SetFloat32s(values)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", path, name, err)
	}
	return w, nil
}

// release hints that the maps of an entry are not needed for now.
func (l *Lens) release(entry int) {
	if l.file == nil {
		return
	}
	l.file.Release(weightName(entry))
	if l.Config.Bias {
		l.file.Release(biasName(entry))
	}
}
