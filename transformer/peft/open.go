package peft

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/nn"
	"lamina/tensor"
	"lamina/transformer"
)

// pickle is the file in which the library wrote tensors before it had safetensors.
const pickle = "adapter_model.bin"

// Saved is a directory with what was trained, opened.
type Saved struct {
	Path   string
	Config Config

	kind  Kind
	rules rules
	file  *safetensors.File
}

// Open reads a directory that [Attached.Save] wrote, or the library did: its configuration,
// and of the tensors their names. What it says that would change a number and is not
// understood is an error that names the key; no weight is read.
func Open(dir string) (*Saved, error) {
	s := &Saved{Path: dir}
	weights := WeightsFile
	err := s.readLibrary(filepath.Join(dir, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(filepath.Join(dir, OwnConfig)); missing == nil {
			weights, err = OwnWeights, s.readOwn(filepath.Join(dir, OwnConfig))
		} else {
			err = fmt.Errorf("%s: neither %s nor %s: want a directory that peft's save_pretrained or lamina finetune --peft wrote", dir, ConfigFile, OwnConfig)
		}
	}
	if err != nil {
		return nil, err
	}
	if s.file, err = safetensors.Open(filepath.Join(dir, weights)); err != nil {
		if _, missing := os.Stat(filepath.Join(dir, pickle)); missing == nil {
			err = fmt.Errorf("%w: %s is a pickle, in which any call may stand, and is not read: write it again with peft's save_pretrained(…, safe_serialization=True)", err, pickle)
		}
		return nil, err
	}
	return s, nil
}

func (s *Saved) readOwn(path string) error {
	var o own
	if err := files.ReadJSON(path, &o); err != nil {
		return err
	}
	if o.Kind != ownKind || o.Format != ownFormat {
		return fmt.Errorf("%s: is %.32q of format %d, want %q of format %d", path, o.Kind, o.Format, ownKind, ownFormat)
	}
	if err := o.Config.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.Config = o.Config
	s.kind, _ = Named(o.Config.Kind)
	return nil
}

// Close unmaps the file.
func (s *Saved) Close() error { return s.file.Close() }

// Tensors returns the names of the file's tensors, sorted.
func (s *Saved) Tensors() []string { return s.file.Names() }

// Attach puts what was saved to blocks of a decoder, with values on a device. The file must
// have the tensors of the layers that its configuration chooses among the blocks, each of
// its shape and of finite numbers, and no others: an error lists what is missing, too many
// or other than it should be, and nothing is changed.
//
// A kind that puts nothing there gives the blocks' own parameters the values: they are those
// of the blocks until Close.
func (s *Saved) Attach(dev tensor.Device, d *transformer.Decoder, blocks []transformer.Block) (*Attached, error) {
	a, err := s.Load(dev, d, blocks)
	if err == nil {
		a.Install()
	}
	return a, err
}

// Load is Attach without a change of the blocks, which may be an outline's: for
// [Attached.Fold], or to be installed later.
func (s *Saved) Load(dev tensor.Device, d *transformer.Decoder, blocks []transformer.Block) (*Attached, error) {
	src := &source{saved: s, dev: dev, read: map[string]bool{}, inputs: map[string]bool{}}
	c, r := s.Config, s.rules
	r.any = true
	if s.kind.peftType != "" { // which factors are of the input
		src.findInputs(d, blocks, r)
	}
	a, err := build(src, d, blocks, c, r)
	if err != nil && len(src.wrong) == 0 {
		return nil, fmt.Errorf("%s: %w", s.Path, err)
	}
	if a != nil && a.kind.put == nil {
		src.replace(a)
	}
	for _, name := range s.file.Names() {
		if !src.read[name] {
			src.wrong = append(src.wrong, fmt.Sprintf("tensor %s is of no layer that it says it changes", formats.Quote(name)))
		}
	}
	if len(src.wrong) > 0 {
		if a != nil {
			a.free()
		}
		return nil, fmt.Errorf("%s: does not fit, nothing was applied: %s", s.Path, joined(src.wrong))
	}
	return a, nil
}

// source gives parameters the values of a file.
type source struct {
	saved  *Saved
	dev    tensor.Device
	read   map[string]bool // tensors of the file
	inputs map[string]bool // layers whose factors are of their input
	wrong  []string
}

func (s *source) findInputs(d *transformer.Decoder, blocks []transformer.Block, r rules) {
	for _, b := range blocks {
		if scaled, ok := b.(*transformer.Scaled); ok {
			b = scaled.Block
		}
		layers, err := targets(d.Config, []transformer.Block{b}, s.saved.kind, s.saved.Config.Targets, r)
		if err != nil {
			continue // said where it is attached
		}
		for _, l := range layers {
			s.inputs[l.name] = l.narrow
		}
	}
}

// Parameter reads the named one. What is wrong with it is noted.
func (s *source) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	t, err := s.load(name, shape)
	if err != nil {
		s.wrong = append(s.wrong, err.Error())
		t = tensor.NoMemory(nil, tensor.F32, shape...) // goes nowhere
	}
	return &autograd.Parameter{Name: name, Value: t}
}

func (s *source) load(name string, shape []int) (tensor.Tensor, error) {
	n := formats.Entry{Shape: shape}.Elems()
	key, stored := name, shape
	if s.saved.kind.peftType != "" {
		key, stored = libraryEntry(s.inputs, name, shape)
	}
	e, ok := s.saved.file.Entry(key)
	s.read[key] = true
	switch {
	case !ok:
		return tensor.Tensor{}, fmt.Errorf("tensor %s is missing", formats.Quote(key))
	case !slices.Equal(e.Shape, stored) || !e.DType.IsFloat() || e.DType == tensor.F64:
		return tensor.Tensor{}, fmt.Errorf("tensor %s is %s%v, want F32%v, or F16 or BF16", formats.Quote(key), e.TypeName(), e.Shape, stored)
	}
	data, err := s.saved.file.Bytes(key)
	if err != nil {
		return tensor.Tensor{}, err
	}
	v := make([]float32, n)
	tensor.DecodeF32(v, data, e.DType)
	for i, x := range v {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			return tensor.Tensor{}, fmt.Errorf("tensor %s has %v at element %d", formats.Quote(key), x, i)
		}
	}
	return tensor.FromFloat32s(s.dev, tensor.F32, v, shape...)
}

// replace reads values for parameters that the decoder has.
func (s *source) replace(a *Attached) {
	for _, w := range a.params {
		t := s.Parameter(w.Name, nn.Initial{}, w.Value.Shape()...).Value
		a.values, a.made = append(a.values, t), append(a.made, t)
	}
}

// joined lists the first of many.
func joined(texts []string) string {
	const shown = 16
	text := strings.Join(texts[:min(shown, len(texts))], "; ")
	if n := len(texts) - shown; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	return text
}
