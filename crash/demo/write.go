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
	for _, part := range []struct { // in this order: where the model is refused, no data is made
		path  string
		write func(path string, overwrite bool) error
	}{{model, writeModel}, {data, writeData}} {
		if _, err := os.Stat(part.path); err == nil && !overwrite {
			continue
		}
		if err := part.write(part.path, overwrite); err != nil {
			return "", "", err
		}
	}
	return model, data, nil
}
