package task

import (
	"errors"
	"fmt"
	"io"
	"math"

	"lamina/internal/files"
	"lamina/record"
)

// ReadFile reads all documents of a file of one of the six shapes, verbatim.
func ReadFile(path string) ([]Document, error) { return Task{}.ReadFile(path) }

// ReadFile reads all documents of a file of JSON, one object a line; see
// [record.Scan] and [Task.Documents]. A file without documents is an error.
func (t Task) ReadFile(path string) ([]Document, error) {
	f, size, err := files.Open(path, files.Unlimited)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return t.read(f, path, size)
}

// Read reads all documents of r, verbatim.
func Read(r io.Reader, name string) ([]Document, error) { return Task{}.Read(r, name) }

// Read reads all documents of r, whose name is only for error messages.
func (t Task) Read(r io.Reader, name string) ([]Document, error) {
	return t.read(r, name, math.MaxInt64)
}

func (t Task) read(r io.Reader, name string, size int64) ([]Document, error) {
	docs, _, err := t.First(record.Scan(r, name), 0, size)
	if errors.Is(err, errNone) {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return docs, err
}
