package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"

	"lamina/internal/strictjson"
)

// maxInput bounds the files that are read whole.
const maxInput = 256 << 20

// ReadInput reads a file that somebody named whole.
func ReadInput(path string) ([]byte, error) {
	return Read(path, maxInput)
}

// DecodeJSON decodes the one JSON value of the file at path into v. Members that v does
// not know are passed over; a name that comes twice, or is one of v's in another case, a
// null for a value and what follows the value are errors.
func DecodeJSON(path string, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, plainly(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", path)
	}
	if err := strictjson.CheckFit(data, strictjson.Rules{Depth: maxJSONDepth}, v, strictjson.Named); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// ReadArray reads a file that somebody named into v, a JSON array of what of says.
func ReadArray(path string, v any, of string) error {
	data, err := ReadInput(path)
	if err != nil {
		return err
	}
	if err := DecodeJSON(path, data, v); err != nil {
		return fmt.Errorf("%w (want a JSON array of %s)", err, of)
	}
	return nil
}

// plainly says in words of JSON, not of Go, what a decoder found.
func plainly(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON ends in the middle: is the file cut?")
	case errors.Is(err, io.EOF):
		return errors.New("empty: want a JSON value")
	case errors.As(err, &wrong):
		where := ""
		if wrong.Field != "" {
			where = fmt.Sprintf("field %q: ", wrong.Field)
		}
		return fmt.Errorf("%sbyte %d: %s, want %s", where, wrong.Offset, wrong.Value, jsonKind(wrong.Type.Kind()))
	}
	return err
}

// jsonKind names the JSON value that a Go kind is read from.
func jsonKind(k reflect.Kind) string {
	switch k {
	case reflect.Slice, reflect.Array:
		return "array"
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	return "whole number"
}

// CheckTarget returns an error where no file could be written at a path: its directory is
// not there, or it is one itself.
func CheckTarget(path string) error {
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("%s: no such directory: %s", path, filepath.Dir(path))
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: is a directory, give a file", path)
	}
	return nil
}
