package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// maxInput bounds the files that are read whole.
const maxInput = 256 << 20

// ReadInput reads a file that somebody named whole.
func ReadInput(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: no such file", path)
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory, want a file", path)
	case info.Size() > maxInput:
		return nil, fmt.Errorf("%s: %d bytes, more than the %d this command reads", path, info.Size(), maxInput)
	}
	return os.ReadFile(path)
}

// DecodeJSON decodes the one JSON value of the file at path into v and refuses what
// follows it.
func DecodeJSON(path string, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", path)
	}
	return nil
}
