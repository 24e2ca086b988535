package study

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"lamina/crash/train"
	"lamina/internal/files"
	"lamina/transformer/peft"
)

// TrainedBy is how a run of finetune trained, as far as others are to be trained like it.
type TrainedBy struct {
	Settings train.Settings
	PEFT     *peft.Config // nil: every weight of the part
	Data     string       // SHA-256 of the rows' file
	Task     string
}

// ReadTrainedBy reads it from the config.json of a run directory, or of the one that an
// adapter's directory lies in. It is nil where there is none: an adapter that came from
// elsewhere tells nothing of it.
func ReadTrainedBy(adapter string) (*TrainedBy, error) {
	for _, dir := range []string{adapter, filepath.Dir(filepath.Clean(adapter))} {
		path := filepath.Join(dir, "config.json")
		data, err := files.Read(path, files.Small)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var of struct{ Command string }
		if err := json.Unmarshal(data, &of); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if of.Command != "finetune" {
			continue
		}
		var c finetuneConfig
		if err := files.ReadJSON(path, &c); err != nil {
			return nil, err
		}
		return &TrainedBy{c.Settings, c.PEFT, c.Data.SHA256, c.Task}, nil
	}
	return nil, nil
}
