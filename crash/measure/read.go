package measure

import (
	"encoding/json"
	"fmt"

	"lamina/internal/files"
)

// Read reads what lamina similarity wrote of one model.
func Read(path string) (sim Similarity, err error) {
	data, err := files.ReadInput(path)
	if err != nil {
		return sim, err
	}
	var file struct {
		Similarity
		With   *string           `json:"with"`
		Models []json.RawMessage `json:"models"`
	}
	if err := files.DecodeJSON(path, data, &file); err != nil {
		return sim, err
	}
	if file.With != nil || file.Models != nil {
		return sim, fmt.Errorf("%s: is of several models: want the similarity of one", path)
	}
	if err := file.Validate(); err != nil {
		return sim, fmt.Errorf("%s: %w", path, err)
	}
	return file.Similarity, nil
}
