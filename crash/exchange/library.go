package exchange

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/transformer/peft"
)

// Open is [OpenAdapter], and opens besides a directory that the library peft wrote: an
// adapter for all layers of a model, which does not say of which one. For what somebody sent
// in an exchange OpenAdapter alone is right.
func Open(named string) (*Adapter, error) {
	if _, err := os.Lstat(filepath.Join(named, peft.ConfigFile)); err != nil {
		return OpenAdapter(named)
	}
	for _, own := range []string{adapterManifest, files.Manifest, adapterDir} {
		if _, err := os.Lstat(filepath.Join(named, own)); !errors.Is(err, fs.ErrNotExist) {
			return OpenAdapter(named)
		}
	}
	saved, err := peft.Open(named)
	if err != nil {
		return nil, err
	}
	if err := saved.Close(); err != nil {
		return nil, err
	}
	a := &Adapter{Path: named, named: named, library: true}
	if a.Form, err = FormNamed(saved.Config.Kind); err != nil {
		return nil, err
	}
	if a.file, err = safetensors.Open(filepath.Join(named, a.Form.Weights)); err != nil {
		return nil, err
	}
	a.Manifest = Manifest{Format: adapterFormat, Kind: adapterKind, Form: a.Form.Name, Whole: true, Tensors: a.file.Names()}
	if a.Manifest.Weights, err = fingerprint(a.file); err != nil {
		a.file.Close()
		return nil, err
	}
	return a, nil
}

// Doubts are what cannot be known of an adapter, in lines.
func (a *Adapter) Doubts() (lines []string) {
	if a.library {
		lines = append(lines, a.Path+": peft does not write which weights an adapter was trained on: that they are this model's is not seen")
	}
	if a.Unsealed {
		lines = append(lines, files.UnsealedWarning(a.Path))
	}
	return lines
}
