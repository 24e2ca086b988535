package demo

import (
	"fmt"
	"os"
	"path/filepath"

	"lamina/internal/files"
)

// Write makes the directories "model" and "data" in the folder inputs of a demo's
// directory, as [WriteModel] and [WriteData] do, and returns their paths. What is there
// stays, unless overwrite is set; a directory that is no demo's, and whatever in it Write
// did not make, stays in any case.
func Write(out, inputs string, overwrite bool) (model, data string, err error) {
	if err := files.CheckSettings(out, nil, true, inputs); err != nil {
		return "", "", err
	}
	dir := filepath.Join(out, inputs)
	if _, err := os.Stat(filepath.Join(out, files.Settings)); err == nil {
		if _, err := os.Stat(filepath.Join(dir, "model")); err != nil {
			return "", "", fmt.Errorf("%s: holds results that are no demo's: choose another --out", out)
		}
	}
	model, data = filepath.Join(dir, "model"), filepath.Join(dir, "data")
	parts := []struct {
		to    files.Output
		write func(files.Output) error
	}{{modelAt(model, overwrite), writeModel}, {dataAt(data, overwrite), writeData}}
	there := func(to files.Output) bool { _, err := os.Stat(to.Path); return err == nil && !overwrite }
	for _, p := range parts { // where one is refused, none is made
		if err := p.to.Check(); err != nil && !there(p.to) {
			return "", "", err
		}
	}
	for _, p := range parts {
		if there(p.to) {
			continue
		}
		if err := p.write(p.to); err != nil {
			return "", "", err
		}
	}
	return model, data, nil
}
