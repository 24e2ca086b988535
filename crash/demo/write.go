package demo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Write makes the directories "model" and "data" in dir, as [WriteModel] and [WriteData]
// do, and returns their paths. What is there stays, unless overwrite is set.
func Write(dir string, overwrite bool) (model, data string, err error) {
	model, data = filepath.Join(dir, "model"), filepath.Join(dir, "data")
	for path, write := range map[string]func(string) error{model: WriteModel, data: WriteData} {
		if _, err := os.Stat(path); err == nil && !overwrite {
			continue
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		if err := os.RemoveAll(path); err != nil {
			return "", "", err
		}
		if err := write(path); err != nil {
			return "", "", err
		}
	}
	return model, data, nil
}
