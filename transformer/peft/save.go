package peft

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"

	"lamina/autograd"
	"lamina/formats"
	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/tensor"
)

// Names of the files of a directory.
const (
	ConfigFile  = "adapter_config.json"       // the library's
	WeightsFile = "adapter_model.safetensors" // the library's
	OwnConfig   = "peft.json"                 // ours, where the library has no such kind
	OwnWeights  = "peft.safetensors"          // ours
)

// version is that of the library whose files are read and written.
const version = "0.21.0"

// prefix is what the library puts before a module's name.
const prefix = "base_model.model."

// own is what OwnConfig holds.
type own struct {
	Format  int      `json:"format"` // 1
	Kind    string   `json:"kind"`   // "peft"
	Config  Config   `json:"config"`
	Tensors []string `json:"tensors"` // under their names in the model
}

const (
	ownKind   = "peft"
	ownFormat = 1
)

// Save writes what was trained, and what it is, into a directory that is there: for LoRA and
// (IA)³ the files that the library's PeftModel.from_pretrained reads, for others our own. Of
// the model no name or path is written.
func (a *Attached) Save(dir string) error {
	if a.kind.peftType == "" {
		return a.saveOwn(dir)
	}
	if err := a.write(filepath.Join(dir, WeightsFile), func(w *autograd.Parameter) (string, []int) {
		return libraryEntry(a.inputs(), w.Name, w.Value.Shape())
	}); err != nil {
		return err
	}
	conv1D := false
	for _, p := range a.put {
		conv1D = conv1D || p.plain.InOut
	}
	config := map[string]any{
		"peft_type": a.kind.peftType, "peft_version": version, "task_type": "CAUSAL_LM", "inference_mode": true,
		"base_model_name_or_path": nil, "revision": nil, "auto_mapping": nil, "modules_to_save": nil, "exclude_modules": nil,
		"fan_in_fan_out": conv1D, "target_modules": a.Layers(),
	}
	maps.Copy(config, a.kind.keys(a))
	return files.WriteJSON(filepath.Join(dir, ConfigFile), config)
}

// inputs are the layers whose factors are of their input.
func (a *Attached) inputs() map[string]bool {
	all := map[string]bool{}
	for _, p := range a.put {
		all[p.name] = p.narrow
	}
	return all
}

// libraryEntry returns the name and shape that the library has for a parameter.
func libraryEntry(inputs map[string]bool, name string, shape []int) (string, []int) {
	if layer, ok := strings.CutSuffix(name, ".ia3_l"); ok {
		if inputs[layer] {
			shape = []int{1, shape[0]}
		} else {
			shape = []int{shape[0], 1}
		}
	}
	return prefix + name, shape
}

func (a *Attached) saveOwn(dir string) error {
	o := own{Format: ownFormat, Kind: ownKind, Config: a.Config}
	for _, w := range a.params {
		o.Tensors = append(o.Tensors, w.Name)
	}
	if err := a.write(filepath.Join(dir, OwnWeights), func(w *autograd.Parameter) (string, []int) { return w.Name, w.Value.Shape() }); err != nil {
		return err
	}
	return files.WriteJSON(filepath.Join(dir, OwnConfig), o)
}

// write writes the parameters as F32 under the names and shapes that entry returns.
func (a *Attached) write(path string, entry func(*autograd.Parameter) (string, []int)) error {
	var entries []formats.Entry
	of := map[string]tensor.Tensor{}
	for i, w := range a.params {
		name, shape := entry(w)
		if _, twice := of[name]; twice {
			return fmt.Errorf("%s: two parameters are called %s", path, formats.Quote(name))
		}
		of[name] = a.trainedValue(i)
		entries = append(entries, formats.Entry{Name: name, DType: tensor.F32, Shape: shape})
	}
	return safetensors.Write(path, entries, map[string]string{"format": "pt"}, func(name string, w io.Writer) error {
		if of[name].DType() == tensor.F32 {
			_, err := of[name].WriteTo(w)
			return err
		}
		_, err := w.Write(tensor.Bytes(of[name].Float32s())) // of a model that was not trained
		return err
	})
}
