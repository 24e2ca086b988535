package transformer

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/autograd"
	"lamina/formats"
	"lamina/nn"
	"lamina/tensor"
)

// OpenDescription opens a model by what describes it: sizes and memory can be told, and
// nothing can be computed. path is a config.json or a directory that holds one. heads are
// the headers of the files of weights, wherever they lie; without them the tensors are
// those of the configuration, of the type that it states.
func OpenDescription(path string, heads ...formats.Reader) (*Checkpoint, error) {
	file, dir := path, filepath.Dir(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file, dir = filepath.Join(path, "config.json"), path
	}
	c := &Checkpoint{Path: path, Dir: dir, Described: true, names: map[string]string{}}
	if err := c.readConfig(file); err != nil {
		return nil, err
	}
	if len(heads) > 0 {
		var err error
		if c.source, err = formats.Join(path, heads); err != nil {
			return nil, err
		}
		return c.named(c.Config.family().fullName)
	}
	list := &listing{dtype: c.Config.storedType()}
	New(c.Config, list)
	c.source = formats.Listed(path, list.entries)
	return c.named(func(name string) string { return name })
}

// IsDescription reports whether a path is a config.json, or a directory without weights.
func IsDescription(path string) bool {
	info, err := os.Stat(path)
	return err == nil && (info.IsDir() && !HasWeights(path) || filepath.Ext(path) == ".json")
}

// HasWeights reports whether a directory has a file of weights, or an index of some, that
// [Open] would read.
func HasWeights(dir string) bool {
	for _, f := range weightFiles {
		if _, err := os.Stat(filepath.Join(dir, f.name)); err == nil {
			return true
		}
	}
	return false
}

// readConfig reads and parses a config.json.
func (c *Checkpoint) readConfig(path string) error {
	data, err := readSmall(path)
	if err != nil {
		return err
	}
	if c.Config, err = ParseConfig(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return wantUnique(filepath.Join(filepath.Dir(path), generationFile))
}

// storedType is what the configuration says its weights are stored as: F32 where it says
// nothing, or a type that has no name here.
func (c Config) storedType() tensor.DType {
	name, _ := c.Raw["torch_dtype"].(string)
	for d, known := range torchNames {
		if known == name {
			return d
		}
	}
	return tensor.F32
}

// listing is a Source that notes what is asked for.
type listing struct {
	dtype   tensor.DType
	entries []formats.Entry
}

func (l *listing) Parameter(name string, _ nn.Initial, shape ...int) *autograd.Parameter {
	l.entries = append(l.entries, formats.Entry{Name: name, DType: l.dtype, Shape: shape})
	return &autograd.Parameter{Name: name}
}
