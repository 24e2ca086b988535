package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"lamina/eval/task"
)

// maxInput bounds the JSON files that are read whole.
const maxInput = 256 << 20

// readInput reads a file of a flag whole.
func readInput(path string) ([]byte, error) {
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

// decodeJSON decodes one JSON value and refuses what follows it.
func decodeJSON(path string, data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one JSON value", path)
	}
	return nil
}

// checkLimit refuses a negative number of documents.
func checkLimit(n int) error {
	if n < 0 {
		return usagef("a limit of %d documents: want 1 or more", n)
	}
	return nil
}

// namedTask returns the task of --task; an unknown name is wrong usage.
func namedTask(name string) (task.Task, error) {
	t, err := task.Named(name)
	if err != nil {
		return t, usageError{err}
	}
	return t, nil
}
