package files

import (
	"bytes"
	"encoding/json"
	"fmt"

	"lamina/internal/strictjson"
)

// JSON returns v as text that people read too: indented, with a newline at its end.
func JSON(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}

// WriteJSON writes v as indented JSON, whole or not at all.
func WriteJSON(path string, v any) error {
	data, err := JSON(v)
	if err != nil {
		return err
	}
	return WriteBytes(path, data)
}

// Bounds of a file that ReadJSON reads.
const (
	maxJSON      = 16 << 20
	maxJSONDepth = 64
)

// ReadJSON reads a small file that WriteJSON wrote into v. Fields that v does not
// have, names that come twice and anything after the value are an error: nobody else
// writes it, and a field that is not understood could change a number.
func ReadJSON(path string, v any) error {
	data, err := Read(path, maxJSON)
	if err != nil {
		return err
	}
	if _, err := strictjson.Parse(data, strictjson.Rules{Depth: maxJSONDepth}); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
