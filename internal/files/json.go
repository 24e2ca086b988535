package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// WriteJSON writes v as indented JSON, whole or not at all.
func WriteJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return WriteBytes(path, append(data, '\n'))
}

// ReadJSON reads a small file of ours; unknown fields and anything after the
// value are an error, since nobody else writes it.
func ReadJSON(path string, v any) error {
	const limit = 16 << 20
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("%s: missing or unreadable: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: more text after its JSON", path)
	}
	return nil
}
