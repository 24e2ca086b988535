package files

import (
	"encoding/json"
	"errors"
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

// Small is the limit in bytes of our own files that say what stands beside them.
const Small = 16 << 20

// maxJSONDepth bounds how deep the values of a file that ReadJSON reads are nested.
const maxJSONDepth = 64

// ReadJSON reads a small file that WriteJSON wrote into v. Names to the letter, each once
// and each that v always has, no null for a value and nothing after it: nobody else writes
// it, and a field that is not understood, or read otherwise by another program, could
// change a number.
func ReadJSON(path string, v any) error {
	data, err := Read(path, Small)
	if cause := errors.Unwrap(err); cause != nil { // the system's, not ours
		return fmt.Errorf("%s: missing or unreadable: %w", path, cause)
	} else if err != nil {
		return err
	}
	return decodeJSON(path, data, v)
}

func decodeJSON(path string, data []byte, v any) error {
	if err := strictjson.CheckFit(data, strictjson.Rules{Depth: maxJSONDepth}, v, strictjson.Whole); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, plainly(err))
	}
	return nil
}
