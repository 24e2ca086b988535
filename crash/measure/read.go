package measure

import (
	"fmt"

	"lamina/internal/files"
)

// Read reads what lamina similarity wrote.
func Read(path string) (sim Similarity, err error) {
	data, err := files.ReadInput(path)
	if err != nil {
		return sim, err
	}
	if err := files.DecodeJSON(path, data, &sim); err != nil {
		return sim, err
	}
	if err := sim.Validate(); err != nil {
		return sim, fmt.Errorf("%s: %w", path, err)
	}
	return sim, nil
}
