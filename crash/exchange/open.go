package exchange

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lamina/formats/safetensors"
	"lamina/internal/files"
	"lamina/tensor"
	"lamina/transformer"
	"lamina/transformer/peft"
)

// Adapter is an adapter directory, opened.
type Adapter struct {
	Path        string
	Manifest    Manifest
	Form        Form
	Unsealed    bool   // there is no MANIFEST.json, as in adapters of earlier versions
	library     bool   // peft wrote it, and it does not say for which weights
	named       string // as it was asked for
	file        *safetensors.File
	corrections Corrections
	model       transformer.Config // that they are for
	corrected   map[string]Delta   // dT after what takes long
	repaired    bool               // it was held against a receipt, whose owner repaired T
	applied     []tensor.Tensor    // what Apply put on devices
	before      []tensor.Tensor    // what they replaced, in the order of the parameters
	changed     []tensorChange     // by Apply
	beside      *peft.Attached     // what stands beside T, of forms with a Kind
	storedAs    tensor.DType       // of changed matrices, where the base is quantised and the model was written
	inBlocks    bool               // and the others were left so
}

// adapterDir is the directory of an adapter in that of the run that made it.
const adapterDir = "adapter"

// OpenAdapter opens an adapter: its own directory, or that of the run that made
// it. It has its own files and no others, none of them a link, and every one is held
// against MANIFEST.json first; an error names the one that was changed, added or lost.
func OpenAdapter(named string) (*Adapter, error) {
	recoverAdapter(named)
	path, err := locate(named)
	if err != nil {
		return nil, err
	}
	if err := wantOwnFiles(path, anyFiles()); err != nil {
		return nil, err
	}
	a := &Adapter{Path: path, named: named, Unsealed: !files.HasManifest(path)}
	digest, err := files.ReadSent(path, adapterManifest, &a.Manifest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w (want a run directory of finetune that is done, or its adapter directory)", err)
	case err != nil:
		return nil, err
	}
	if err := files.CheckFormat(path, adapterManifest, adapterKind, adapterFormat, a.Manifest.Kind, a.Manifest.Format, digest); err != nil {
		return nil, err
	}
	if a.Form, err = a.Manifest.form(); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(path, adapterManifest), err)
	}
	if err := wantOwnFiles(path, a.Form.files()); err != nil {
		return nil, err
	}
	if a.file, err = safetensors.Open(filepath.Join(path, a.Form.Weights)); err != nil {
		return nil, err
	}
	return a, nil
}

// form returns the form that an adapter says it has.
func (m Manifest) form() (Form, error) {
	switch {
	case m.Form == "" && m.Format < adapterFormat:
		return Weights, nil
	case m.Form == "" || m.Form == Weights.Name || m.Format < adapterFormat:
		return Form{}, fmt.Errorf("format %d with form %.32q: weights have format %d and no form, all else has both", m.Format, m.Form, weightsFormat)
	}
	return FormNamed(m.Form)
}

// anyFiles lists what an adapter's directory may have, whatever its form.
func anyFiles() (names []string) {
	for _, f := range Forms {
		names = append(names, f.files()...)
	}
	return names
}

// locate returns the adapter's directory: path, or adapter/ in it, and never one of two.
func locate(path string) (string, error) {
	inside := filepath.Join(path, adapterDir)
	info, err := os.Lstat(inside)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular():
		return path, nil
	case err != nil:
		return path, nil // what is wrong with path is said where it is read
	case info.Mode()&fs.ModeSymlink != 0:
		return "", fmt.Errorf("%s: is a link: name the adapter's directory itself", inside)
	}
	for _, name := range []string{adapterManifest, adapterWeights, files.Manifest} {
		if _, err := os.Lstat(filepath.Join(path, name)); err == nil {
			return "", fmt.Errorf("%s: holds an adapter and another in %s: one of the two was added; take it away, or name a directory with one", path, inside)
		}
	}
	return inside, nil
}

// recoverAdapter puts back an adapter that was put aside by who was then killed, where
// nothing has its name.
func recoverAdapter(named string) {
	for _, path := range []string{named, filepath.Join(named, adapterDir)} {
		_, err := os.Lstat(path)
		if _, own := os.Lstat(filepath.Join(named, adapterManifest)); own != nil && errors.Is(err, fs.ErrNotExist) {
			_ = files.Recover(path) // who opens it says what is wrong
		}
	}
}

// wantOwnFiles returns an error if a directory has anything but an adapter's files.
func wantOwnFiles(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // the manifest will be missing
	}
	own := map[string]bool{files.Manifest: true}
	for _, name := range names {
		own[name] = true
	}
	isAdapter := false
	for _, e := range entries {
		isAdapter = isAdapter || own[e.Name()]
	}
	for _, e := range entries {
		switch path := filepath.Join(dir, e.Name()); {
		case !isAdapter:
		case !own[e.Name()]:
			return fmt.Errorf("%s: an adapter has no such file: it was added; take it away", path)
		case e.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s: is a link, want a regular file in the directory: take a fresh copy", path)
		}
	}
	return nil
}

// Close gives back the memory of applied values, which are invalid then, and unmaps the
// file.
func (a *Adapter) Close() error {
	a.unplug()
	return a.file.Close()
}

// unplug gives back the memory of applied values.
func (a *Adapter) unplug() {
	for _, t := range a.applied {
		t.Free()
	}
	a.applied, a.before = nil, nil
	if a.beside != nil {
		a.beside.Close()
		a.beside = nil
	}
}

// IsAdapter reports whether a path is an adapter's directory, or that of a run that made one.
func IsAdapter(path string) bool {
	for _, dir := range []string{path, filepath.Join(path, adapterDir)} {
		if info, err := os.Stat(filepath.Join(dir, adapterManifest)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}
